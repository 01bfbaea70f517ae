"""Record a definition test: real rows, and what the dataset selects of them now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.definition_test_rules import DefinitionTestRules, Row
from dataset_assets.catalog.definition_tests import TESTS
from dataset_assets.catalog.setting_rules import STEM
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.contract.definition_test import ROOT, DefinitionTest
from dataset_assets.definition_tests.candidates import Candidates, read_candidates
from dataset_assets.definition_tests.given_rows import given_relations
from dataset_assets.definition_tests.made_up import without_sensitive
from dataset_assets.definition_tests.row_choice import ChosenRows, RowChoice
from dataset_assets.definition_tests.run import run_test
from dataset_assets.definition_tests.selected import select_rows
from dataset_assets.discovery.runs import Reports, open_run, selection_queries
from dataset_assets.errors import Fault, InUseError, ResolveError, UnsupportedError
from dataset_assets.ports.engine import Engine, Session
from dataset_assets.ports.target import Target
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.system_errors import system_errors_as_faults
from dataset_assets.text.atomic_files import replace_text
from dataset_assets.text.values import json_value
from dataset_assets.text.wording import shown
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.notation import flow
from dataset_assets.yaml.reader import read


@dataclass(frozen=True)
class RecordedTest:
    """A test that was written, the number of rows in it, and the changes of settings it does not notice."""

    path: Path
    chosen: ChosenRows
    expected: int


@system_errors_as_faults()
def record_test(
    catalog: Catalog,
    target: Target,
    entry: Entry,
    at: AsOfChoice,
    name: str,
    rows: int,
    engine: Engine,
    reports: Reports | None = None,
) -> RecordedTest:
    """Write a test with at most `rows` rows of the main table, which are read from the target.

    The rows are chosen so that the test notices changes of filters, splits and joins. Equal tables give equal
    rows. Values of sensitive columns are replaced. Raises DatasetAssetsError as `open_run` does, and
    UnsupportedError if the rows cannot be published.
    """
    reports = reports or Reports()
    path = _free_path(catalog, entry, name)
    with open_run(catalog, target, entry, at, selection_queries, reports) as run:
        reports.step("reading rows")
        inputs = run.inputs
        candidates = without_sensitive(inputs, read_candidates(inputs, run.session))
    if not candidates.main:
        hint = "name another Period or instant"
        raise ResolveError(Fault(f"{inputs.scope.main.name} has no rows to record", hint=hint))
    with engine.connect() as session:
        reports.step("choosing rows")
        found = _record(inputs, candidates, session, rows)
        text = _text(entry, at, *found)
        _verify(catalog, entry, path, text, session)
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, text)
    chosen, selected = found
    return RecordedTest(path, chosen, len(selected))


def _free_path(catalog: Catalog, entry: Entry, name: str) -> Path:
    if not STEM.fullmatch(name):
        message = f"{shown(name)} cannot be the name of a test"
        raise UnsupportedError(Fault(message, hint="use letters, digits and `_`, beginning with a letter"))
    path = catalog.root / TESTS / entry.stem / f"{name}.yaml"
    if path.exists():
        hint = "remove the file to record it again, or choose another name"
        raise InUseError(Fault(f"the test {entry.stem}/{name} exists already", hint=hint))
    return path


def _record(
    inputs: SelectionInput, candidates: Candidates, session: Session, rows: int
) -> tuple[ChosenRows, Sequence[Row]]:
    """Return the chosen rows, and the rows that the dataset selects of them."""
    chosen = RowChoice(inputs, candidates, session, rows).choose()
    relations = given_relations(inputs.scope, chosen.given, session)
    selected = select_rows(SelectionInput(inputs.scope, relations, inputs.as_of, inputs.period), session)
    plain = [{name: json_value(value) for name, value in row.items()} for row in selected.rows]
    return chosen, sorted(plain, key=lambda row: [(value is not None, str(value)) for value in row.values()])


def _text(entry: Entry, at: AsOfChoice, chosen: ChosenRows, selected: Sequence[Row]) -> str:
    """Return the text of the file."""
    when = {"partition": at.period.id} if at.period else {"as_of": json_value(at.as_of)}
    lines = [
        f"# Recorded from real rows by `dataset-assets test {entry.stem} --record`. Edit it as you like.",
        f"{ROOT}:",
        *(f"  {key}: {flow(str(value))}" for key, value in when.items()),
        "  given:",
    ]
    for source, rows in chosen.given.items():
        lines += _list(4, source, rows)
    return "\n".join([*lines, *_list(2, "expect", selected), ""])


def _list(indent: int, key: str, rows: Sequence[Row]) -> list[str]:
    space = " " * indent
    if not rows:
        return [f"{space}{key}: []"]
    return [f"{space}{key}:", *(f"{space}  - {flow(_texts(row))}" for row in rows)]


def _texts(row: Row) -> Mapping[str, str | None]:
    return {name: _value_text(json_value(value)) for name, value in row.items()}


def _value_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _verify(catalog: Catalog, entry: Entry, path: Path, text: str, session: Session) -> None:
    """Run the test before it is written. Raises UnsupportedError if it fails: no such rows are published."""
    document = read(text, str(path))
    definition = build(document, DefinitionTest, ROOT)
    result = run_test(
        catalog, DefinitionTestRules(catalog, entry, path, document, definition).usable(), session
    )
    if not result.passed:
        problems = result.problems or ("the file holds other rows than were selected",)
        raise UnsupportedError(*(Fault(f"these rows are not published: {problem}") for problem in problems))
