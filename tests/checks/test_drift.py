"""The results of drift checks, with figures computed by hand."""

# ruff: noqa: E501 - sentences are read whole

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_assets.checks.drift import drift_results
from dataset_assets.checks.history import EarlierPublication, History
from dataset_assets.checks.results import CheckResult
from dataset_assets.contract.model import ColumnType, Dataset
from dataset_assets.stats.statistics import ColumnStatistics, Statistics
from dataset_assets.text.rounding import rounded

TABLE = {"name": "sales", "columns": [{"name": "kind", "type": "string"}]}


def dataset(**drift: Any) -> Dataset:
    texts = {name: str(value).lower() for name, value in drift.items()}
    return Dataset.model_validate({"name": "Sales", "owner": "ada", "main_table": TABLE, "drift": texts})


def column(
    rows: int, *values: str, nulls: int = 0, cardinality: int | None = None, **known: Any
) -> ColumnStatistics:
    return ColumnStatistics(
        type=known.pop("type", ColumnType.STRING),
        cardinality=len(values) if cardinality is None else cardinality,
        null_count=nulls,
        null_percent=100 * nulls / rows if rows else 0,
        top_values=tuple({"value": value, "rows": 1} for value in values),
        **known,
    )


def told(rows: int, splits: dict[str, int] | None = None, /, **columns: ColumnStatistics) -> Statistics:
    return Statistics(row_count=rows, splits=splits or {}, columns=columns)


def past(*earlier: Statistics) -> tuple[EarlierPublication, ...]:
    return tuple(EarlierPublication(f"2024-{month:02}", each) for month, each in enumerate(earlier, 1))


def found(now: Statistics, *earlier: Statistics, **drift: Any) -> CheckResult:
    (result,) = drift_results(dataset(**drift), now, past(*earlier))
    assert not result.blocking
    return result


THREE = (told(20_000), told(21_000), told(21_760))
ROWS = [
    (12_343, "30", False, "12,343 rows, 41 % fewer than the mean of the last 3 publications (20,920; 2024-01 to 2024-03); 30 % is allowed"),
    (20_920, "30", True, "20,920 rows, as many as the mean of the last 3 publications (20,920; 2024-01 to 2024-03); 30 % is allowed"),
    (22_000, "30", True, "22,000 rows, 5.2 % more than the mean of the last 3 publications (20,920; 2024-01 to 2024-03); 30 % is allowed"),
    (27_196, "30", True, "27,196 rows, 30 % more than the mean of the last 3 publications (20,920; 2024-01 to 2024-03); 30 % is allowed"),
    (27_197, "30", False, "27,197 rows, 30.005 % more than the mean of the last 3 publications (20,920; 2024-01 to 2024-03); 30 % is allowed"),
    (20_919, "0", False, "20,919 rows, 0.005 % fewer than the mean of the last 3 publications (20,920; 2024-01 to 2024-03); 0 % is allowed"),
    (0, "99.5", False, "0 rows, 100 % fewer than the mean of the last 3 publications (20,920; 2024-01 to 2024-03); 99.5 % is allowed"),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "limit", "passed", "sentence"), ROWS)
def test_rows_by_percent_of_the_mean(rows: int, limit: str, passed: bool, sentence: str) -> None:
    result = found(told(rows), *THREE, row_count=limit)
    assert (result.name, result.passed, result.message) == ("drift_row_count", passed, sentence)


def test_one_or_no_earlier_publication() -> None:
    single = found(told(2), told(3), row_count=30)
    assert single.message == "2 rows, 33.3 % fewer than the last publication (3; 2024-01); 30 % is allowed"
    assert not single.passed
    every = drift_results(dataset(row_count=1, split_share=1, null_percent=1, categories=True), told(5), ())
    assert [check.name for check in every] == [
        "drift_row_count", "drift_split_share", "drift_null_percent", "drift_categories",
    ]  # fmt: skip
    assert all(check.passed for check in every)
    assert {check.message for check in every} == {"there is no earlier publication to compare with yet"}


