"""`where`: both engines agree with a three-valued oracle in plain Python; nothing else can be said in it."""

# ruff: noqa: E501 - sentences that users read, in one line each

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from dataset_assets.contract.system_columns import LABELS_TYPE
from dataset_assets.errors import MOST_FAULTS, Fault, WhereError
from dataset_assets.sql.build import alias, column, number, text
from dataset_assets.sql.dialect import BIGQUERY, DUCKDB
from dataset_assets.sql.where.checks import LABELS
from dataset_assets.sql.where.parser import MOST_CHARACTERS, MOST_DEPTH, MOST_TOKENS
from dataset_assets.sql.where.where import Where, parse_where
from tests.engines.engine_fixtures import Bench
from tests.sql import random_where
from tests.sql.hostile_where import HOSTILE
from tests.sql.random_where import COLUMNS, Meant

TYPES = {**COLUMNS, "_labels": LABELS}
ROWS = random_where.rows()


def labelled(source: exp.Expr) -> exp.Query:
    """Return the rows of `source` with the labels of ROWS: an engine loads no arrays."""
    labels = exp.Case()
    for place, each in enumerate(random_where.LABELS):
        pairs = [
            exp.Struct(
                expressions=[
                    exp.PropertyEQ(this=exp.to_identifier("key"), expression=text(key)),
                    exp.PropertyEQ(this=exp.to_identifier("value"), expression=text(value)),
                ]
            )
            for key, value in sorted(each.items())
        ]
        is_place = exp.EQ(
            this=exp.Mod(this=column("n"), expression=number(len(random_where.LABELS))),
            expression=number(place),
        )
        labels = labels.when(is_place, exp.cast(exp.Array(expressions=pairs), LABELS_TYPE))
    return exp.select("*", exp.alias_(labels, "_labels")).from_(source)


def outcomes(bench: Bench, conditions: Sequence[str]) -> list[list[bool | None]]:
    """Return the value of each condition for each of ROWS, from one query."""
    source = bench.hold(COLUMNS, [[row[name] for name in COLUMNS] for row in ROWS])
    shown = []
    for place, written in enumerate(conditions):
        where = parse_where(written, TYPES)
        case = exp.Case().when(where.condition(), number(1)).when(exp.not_(where.condition()), number(0))
        shown.append(exp.alias_(case, f"c{place}"))
    query = exp.select(column("n"), *shown).from_(labelled(source).subquery("rows_of_test"))
    found = {row["n"]: row for row in bench.rows(query)}
    assert len(found) == len(ROWS)
    return [
        [None if found[row["n"]][f"c{place}"] is None else bool(found[row["n"]][f"c{place}"]) for row in ROWS]
        for place in range(len(conditions))
    ]


def test_engines_and_the_oracle_agree(bench: Bench):
    @settings(max_examples=bench.examples(60))
    @given(st.lists(random_where.conditions, min_size=8, max_size=8))
    def check(conditions: list[Meant]) -> None:
        found = outcomes(bench, [each.text for each in conditions])
        for each, values in zip(conditions, found, strict=True):
            assert values == [each.of(row) for row in ROWS], each.text

    check()


def test_values_of_each_type_are_found_again(bench: Bench):
    names = [name for name in COLUMNS if name != "n"]
    conditions = [
        (name, value, f"{name} = {random_where.written(value)}")
        for name in names
        for value in random_where.VALUES[COLUMNS[name]]
    ]
    found = outcomes(bench, [written for *_, written in conditions])
    for (name, value, written), values in zip(conditions, found, strict=True):
        expected = [None if row[name] is None else row[name] == value for row in ROWS]
        assert values == expected, written


