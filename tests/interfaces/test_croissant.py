"""`croissant` writes what mlcroissant validates and loads; `card` describes the same publication."""

import csv
import hashlib
import io
import json

import pyarrow.parquet as pq
import pytest

from tests.consumers.consumers import consume
from tests.interfaces.running import run, run_ok, run_refused

pytestmark = pytest.mark.usefixtures("retailer")
MARCH = ("--partition", "2017-03")
URL = "https://example.org/license"


@pytest.fixture
def published(retailer):
    run_ok("materialize", "profiles")
    run_ok("materialize", "sales", *MARCH)
    return retailer


def records_of(name: str, *options: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run_ok("read", name, *options, "--format", "csv").out)))


def test_mlcroissant_validates_and_loads_an_export(published):
    folder = published / "shared" / "sales"
    answer = run_ok("croissant", "sales", *MARCH, "-o", str(folder), "--license", URL, "--url", URL)
    assert sorted(path.name for path in folder.iterdir()) == ["croissant.json", "sales_2017-03.parquet"]
    assert "sensitive columns are left out: household__income; --with-sensitive writes them" in answer.err
    found = consume("load_croissant", folder / "croissant.json", cache=published)
    assert (found["conforms_to"], found["is_latest"]) == ("http://mlcommons.org/croissant/1.1", True)
    assert (found["errors"], found["version"]) == ([], "1.0.0")
    assert found["warnings"] == []
    assert [(each["splits/name"], each["splits/value"]) for each in found["splits"]] == [
        ("train", 0),
        ("eval", 1),
    ]
    expected = records_of("sales", *MARCH)
    assert len(found["records"]) == len(expected)
    for record, row in zip(found["records"], expected, strict=True):
        assert set(record) == {f"rows/{name}" for name in row if name != "household__income"}
        assert record["rows/basket_id"] == row["basket_id"]
        assert float(record["rows/revenue"]) == float(row["revenue"])
        assert record["rows/timestamp"][:19] == row["timestamp"][:19]
        assert record["rows/split"] == row["split"]


def test_the_metadata_names_the_file_by_its_digest(published):
    folder = published / "shared"
    run_ok("croissant", "sales", "-o", str(folder))
    metadata = json.loads((folder / "croissant.json").read_text())
    [file] = metadata["distribution"]
    content = (folder / file["contentUrl"]).read_bytes()
    assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert file["contentSize"] == f"{len(content)} B"
    shown = json.loads(run_ok("show", "sales", "--json").out)["publications"][0]
    assert metadata["identifier"] == shown["digest"]
    assert metadata["url"] == "urn:uuid:01a2001c-5bae-7b91-b4bb-a18b13ce11ed"
    assert metadata["creator"] == {"@type": "sc:Person", "name": "user-ann", "email": "ann@example.com"}
    assert [each["prov:label"] for each in metadata["prov:wasDerivedFrom"]] == list(shown["sources"])


def test_sensitive_values_are_written_only_if_asked_for(published):
    folder = published / "shared"
    run_ok("croissant", "profiles", "-o", str(folder))
    assert pq.read_table(folder / "profiles.parquet").column_names == ["household_id", "town"]
    assert "secret" not in (folder / "croissant.json").read_text()
    run_ok("croissant", "profiles", "-o", str(folder), "--with-sensitive")
    assert pq.read_table(folder / "profiles.parquet").column_names == ["household_id", "income", "town"]
    metadata = (folder / "croissant.json").read_text()
    assert "secret" not in metadata, "statistics never have such values"
    found = consume("load_croissant", folder / "croissant.json", cache=published)
    assert {each["rows/income"] for each in found["records"]} == {"12-secret", "34-secret", "None"}


def test_another_file_than_the_described_one_is_refused_by_mlcroissant(published):
    folder = published / "shared"
    run_ok("croissant", "profiles", "-o", str(folder))
    path = folder / "profiles.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(RuntimeError, match=r"(?i)hash"):
        consume("load_croissant", folder / "croissant.json", cache=published)


def test_faults_of_croissant(published):
    assert "there is no dataset 'nothing'" in run_refused("croissant", "nothing", "-o", str(published / "x"))
    (published / "file").write_text("")
    assert "cannot be made" in run_refused("croissant", "sales", "-o", str(published / "file"))
    assert run("croissant", "sales").code == 2


@pytest.mark.usefixtures("published")
def test_a_card_has_the_facts_and_no_sensitive_value():
    text = run_ok("card", "sales", *MARCH).out
    shown = json.loads(run_ok("show", "sales", "--json").out)["publications"][0]
    assert text.startswith("# Sales\n")
    assert f"| rows | {shown['row_count']:,} |" in text
    assert f"| digest of the rows | `{shown['digest']}` |" in text
    assert "| owner | user-ann (ann@example.com) |" in text
    for split, rows in shown["splits"].items():
        assert f"| {split} | {rows} | {rows * 100 / shown['row_count']:.2f} % |" in text
    assert "| `household__income` | string | yes | yes | `datasets/profiles.income` |  |" in text
    [counts] = [line for line in text.splitlines() if "(sensitive)" in line]
    assert counts.startswith("| `household__income` | 2 | ")
    assert "| customer filter | type min\\_transactions, value 2 |" in text
    for check in shown["checks"]:
        assert f"| `{check['name']}` | {'passed' if check['passed'] else 'failed'} |" in text
    assert "secret" not in text
    assert f"read_pandas('sales', partition='2017-03', version={shown['table_version']})" in text


def test_a_card_escapes_what_people_wrote(published):
    path = published / "definitions" / "datasets" / "profiles.yaml"
    path.write_text(path.read_text().replace("name: Household [red]profiles[/red]", 'name: "a | b <i>*c*"'))
    run_ok("materialize", "profiles")
    target = published / "card.md"
    run_ok("card", "profiles", "-o", str(target))
    text = target.read_text()
    assert text.startswith("# a \\| b \\<i\\>\\*c\\*\n")
    assert "\x1b" not in text


@pytest.mark.usefixtures("published")
def test_a_card_of_an_earlier_version():
    run_ok("rows", "delete", "profiles", "--where", "household_id = 1")
    assert "| rows that were deleted by hand | 1 |" in run_ok("card", "profiles").out
    assert "deleted by hand" not in run_ok("card", "profiles", "--version", "0").out


def test_an_export_of_sensitive_columns_alone_is_refused(published):
    file = published / "definitions" / "datasets" / "profiles.yaml"
    marked = file.read_text().replace("nullable: false", "nullable: false, sensitive: true")
    file.write_text(marked.replace("{name: town, type: string", "{name: town, type: string, sensitive: true"))
    message = run_refused("croissant", "profiles", "-o", str(published / "shared"))
    assert "all columns to be written are sensitive: household_id, income, town" in message
    assert not list((published / "shared").glob("*"))