def test_only_declared_drift_checks_run() -> None:
    plain = Dataset.model_validate({"name": "Sales", "owner": "ada", "main_table": TABLE})
    assert drift_results(plain, told(1), past(told(1000))) == ()


def test_publications_without_rows() -> None:
    empty = (told(0), told(0))
    some = found(told(3), *empty, row_count=50)
    assert not some.passed
    assert some.message == "3 rows, and the last 2 publications (2024-01 to 2024-02) had none"
    assert found(told(0), *empty, row_count=50).passed
    for now, before in ((told(3, k=column(3, "a")), empty), (told(0, k=column(0)), THREE)):
        results = drift_results(dataset(split_share=0, null_percent=0, categories=True), now, past(*before))
        assert [check.passed for check in results] == [True, True, True]


def test_split_shares_are_compared_in_points() -> None:
    before = (
        told(100, {"train": 90, "eval": 10}),
        told(1000, {"train": 930, "eval": 70}),
        told(3),  # of a time before there was a split
    )
    now = told(200, {"train": 160, "eval": 40})
    result = found(now, *before, split_share=5)
    assert not result.passed
    assert result.message == (
        "share of the rows: train 80 % instead of 91.5 % (11.5 points less), eval 20 % instead of 8.5 % "
        "(11.5 points more); against the mean of the last 2 publications (2024-01 to 2024-02), "
        "5 points are allowed"
    )
    calm = found(now, *before, split_share="11.5")
    assert calm.passed
    assert calm.message.startswith("share of the rows: at most 11.5 points away (train); against ")
    gone = found(told(50, {"train": 50}), before[0], split_share=5)
    assert "eval 0 % instead of 10 % (10 points less)" in gone.message


def test_nulls_are_compared_in_points_also_in_sensitive_columns() -> None:
    before = (
        told(100, a=column(100, nulls=10), b=column(100), secret=column(100, sensitive=True)),
        told(300, a=column(300, nulls=90), b=column(300), secret=column(300, sensitive=True)),
    )
    now = told(
        200,
        a=column(200, nulls=45),
        b=column(200, nulls=1),
        secret=column(200, nulls=50, sensitive=True),
        new=column(200, nulls=200),
    )
    result = found(now, *before, null_percent=10)
    assert not result.passed
    assert result.message == (
        "NULLs: secret 25 % instead of 0 % (25 points more); against the mean of the last 2 publications "
        "(2024-01 to 2024-02), 10 points are allowed"
    )
    exact = found(now, *before, null_percent="0.5")
    assert exact.message.startswith("NULLs: secret 25 % instead of 0 % (25 points more), a 22.5 %")
    assert "b " not in exact.message, "half a point is what is allowed"
    many = {f"c{number}": column(10, nulls=number) for number in range(9)}
    beyond = found(told(10, **many), told(10, **dict.fromkeys(many, column(10))), null_percent=0)
    assert beyond.message.startswith("NULLs: c8 80 % instead of 0 % (80 points more), c7 ")
    assert (
        "c4 40 % instead of 0 % (40 points more) and 3 more; against the last publication" in beyond.message
    )


def test_new_and_missing_values_are_listed() -> None:
    before = (told(9, kind=column(9, "a", "b", "c")), told(9, kind=column(9, "a", "c", "d")))
    result = found(told(9, kind=column(9, "c", "d", "it's")), *before, categories=True)
    assert not result.passed
    against = "compared with the last 2 publications (2024-01 to 2024-02)"
    assert result.message == f"""kind: new "it's", gone 'a'; {against}"""
    assert result.metadata == {"kind": {"new": ["it's"], "gone": ["a"]}}
    same = found(told(9, kind=column(9, "a", "b", "c")), *before, categories=True)
    assert same.passed, "`b` was there once, `d` not always"
    assert same.message == f"no new value and none gone in kind; {against}"


