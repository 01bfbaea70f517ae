"""Faults of a file: every one is reported at its position, as a plain sentence (BR-203)."""

from enum import StrEnum
from typing import Annotated, Literal, Self
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, RootModel, model_validator

from dataset_assets.contract.model import Dataset
from dataset_assets.errors import ContractError
from dataset_assets.model import Boolean, ColumnRef, Day, Identifier, Integer, Model, Text
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import read


class Kind(StrEnum):
    STRING = "string"
    INTEGER = "integer"


class Column(Model):
    name: Identifier
    type: Kind
    nullable: Boolean = True


class Table(Model):
    type: Literal["table"]
    name: Text
    columns: Annotated[tuple[Column, ...], Field(min_length=1)]
    table: Text | None = None


class Nested(Model):
    type: Literal["dataset"]
    id: UUID


class Monthly(Model):
    months: Annotated[Integer, Field(ge=1, le=24)]


class Between(Model):
    start: Day
    end: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"end {self.end} is before start {self.start}; swap them")
        return self


class Sample(Model):
    name: Text = "x"
    column: ColumnRef | None = None
    target: Annotated[Table | Nested, Field(discriminator="type")] | None = None
    range: Monthly | Between | None = None
    tags: dict[Identifier, Integer] = {}
    pair: tuple[Integer, Boolean] | None = None
    size: float | None = None


def faults(text, model=Sample, root="sample"):
    with pytest.raises(ContractError) as caught:
        build(read(text, "f"), model, root)
    return [str(fault) for fault in caught.value.faults]


def test_a_valid_file_becomes_the_model():
    text = "sample:\n  target: {type: table, name: t, columns: [{name: a, type: integer, nullable: false}]}\n"
    column = Column(name="a", type=Kind.INTEGER, nullable=False)
    built = build(read(text, "f"), Sample, "sample")
    assert built == Sample(target=Table(type="table", name="t", columns=(column,)))


def test_a_mapping_of_free_keys_is_a_file_too():
    users = RootModel[dict[str, Text]]
    assert build(read("users: {ann: a@b.c}", "f"), users, "users").root == {"ann": "a@b.c"}
    assert faults("users: {ann: ''}", users, "users") == [
        "f:1:14: users.ann: is the empty text; write a value"
    ]
    assert faults('users: {ann: "  \\t"}', users, "users") == [
        "f:1:14: users.ann: is '  \\t', nothing but spaces; write a value"
    ]
    assert faults("users: {' ': ann}", RootModel[dict[Text, str]], "users") == [
        "f:1:9: users[' ']: is ' ', nothing but spaces; write a value"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["f:1:1: the file is empty; begin it with `sample:`"]),
        ("[]", ["f:1:1: the file holds a list, not a mapping; begin it with `sample:`"]),
        ("yes", ["f:1:1: the file holds 'yes', not a mapping; begin it with `sample:`"]),
        ("smple: {}", ["f:1:1: smple: is not a known key; did you mean `sample`?"]),
        (
            "xyz: {}",
            [
                "f:1:1: sample: is required; begin the file with `sample:`",
                "f:1:1: xyz: is not a known key; known here: sample",
            ],
        ),
        ("sample:", ["f:1:8: sample: is empty; write a value"]),
        ("sample: []", ["f:1:9: sample: is a list, not a mapping; write `key: value` lines"]),
        (
            "sample: {name: ''}\nother: 1",
            [
                "f:1:16: sample.name: is the empty text; write a value",
                "f:2:1: other: is not a known key; known here: sample",
            ],
        ),
    ],
)
def test_the_single_top_key(text, expected):
    assert faults(text) == expected


UUID_FORM = "write 32 digits of 0-9 and a-f as 8-4-4-4-12"
NAME_FORM = (
    "letters, digits and `_`, beginning with a letter; a leading `_` is reserved for system columns (BR-011)"
)


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("name: [a]", "1:16: sample.name", "is a list, not text"),
        ("name: ", "1:16: sample.name", "is empty; write a value"),
        ("nmae: a", "1:10: sample.nmae", "is not a known key; did you mean `name`?"),
        (
            "column: a.b.c",
            "1:18: sample.column",
            f"is 'a.b.c', not a column; write `column` or `alias.column`, each of {NAME_FORM}",
        ),
        ("range: {months: 25}", "1:26: sample.range.months", "is '25', must be at most 24"),
        ("range: {months: 1e1}", "1:26: sample.range.months", "is '1e1', not a whole number"),
        (
            "range: {start: 2020-02-01, end: 2020-01-01}",
            "1:17: sample.range",
            "end 2020-01-01 is before start 2020-02-01; swap them",
        ),
        (
            "range: {start: 2020-02-01, end: soon}",
            "1:42: sample.range.end",
            "is 'soon', not a date; write it as 2026-01-31",
        ),
        ("tags: {a: x}", "1:20: sample.tags.a", "is 'x', not a whole number"),
        ("tags: {_a: 1}", "1:17: sample.tags._a", f"is '_a', not a name; use {NAME_FORM}"),
        ("pair: [1, yes]", "1:20: sample.pair[1]", "is 'yes', not true or false"),
        ("pair: [1]", "1:16: sample.pair[1]", "is required"),
        (
            "pair: x",
            "1:16: sample.pair",
            "is 'x', not a list; write it as [a, b], or each item on a line that begins with `- `",
        ),
        ("size: big", "1:16: sample.size", "is 'big', not a number"),
        (
            "target: {type: tabel}",
            "1:25: sample.target.type",
            "is 'tabel', not one of dataset, table; did you mean `table`?",
        ),
        ("target: {name: x}", "1:18: sample.target.type", "is required; write one of dataset, table"),
        ("target: {type: }", "1:25: sample.target.type", "is required; write one of dataset, table"),
        ("target: x", "1:18: sample.target", "is 'x', not a mapping; write `key: value` lines"),
        ("target: {type: dataset}", "1:18: sample.target.id", "is required"),
        (
            "target: {type: dataset, id: d5e6f7g8}",
            "1:38: sample.target.id",
            f"is 'd5e6f7g8', which is not a UUID: 'g' is no hexadecimal digit; {UUID_FORM}",
        ),
        (
            "target: {type: dataset, id: d5e6}",
            "1:38: sample.target.id",
            f"is 'd5e6', which is not a UUID: it has 4 hexadecimal digits, not 32; {UUID_FORM}",
        ),
        (
            "target: {type: dataset, id: [d5e6]}",
            "1:38: sample.target.id",
            f"is a list, not a UUID; {UUID_FORM}",
        ),
        (
            "target: {type: table, name: t, columns: []}",
            "1:50: sample.target.columns",
            "has 0 items, must have at least 1",
        ),
    ],
)
def test_one_fault(text, place, says):
    assert faults(f"sample: {{{text}}}") == [f"f:{place}: {says}"]


