"""`as_of` of a lookup in a file: what is refused and where, and what a change of it means."""

# ruff: noqa: E501 - the table below is read by column: the setting and the expected message

import json
import shutil
from pathlib import Path

import jsonschema
import pytest

from dataset_assets.catalog.json_schema import json_schema
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.catalog.structures import structural_hash, structure
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.structural_diff import difference
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import read

USERS = Path(__file__).parent / "files" / "users.yaml"
FILE = """
dataset:
  id: 0b6f3a52-7f0e-4f6e-9d5c-3a1f5f0e9c55
  name: Sales
  owner: user-marcos
  natural_key_columns: [line]
  main_table:
    name: sales
    columns: [{name: line, type: integer}, {name: item, type: integer}, {name: sold, type: timestamp}, {name: day, type: date}]
  lookups:
    - target:
        type: table
        name: prices
        columns:
          - {name: item, type: integer}
          - {name: changed, type: timestamp}
          - {name: ended, type: date}
          - {name: revision, type: integer}
          - {name: grade, type: string}
      join_conditions: [{source_column: item, target_column: item}]
      as_of: PRICES
    - alias: grades
      target: {type: table, name: grades_by_day, columns: [{name: grade, type: string}, {name: since, type: date}]}
      join_conditions: [{source_column: prices.grade, target_column: grade}]
      as_of: GRADES
"""
MAPPING = "  column_mapping: {user_id: line, product_id: item, timestamp: sold}\n"
GRADES = "{column: since, at: sold}"
VALID = (
    "{column: changed, at: sold}",
    "{column: changed, at: day, max_age: 90d, latest_by: [revision, grade]}",
    "{from: changed, to: ended, at: sold}",
)


def text(prices: str = VALID[0], grades: str = GRADES, more: str = "") -> str:
    return FILE.replace("PRICES", prices).replace("GRADES", grades) + more


def faults(folder: Path, written: str) -> list[str]:
    (folder / "datasets").mkdir(exist_ok=True)
    shutil.copy(USERS, folder)
    (folder / "datasets" / "sales.yaml").write_text(written)
    catalog = load_catalog(folder)
    return [str(fault).partition(".yaml:")[2] for fault in catalog.entries["sales"].faults]


@pytest.mark.parametrize("prices", VALID)
def test_a_valid_setting(tmp_path: Path, prices: str) -> None:
    assert faults(tmp_path, text(prices)) == []
    by_mapping = text(prices.replace(", at: sold", ""), "{column: since}", MAPPING)
    assert faults(tmp_path, by_mapping) == []
    by_price = text(prices, "{column: since, at: prices.changed}")
    assert faults(tmp_path, by_price) == []


FAULTS = {
    "{at: sold}": "as_of: names no time of the lookup; write `column` for a list of changes, or `from` and `to`",
    "{column: changed, from: changed, to: ended, at: sold}": "as_of.from: is beside `column`, which is another form",
    "{from: changed, at: sold}": "as_of.from: is without `to`",
    "{to: ended, at: sold}": "as_of.to: is without `from`",
    "{from: changed, to: changed, at: sold}": "as_of.to: is 'changed', as `from`: no interval would contain an instant",
    "{from: changed, to: ended, max_age: 9d, at: sold}": "as_of.max_age: belongs to `column`; intervals say themselves what counts; remove it",
    "{from: changed, to: ended, latest_by: [revision], at: sold}": "as_of.latest_by: belongs to `column`",
    "{column: changd, at: sold}": "as_of.column: is 'changd', which the lookup `prices` does not have; did you mean `changed`?",
    "{column: changed, latest_by: [version], at: sold}": "as_of.latest_by[0]: is 'version', which the lookup `prices` does not have",
    "{column: grade, at: sold}": "as_of.column: is 'grade', declared string; name a column that is declared date or timestamp",
    "{column: changed}": "as_of: is without the time of a row; map a `timestamp`, or name the column with the time of a row: `at: <column>`",
    "{column: changed, at: item}": "as_of.at: is 'item', declared integer; name a column that is declared date or timestamp",
    "{column: changed, at: bought}": "as_of.at: is 'bought', which the main table `sales` does not have",
    "{column: changed, at: prices.ended}": "as_of.at: takes the time of a row from 'prices.ended', but `prices` is not joined yet",
    "{column: changed, at: grades.since}": "as_of.at: takes the time of a row from 'grades.since', but `grades` is not joined yet",
    "{column: changed, max_age: 3 months, at: sold}": "as_of.max_age: is '3 months', not a length of time; write it as 30m, 26h or 7d",
    "{column: changed, age: 3d, at: sold}": "as_of.age: is not a known key",
}  # fmt: skip