def test_columns_with_many_values() -> None:
    ten = [f"v{number}" for number in range(10)]
    few = told(99, kind=column(99, *ten[:8]))
    many = told(99, kind=column(99, *ten, cardinality=14))
    result = found(many, few, categories=True)
    assert not result.passed
    assert result.message.startswith("kind: new 'v8', 'v9' and at least 4 more; compared with ")
    assert found(few, many, categories=True).passed, "what it had then is not known"
    number = told(9, kind=column(9, "1", type=ColumnType.INTEGER))
    assert found(number, few, categories=True).message.startswith("no string column had few enough values")


@pytest.mark.parametrize("then", [True, False])
@pytest.mark.parametrize("now", [True, False])
def test_values_of_a_sensitive_column_are_never_shown(now: bool, then: bool) -> None:
    def of(value: str, sensitive: bool) -> Statistics:
        shown = [] if sensitive else [value]
        return told(9, kind=column(9, *shown, cardinality=1, sensitive=sensitive))

    result = found(of("ada", now), of("bob", then), categories=True)
    assert result.passed == (now or then)
    if now or then:
        assert not {"ada", "bob"} & set(repr(result).replace("'", " ").split())


def test_long_lists_of_values_are_cut() -> None:
    now = told(9, kind=column(9, *"abcdefghi", "x" * 500))
    message = found(now, told(9, kind=column(9, "a")), categories=True).message
    assert "new 'b', 'c', 'd', 'e', 'f' and 4 more; " in message
    short = found(told(9, kind=column(9, "x" * 500)), told(9, kind=column(9)), categories=True).message
    assert len(short) < 200


def record(number: int, period: str | None) -> dict[str, Any]:
    published = datetime(2024, 1, number, tzinfo=UTC).isoformat()
    return {"period": period, "published_at": published, "statistics": told(number).model_dump(mode="json")}


def test_a_publication_is_not_compared_with_itself_or_too_many() -> None:
    history = History([record(number, None) for number in (5, 4, 3, 2)], 3)
    assert [each.statistics.row_count for each in history.before(record(6, None))] == [3, 4, 5]
    assert [each.statistics.row_count for each in history.before(record(5, None))] == [2, 3, 4]
    assert [each.name for each in history.before(record(5, None))] == [
        "2024-01-02",
        "2024-01-03",
        "2024-01-04",
    ]
    same_run = History([record(5, "2024-02"), record(5, "2024-01")], 3)
    assert [each.name for each in same_run.before(record(5, "2024-03"))] == ["2024-01", "2024-02"]


COUNTS = st.lists(st.integers(0, 10**12), min_size=1, max_size=8)
LIMITS = st.decimals(0, 100, places=3)


@given(COUNTS, st.integers(0, 10**12), LIMITS)
def test_a_count_passes_exactly_within_its_limit_whatever_the_order(
    counts: list[int], rows: int, limit: Decimal
) -> None:
    result = found(told(rows), *map(told, counts), row_count=limit)
    total, number = sum(counts), len(counts)
    # |rows - total/number| ≤ limit % of total/number, in whole numbers
    assert result.passed == (abs(rows * number - total) * 100_000 <= int(limit * 1000) * total)
    again = found(told(rows), *map(told, reversed(counts)), row_count=limit)
    assert (again.passed, again.message) == (result.passed, result.message)


@given(st.fractions(0, 10**6), LIMITS)
def test_no_rounding_crosses_the_limit(value: Fraction, limit: Decimal) -> None:
    text = rounded(value, limit)
    assert (Decimal(text) > limit) == (value > limit)
    assert abs(Fraction(text) - value) <= Fraction(1, 2)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=2, max_size=5))
def test_equal_publications_never_drift(shares: list[tuple[int, int]]) -> None:
    rows = {f"c{place}": part for place, (part, _) in enumerate(shares)}
    now = told(50, {"train": 30, "eval": 20}, **{k: column(50, "a", nulls=v) for k, v in rows.items()})
    asked = dataset(row_count=0, split_share=0, null_percent=0, categories=True)
    results = drift_results(asked, now, past(now, now, now))
    assert [check.passed for check in results] == [True] * 4
    assert all("as before" in check.message for check in results[1:3])