@pytest.mark.parametrize("written", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_refused_with_its_position(written: str):
    faults = faults_of(written)
    lines = written.split("\n")
    for fault in faults:
        assert fault.position is not None
        assert fault.position.file == "where"
        assert 1 <= fault.position.line <= len(lines)
        assert 1 <= fault.position.column <= len(lines[fault.position.line - 1]) + 1
        assert fault.hint
        assert str(fault).isprintable()


def test_there_are_200_hostile_texts():
    assert len(set(HOSTILE)) >= 200


def test_a_hostile_text_as_a_value_stays_a_value(bench: Bench):
    """The values are those that an engine can hold: no NUL and no half of a surrogate pair."""
    accepted = ["a'", "a\\' OR TRUE --", "'", "''", "\\", "\\\\'"]
    values = accepted + [each for each in HOSTILE if "\0" not in each and "\ud800" not in each]
    for start in range(0, len(values), 50):
        part = values[start : start + 50]
        written = [
            f"name = {random_where.quoted(each)} OR label({random_where.quoted(each)}) IS NOT NULL"
            for each in part
        ]
        shown = outcomes(bench, written)
        assert shown == [
            [None if row["name"] is None else row["name"] == each for row in ROWS] for each in part
        ]


@given(
    st.text(
        alphabet=st.sampled_from("price name'\"()=<>!-;,.%_\\*/#` \n0159ANDORNTILKESUTRF@:{}[]$?~^|&+"),
        max_size=60,
    )
)
def test_any_text_is_a_condition_or_is_refused(written: str):
    """An accepted text reads only declared columns, and its SQL has only nodes of the declared kinds."""
    where = accepted(written)
    if where is None:
        assert all(fault.position for fault in faults_of(written))
        return
    allowed = (
        exp.Paren, exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.In,
        exp.Between, exp.Like, exp.RegexpLike, exp.Is, exp.Null, exp.Column, exp.Identifier, exp.Literal,
        exp.Boolean, exp.Cast, exp.DataType, exp.DataTypeParam, exp.Neg,
    )  # fmt: skip
    assert all(isinstance(node, allowed) for node in where.condition().walk())
    assert {node.name for node in where.condition().find_all(exp.Column)} == where.columns <= set(TYPES)
    for dialect in (DUCKDB, BIGQUERY):
        dialect.render(where.condition())


def accepted(written: str) -> Where | None:
    try:
        return parse_where(written, TYPES)
    except WhereError:
        return None


def faults_of(written: str) -> tuple[Fault, ...]:
    with pytest.raises(WhereError) as refused:
        parse_where(written, TYPES)
    return refused.value.faults


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("pric = 1", ["1:1: there is no column 'pric'; did you mean `price`?"]),
        ('name = "a"', ["1:8: there is no column 'a'; write texts in single quotes: 'text'"]),
        ("price = NULL", ["1:9: NULL is not a value to compare with; write `IS NULL` or `IS NOT NULL`: nothing equals NULL"]),
        ("day = '2017-12-31'", ["1:7: `day` (date) is not comparable with '2017-12-31' (string); write dates as DATE '2017-12-31'"]),
        ("day = timestamp", ["1:7: `day` (date) is not comparable with `timestamp` (timestamp); compare columns of one type"]),
        ("day = DATE '2017-02-30'", ["1:7: '2017-02-30': there is no such date; write it as DATE '2017-12-31'"]),
        ("gift > TRUE", ["1:1: `gift` (boolean) is neither less nor greater than another; compare it with = or <>"]),
        ("count LIKE '1%'", ["1:1: `count` (integer) is not a text; LIKE is for texts"]),
        ("name LIKE 'a\\b'", ["1:11: the pattern has a \\ that is before no %, _ or \\ ; write \\%, \\_ and \\\\ for these characters themselves"]),
        ("price", ["1:1: `price` (decimal) is not a condition; compare it with something, or write IS NULL or IS NOT NULL"]),
        ("_labels IS NULL", ["1:1: '_labels' is all labels of a row; compare one of them: label('key') = 'value'"]),
        ("upper(name) = 'A'", ["1:1: there is no function 'upper'; the only one is label('key')"]),
        ("price = 1e3", ["1:9: '1e3' is not a number; write digits only, as in 1500.25"]),
        ("price == 1", ["1:7: '==' is not a comparison; write ="]),
        ("price = 0.1234567891", ["1:9: '0.1234567891': the number has more than 29 digits before or 9 after the point; no column holds such a number"]),
        ("", ["1:1: the text is empty; TRUE means every row"]),
        ("price 1", ["1:7: '1' is not expected here; expected is a comparison, AND, OR or the end"]),
    ],
)  # fmt: skip
def test_a_fault_says_where_what_and_how(written: str, expected: list[str]):
    assert [str(each) for each in faults_of(written)] == [f"where:{each}" for each in expected]


def test_all_faults_are_told_at_once_in_order():
    written = "pric = 1\n  AND (day = 'x' OR gift >= FALSE)\n  AND name IN 'y'\n  AND cout IN (1, 'a')"
    faults = faults_of(written)
    places = [(each.position.line, each.position.column) for each in faults if each.position]
    assert places == [(1, 1), (2, 14), (2, 21), (3, 15), (4, 7)]


def test_of_many_faults_the_rest_is_counted():
    faults = faults_of(f"price IN ({', '.join(['TRUE'] * 50)})")
    assert len(faults) == MOST_FAULTS + 1
    assert faults[-1].more == 50 - MOST_FAULTS


@pytest.mark.parametrize(
    "written",
    [
        "(" * (MOST_DEPTH + 1) + "gift" + ")" * (MOST_DEPTH + 1),
        "NOT " * (MOST_DEPTH + 1) + "gift",
        "gift AND " * (MOST_TOKENS // 2) + "gift",
        f"name = '{'x' * MOST_CHARACTERS}'",
    ],
    ids=["parentheses", "NOT", "tokens", "characters"],
)
def test_a_text_has_a_limit(written: str):
    (fault,) = faults_of(written)
    assert "more than" in fault.message


def test_long_and_deep_texts_run(bench: Bench):
    times = bench.examples(300)  # the emulator takes long to read a long statement
    many = " OR ".join(f"count = {each} AND price > {each}.5" for each in range(times))
    deep = "(" * (MOST_DEPTH - 1) + "NOT gift" + ")" * (MOST_DEPTH - 1)
    ids = f"count IN ({', '.join(map(str, range(5000)))})"
    found = outcomes(bench, [many, deep, ids])
    assert found[1] == [None if row["gift"] is None else not row["gift"] for row in ROWS]
    assert found[2] == [None if row["count"] is None else 0 <= row["count"] < 5000 for row in ROWS]


def test_names_are_found_whatever_their_case_and_keywords_are_quoted():
    types: dict[str, Any] = {"Price": "decimal", "in": "integer", "date": "date", "label": "string"}
    where = parse_where("PRICE > 1 and \"IN\" = 1 or date = date '2017-01-01' and label = 'a'", types)
    assert where.columns == {"Price", "in", "date", "label"}
    expected = "(Price > CAST('1' AS NUMERIC) AND `in` = 1)"
    assert expected in BIGQUERY.render(where.condition(), pretty=False)


def test_a_condition_reads_its_columns_as_the_caller_says():
    where = parse_where("price > 1", TYPES)
    condition = where.condition(lambda name: column(name, "old"))
    assert DUCKDB.render(condition, pretty=False) == "(old.price > CAST('1' AS DECIMAL(38, 9)))"
    assert alias(condition, "kept") is not None