@pytest.mark.parametrize("prices", FAULTS)
def test_one_broken_setting_is_one_fault(tmp_path: Path, prices: str) -> None:
    (found,) = faults(tmp_path, text(prices))
    position, _, message = found.partition(": dataset.lookups[0].")
    assert message.startswith(FAULTS[prices])
    assert position.partition(":")[0] == "21", "the line of the setting"


def test_a_timestamp_of_a_later_lookup_is_refused(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, text("{column: changed}", more=MAPPING.replace("sold", "grades.since")))
    assert "lookups[0].as_of: takes the time of a row from 'grades.since'" in found


def test_what_depends_on_another_fault_is_not_reported(tmp_path: Path) -> None:
    broken = text("{column: changed, at: sold}").replace("name: changed,", "name: 1,")
    (found,) = faults(tmp_path, broken)
    assert "dataset.lookups[0].target.columns[1].name: is '1', not a name" in found


def dataset(written: str) -> Dataset:
    return build(read(written, "sales.yaml"), Dataset, "dataset")


PLAIN = text().replace("      as_of: {column: changed, at: sold}\n", "")
CHANGES = {
    (PLAIN, text()): "the lookup `prices` is read as of `sold` by `changed` instead of as it is",
    (text(), PLAIN): "the lookup `prices` is read as it is instead of as of `sold` by `changed`",
    (text(VALID[0]), text(VALID[1])): "the lookup `prices` is read as of `day` by `changed`, at most 90d old, "
    "latest by `revision`, `grade` instead of as of `sold` by `changed`",
    (text(), text("{from: changed, to: ended}")): "the lookup `prices` is read as of the row's time from `changed` "
    "to `ended` instead of as of `sold` by `changed`",
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_a_change_is_breaking_and_is_told_in_words(before: str, after: str) -> None:
    found = difference(*map(structure, map(dataset, (before, after))))
    assert (found.kind, found.summary) == ("breaking", CHANGES[before, after])


def test_a_definition_can_be_read_back_as_it_was_written() -> None:
    given = dataset(text(VALID[2]))
    stored = json.loads(json.dumps(given.model_dump(mode="json", exclude_defaults=True)))
    assert stored["lookups"][0]["as_of"] == {"from": "changed", "to": "ended", "at": "sold"}
    assert Dataset.model_validate(stored) == given
    assert Dataset.model_validate(given.model_dump()) == given


def test_a_file_without_the_setting_keeps_its_hash() -> None:
    """The hash was computed before there was the setting."""
    given = dataset(PLAIN.replace("      as_of: {column: since, at: sold}\n", ""))
    assert structural_hash(given) == BEFORE


BEFORE = "b61dd68c26117af205f72c25edee0ac1a6465df9a3797ba853fa6b45404cc777"


VALID_FORMS = (*VALID, "{knowledge: as_known, period: month}", "{knowledge: latest_knowledge, at: sold}")


@pytest.mark.parametrize(
    ("prices", "is_valid"), [*((each, True) for each in VALID_FORMS), ("{at: sold}", False)]
)
def test_an_editor_checks_the_forms(prices: str, is_valid: bool) -> None:
    written = read(text(prices), "sales.yaml").data
    assert jsonschema.Draft202012Validator(json_schema()).is_valid(written) == is_valid


NESTED_ID = "01a2001c-5bae-7b91-b4bb-a18b13ce1177"
HISTORY = f"""
dataset:
  id: {NESTED_ID}
  name: Prices
  owner: user-marcos
  natural_key_columns: [item]
  main_table:
    name: price_list
    bitemporal: true
    columns: [{{name: item, type: integer}}, {{name: grade, type: string}}]
  partitions: {{period: week, start: 2026-W01}}
"""
OF_TABLE = FILE.replace("        name: prices\n", "        name: prices\n        bitemporal: true\n")
OF_DATASET = FILE.replace(
    FILE[FILE.index("        type: table\n        name: prices") : FILE.index("      join_conditions")],
    f"        type: dataset\n        id: {NESTED_ID}\n",
)
TABLE, DATASET = "the table", "the dataset"
BITEMPORAL_TEXTS = {TABLE: OF_TABLE, DATASET: OF_DATASET}
VALID_BITEMPORAL = (
    (TABLE, "{knowledge: as_known, period: month, at: sold}"),
    (TABLE, "{knowledge: latest_knowledge, at: day}"),
    (DATASET, "{knowledge: as_known, at: sold}"),
    (DATASET, "{knowledge: latest_knowledge, at: sold}"),
)
BITEMPORAL_FAULTS = {
    (TABLE, "{knowledge: as_known, at: sold}"): "as_of: says nothing of the Periods by which the table was loaded; name their grain",
    (TABLE, "{knowledge: as_known, period: moth, at: sold}"): "as_of.period: 'moth' is not a grain of a calendar; did you mean 'month'?",
    (TABLE, "{knowledge: as_known, period: month}"): "as_of: is without the time of a row; map a `timestamp`, or name",
    (TABLE, "{knowledge: known, period: month, at: sold}"): "as_of.knowledge: is 'known', not one of as_known, latest_knowledge",
    (TABLE, "{period: month, at: sold}"): "as_of: does not say which load a row reads; write `knowledge: as_known` or",
    (TABLE, "{column: changed, period: month, at: sold}"): "as_of.column: is of a list, and the lookup is bitemporal: its own columns say when a row counts; remove it, and",
    (TABLE, "{knowledge: as_known, max_age: 3d, period: month, at: sold}"): "as_of.max_age: is of a list, and the lookup is bitemporal",
    (DATASET, "{knowledge: as_known, period: week, at: sold}"): "as_of.period: is said by the dataset itself, whose loads are its `partitions`; remove it",
    (DATASET, "{knowledge: as_known, at: prices.grade}"): "as_of.at: takes the time of a row from 'prices.grade', but `prices` is not joined yet",
}  # fmt: skip


def faults_of_bitemporal(folder: Path, of: str, prices: str | None) -> list[str]:
    shutil.rmtree(folder / "datasets", ignore_errors=True)
    (folder / "datasets").mkdir()
    (folder / "datasets" / "prices.yaml").write_text(HISTORY)
    written = BITEMPORAL_TEXTS[of].replace("GRADES", GRADES)
    if prices is None:
        return faults(folder, written.replace("      as_of: PRICES\n", ""))
    return faults(folder, written.replace("PRICES", prices))


@pytest.mark.parametrize(("of", "prices"), VALID_BITEMPORAL)
def test_a_valid_setting_of_a_bitemporal_lookup(tmp_path: Path, of: str, prices: str) -> None:
    assert faults_of_bitemporal(tmp_path, of, prices) == []


@pytest.mark.parametrize(("of", "prices"), BITEMPORAL_FAULTS)
def test_one_broken_setting_of_a_bitemporal_lookup(tmp_path: Path, of: str, prices: str) -> None:
    (found,) = faults_of_bitemporal(tmp_path, of, prices)
    assert found.partition(": dataset.lookups[0].")[2].startswith(BITEMPORAL_FAULTS[of, prices])


def test_a_bitemporal_lookup_without_the_time_of_a_row(tmp_path: Path) -> None:
    (found,) = faults_of_bitemporal(tmp_path, DATASET, None)
    assert "lookups[0].target.id: is bitemporal, and nothing says as of when a row reads it; map a" in found
    assert found.endswith(
        "or name the column with the time of a row: `as_of: {knowledge: as_known, at: <column>}`"
    )


@pytest.mark.parametrize("key", ["knowledge: as_known", "knowledge: as_known, period: month"])
def test_knowledge_of_a_plain_lookup_is_refused(tmp_path: Path, key: str) -> None:
    found = faults(tmp_path, text(f"{{{key}, at: sold}}"))
    assert len(found) == 1 + ("period" in key)
    assert "as_of.knowledge: is of a bitemporal lookup, and this one is none; remove it, or let" in found[0]


def test_a_change_of_knowledge_in_words() -> None:
    texts = (OF_TABLE.replace("GRADES", GRADES).replace("PRICES", each) for _, each in VALID_BITEMPORAL[:2])
    found = difference(*map(structure, map(dataset, texts)))
    assert found.kind == "breaking"
    assert found.summary == (
        "the lookup `prices` is read as of `day`, by the latest knowledge instead of as of `sold`, as known then by `month`"
    )
