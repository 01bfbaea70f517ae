"""The figures that engines measure are those of plain Python, on each engine."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.suggestions.measured import MeasuredTables
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType, Relation
from tests.discovery.plain_tables import PlainMeasurements, PlainTable
from tests.engines.engine_fixtures import Bench

KINDS = {"i": ColumnType.INTEGER, "s": ColumnType.STRING, "t": ColumnType.TIMESTAMP, "d": ColumnType.DATE}
START = datetime(2025, 1, 1, tzinfo=UTC)
HOURS = st.none() | st.integers(0, 24 * 20).map(lambda hours: START + timedelta(hours=hours))
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(0, 3),
        st.none() | st.sampled_from(["", "a", "b"]),
        HOURS,
        st.none() | st.integers(0, 20).map(lambda days: date(2025, 1, 1) + timedelta(days)),
    ),
    min_size=1,
    max_size=12,
)
LETTERS = {"user": "i", "select": "s", "at": "t", "day": "d"}
"""One column has the name of a keyword."""
DAYS = [date(2025, 1, 1) + timedelta(days=days) for days in (0, 3, 7, 30)]


def open_on(bench: Bench, *tables: PlainTable) -> MeasuredTables:
    found = {}
    for table in tables:
        kinds = {name: KINDS[letter] for name, (letter, _) in table.columns.items()}
        source = bench.hold(kinds, table.keys([*table.columns]))
        columns = tuple(
            PhysicalColumn(name, PhysicalType(kind.value), kind.value.upper()) for name, kind in kinds.items()
        )
        found[table.name] = (Relation(source, columns, ""), bench.session)
    return MeasuredTables(found)


def plain(name: str, rows: list[tuple[object, ...]]) -> PlainTable:
    values = zip(*rows, strict=True)
    return PlainTable(
        name, {key: (letter, each) for (key, letter), each in zip(LETTERS.items(), values, strict=True)}
    )


def test_measured_figures_are_those_of_plain_rows(bench):
    @settings(max_examples=bench.examples(60), deadline=None)
    @given(ROWS, ROWS)
    def compare(rows, others):
        left, right = plain("sales", rows), plain("customers", others)
        measured, expected = (
            open_on(bench, left, right),
            PlainMeasurements({"sales": left, "customers": right}),
        )
        for columns in (["user"], ["user", "select"], ["user", "select", "at"]):
            assert measured.key("sales", columns) == expected.key("sales", columns)
            pairs = ("sales", columns, "customers", columns)
            assert measured.matched(*pairs) == expected.matched(*pairs)
        assert measured.nulls("sales", ["select", "at"]) == expected.nulls("sales", ["select", "at"])
        for transaction in (None, "select"):
            counts = measured.transactions("sales", "user", transaction)
            assert counts == expected.transactions("sales", "user", transaction)
        for time in ("at", "day"):
            assert measured.rows_since("sales", time, DAYS) == expected.rows_since("sales", time, DAYS)

    compare()


def test_tables_of_two_sessions_are_not_compared(bench):
    table = plain("sales", [(1, "a", START, date(2025, 1, 1))])
    measured = open_on(bench, table)
    (relation, _), other = measured.tables["sales"], object()
    apart = MeasuredTables({**measured.tables, "elsewhere": (relation, other)})  # ty: ignore[invalid-argument-type]
    assert apart.matched("sales", ["user"], "elsewhere", ["user"]) is None
