"""A new definition of a dataset: what stays the same keeps its lines and comments (`PUT` of the API)."""

import copy
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.errors import ContractError, ReadOnlyError, StaleFileError
from dataset_assets.lifecycle.changes import file_text, text_tag
from dataset_assets.lifecycle.replace import replace_definition, replace_text_of


def _definition(catalog: Catalog, stem: str = "sales") -> dict:
    return catalog.checked(catalog.entry(stem)).model_dump(mode="json", exclude_defaults=True)


def _after(root: Path, definition: dict) -> tuple[str, dict]:
    replace_definition(load_catalog(root), "sales", definition)
    catalog = load_catalog(root)
    return file_text(catalog.entry("sales")), _definition(catalog)


def _comments(text: str) -> list[str]:
    return [line.partition("#")[2].strip() for line in text.splitlines() if "#" in line]


def test_the_same_definition_changes_nothing(root, catalog):
    before = file_text(catalog.entry("sales"))
    done = replace_definition(catalog, "sales", _definition(catalog))
    assert (done.changes, done.written) == ((), False)
    assert file_text(load_catalog(root).entry("sales")) == before


def test_a_changed_value_keeps_every_comment(root, catalog):
    before, wanted = file_text(catalog.entry("sales")), _definition(catalog)
    wanted["filters"]["date_range"]["months"] = 3
    wanted["description"] = "What was bought"
    text, definition = _after(root, wanted)
    assert definition == wanted
    assert _comments(text) == _comments(before)
    assert [*filter(lambda line: line not in text.splitlines(), before.splitlines())] == [
        "    date_range: {type: rolling, months: 2}   # the season"
    ]


def test_comments_stay_with_the_columns_that_they_are_about(root, catalog):
    wanted = _definition(catalog)
    columns = wanted["main_table"]["columns"]
    wanted["main_table"]["columns"] = [
        {"name": "first", "type": "string"},
        *(each for each in columns if each["name"] != "household_id"),
    ]
    wanted["main_table"]["columns"][2]["description"] = "What"
    wanted["column_mapping"]["user_id"] = "household.town"
    wanted["lookups"][0]["join_conditions"][0]["source_column"] = "basket_id"
    text, definition = _after(root, wanted)
    assert definition == wanted
    assert "- {name: basket_id, type: integer, nullable: false}   # one visit" in text
    assert "# Who bought it." in text


def test_a_default_that_is_written_out_stays(root):
    path = root / "datasets" / "sales.yaml"
    path.write_text(
        path.read_text().replace("sales_value, type: decimal", "sales_value, type: decimal, nullable: true")
    )
    catalog = load_catalog(root)
    wanted = _definition(catalog)
    wanted["name"] = "All sales"
    text, definition = _after(root, wanted)
    assert definition == wanted
    assert "sales_value, type: decimal, nullable: true" in text


def test_a_block_that_is_left_out_is_removed(root, catalog):
    wanted = _definition(catalog)
    del (
        wanted["split_config"],
        wanted["lookups"],
        wanted["extra_columns"],
        wanted["filters"]["product_filter"],
    )
    text, definition = _after(root, wanted)
    assert definition == wanted
    assert "split_config" not in text
    assert "# the season" in text


def test_all_faults_of_a_definition_are_raised_and_nothing_is_written(root, catalog):
    before, wanted = file_text(catalog.entry("sales")), _definition(catalog)
    wanted["filters"]["date_range"]["months"] = 99
    wanted["column_mapping"]["revenue"] = "salez"
    with pytest.raises(ContractError) as error:
        replace_definition(catalog, "sales", wanted)
    fields = {fault.field for fault in error.value.faults}
    assert {"dataset.filters.date_range.months", "dataset.column_mapping.revenue"} <= fields
    assert all(fault.position and fault.position.line > 1 for fault in error.value.faults)
    assert file_text(load_catalog(root).entry("sales")) == before


