"""Every rule that the code cites stands in docs/rules.md, and every file named there cites its rule."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (BR-\d{3}) \| .+ \| `([^`]+)` \|$", PAGE, re.MULTILINE)
RULE = re.compile(r"BR-\d{3}")
FOLDERS = ("dataset_assets", "definitions", "resources", "tests", "docs")
CITING = [ROOT / "README.md"] + [
    path
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.*"))
    if path.suffix in {".py", ".md"}
]


def test_rules_are_numbered_once_and_without_gaps():
    numbers = [int(rule[3:]) for rule, _ in ROWS]
    assert numbers == [*range(1, 20), *range(101, 147), *range(201, 210)]
    assert PAGE.count("\n| BR-") == len(ROWS)


def test_every_cited_rule_stands_on_the_page():
    known = {rule for rule, _ in ROWS}
    cited = {path: set(RULE.findall(path.read_text(encoding="utf-8"))) for path in CITING}
    assert {str(path): sorted(rules - known) for path, rules in cited.items() if rules - known} == {}


@pytest.mark.parametrize(("rule", "file"), ROWS, ids=[rule for rule, _ in ROWS])
def test_the_file_that_keeps_a_rule_cites_it(rule, file):
    assert rule in (ROOT / file).read_text(encoding="utf-8")


def test_no_citation_leads_out_of_the_repository():
    wrong = re.compile(r"\b(?:decision|promise)s? \d{1,2}\b|\bDESIGN\b", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in CITING
        if path.suffix == ".py" and path != Path(__file__)
        for match in wrong.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