def test_all_faults_of_the_chosen_member_only_and_sorted():
    text = """\
sample:
  target:
    nme: t
    type: table
    table: ''
    columns:
      - {nullabel: false, type: intger, name: 2}
      - 7
      - {}
  name: ''
"""
    column = "sample.target.columns[0]"
    assert faults(text) == [
        "f:3:5: sample.target.nme: is not a known key; did you mean `name`?",
        "f:5:12: sample.target.table: is the empty text; write a value",
        "f:7:10: sample.target.columns[0].nullabel: is not a known key; did you mean `nullable`?",
        f"f:7:33: {column}.type: is 'intger', not one of string, integer; did you mean `integer`?",
        f"f:7:47: sample.target.columns[0].name: is '2', not a name; use {NAME_FORM}",
        "f:8:9: sample.target.columns[1]: is '7', not a mapping; write `key: value` lines",
        "f:9:9: sample.target.columns[2].name: is required",
        "f:9:9: sample.target.columns[2].type: is required",
        "f:10:9: sample.name: is the empty text; write a value",
    ]


def test_a_long_value_is_shortened_and_stays_on_its_line():
    (fault,) = faults('sample: {size: "' + "\\nx" * 500 + '"}')
    assert len(fault) < 300
    assert "\n" not in fault


WRONG = {
    "name: text": "name: {}",
    "owner: ann": "",
    "status: active": "status: activ",
    "{name: a, type: integer}": "{name: _a, type: int}",
    "id: 7c1d0000-0000-0000-0000-000000000001": "id: 7",
    "type: rolling": "type: roling",
    "strategy: time_based": "strategy: time",
}
RIGHT = """\
dataset:
  name: text
  owner: ann
  status: active
  main_table:
    name: t
    columns: [{name: a, type: integer}]
  lookups:
    - alias: l
      target: {type: dataset, id: 7c1d0000-0000-0000-0000-000000000001}
      join_conditions: [{source_column: a, target_column: b}]
  filters: {date_range: {type: rolling, months: 6}}
  split_config: {strategy: time_based, eval_days: 14}
"""
FIELDS = {
    "name: text": ["dataset.name"],
    "owner: ann": ["dataset.owner"],
    "status: active": ["dataset.status"],
    "{name: a, type: integer}": ["dataset.main_table.columns[0].name", "dataset.main_table.columns[0].type"],
    "id: 7c1d0000-0000-0000-0000-000000000001": ["dataset.lookups[0].target.id"],
    "type: rolling": ["dataset.filters.date_range.type"],
    "strategy: time_based": ["dataset.split_config.strategy"],
}


def test_a_dataset():
    assert build(read(RIGHT, "f"), Dataset, "dataset").name == "text"


@given(st.sets(st.sampled_from(sorted(WRONG)), min_size=1))
def test_every_broken_field_of_a_dataset_is_reported_and_no_other(broken):
    text = RIGHT
    for part in broken:
        assert part in text
        text = text.replace(part, WRONG[part])
    with pytest.raises(ContractError) as caught:
        build(read(text, "f"), Dataset, "dataset")
    assert sorted(fault.field for fault in caught.value.faults) == sorted(
        field for part in broken for field in FIELDS[part]
    )
    assert not any("Input" in fault.message or "pydantic" in fault.message for fault in caught.value.faults)


def keys_of(schema):
    found = set(schema.get("properties", {}))
    for inner in schema.get("$defs", {}).values():
        found.update(keys_of(inner))
    return sorted(found)


words = st.sampled_from(
    ["table", "dataset", "rolling", "1", "true", "a", "", "time_based", "random", "2020-01-01"]
)
keys = st.sampled_from(keys_of(Dataset.model_json_schema()))
anything = st.recursive(
    words | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(keys, anything))
def test_whatever_a_file_holds_is_a_dataset_or_faults_with_positions(data):
    text = "dataset: " + flow(data)
    try:
        build(read(text, "f"), Dataset, "dataset")
    except ContractError as error:
        for fault in error.faults:
            assert fault.position is not None
            assert fault.more or fault.field.startswith("dataset")
            assert "Input should" not in str(fault)


def flow(data):
    match data:
        case None:
            return "~"
        case str():
            return f"'{data}'"
        case list():
            return f"[{', '.join(map(flow, data))}]"
    return "{" + ", ".join(f"{key}: {flow(value)}" for key, value in data.items()) + "}"