@pytest.mark.parametrize(
    ("key", "value"),
    [("status", "archived"), ("version", 7), ("id", "01a2001c-5bae-7b91-b4bb-a18b13ce11ff")],
)
def test_system_fields_and_the_status_are_not_changed(catalog, key, value):
    with pytest.raises(ContractError, match=f"dataset.{key}: is not changed by a new definition"):
        replace_definition(catalog, "sales", _definition(catalog) | {key: value})
    old = file_text(catalog.entry("sales"))
    line = f"  {key}: {value}\n"
    text = re.sub(rf"^  {key}: .*\n", line, old, flags=re.MULTILINE)
    text = text if line in text else text.replace("dataset:\n", f"dataset:\n{line}")
    with pytest.raises(ContractError, match=f"dataset.{key}: is not changed by a new definition"):
        replace_text_of(catalog, "sales", text)


def test_system_fields_can_be_left_out_of_a_definition_but_not_of_a_text(root, catalog):
    wanted = _definition(catalog)
    short = {key: value for key, value in wanted.items() if key not in ("id", "version", "created_at")}
    _, definition = _after(root, short | {"description": "x"})
    assert definition == wanted | {"description": "x"}
    lines = file_text(catalog.entry("sales")).splitlines(keepends=True)
    with pytest.raises(ContractError, match=r"dataset\.id: is missing"):
        replace_text_of(catalog, "sales", "".join(each for each in lines if not each.startswith("  id:")))


def test_a_text_is_written_as_it_is(root, catalog):
    text = file_text(catalog.entry("sales")).replace("# What was bought, and by whom.", "# Mine")
    done = replace_text_of(catalog, "sales", text)
    assert done.written
    assert (root / "datasets" / "sales.yaml").read_text() == text


def test_a_text_repairs_a_file_that_cannot_be_parsed(root):
    path = root / "datasets" / "sales.yaml"
    good = path.read_text()
    path.write_text("dataset: [")
    done = replace_text_of(load_catalog(root), "sales", good)
    assert done.written
    assert path.read_text() == good


def test_a_change_is_refused_if_the_file_is_another(catalog):
    with pytest.raises(StaleFileError):
        replace_definition(catalog, "sales", _definition(catalog), based_on=text_tag("another"))


def test_locked_files_are_refused_with_the_patch(root, catalog):
    wanted = _definition(catalog) | {"description": "New"}
    with pytest.raises(ReadOnlyError) as error:
        replace_definition(catalog, "sales", wanted, locked=True)
    assert "+  description: New" in error.value.patch
    assert "description" not in file_text(load_catalog(root).entry("sales"))


_TEXTS = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Co", "Cn", "Zl", "Zp")), min_size=1, max_size=30
).filter(str.strip)


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_result_loads_as_exactly_the_given_definition(root, catalog, data):
    wanted = copy.deepcopy(_definition(catalog))
    columns = wanted["main_table"]["columns"]
    used = ("household_id", "basket_id", "product_id", "sales_value", "sold_at")
    added = data.draw(st.lists(st.sampled_from("abcdef"), unique=True))
    columns += [{"name": name, "type": data.draw(st.sampled_from(["string", "integer"]))} for name in added]
    wanted["main_table"]["columns"] = data.draw(st.permutations(columns))
    for each in data.draw(st.lists(st.sampled_from(used), unique=True)):
        next(c for c in columns if c["name"] == each)["description"] = data.draw(_TEXTS)
    if data.draw(st.booleans()):
        wanted["description"] = data.draw(_TEXTS)
    if data.draw(st.booleans()):
        wanted["filters"] = {
            "date_range": {"type": "fixed", "start_date": "2024-01-01", "end_date": "2024-02-01"}
        }
    if data.draw(st.booleans()):
        wanted["split_config"] = {"strategy": "random", "train_percent": data.draw(st.integers(50, 90))}
    if data.draw(st.booleans()):
        wanted["extra_columns"] = [*added, "household.town"]
    text, definition = _after(root, wanted)
    assert definition == wanted
    assert text.startswith("# What was bought, and by whom.")
    replace_definition(load_catalog(root), "sales", _definition(catalog))
    assert _definition(load_catalog(root)) == _definition(catalog)
