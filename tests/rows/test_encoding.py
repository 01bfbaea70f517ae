"""Row texts identify rows, and digests identify sets of rows in any order."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.rows.encoding import content_digest, digest_parts, fold_digest, row_text
from dataset_assets.sql.build import column
from dataset_assets.sql.dialect import BIGQUERY
from dataset_assets.stats.profile import profile
from tests.engines.engine_fixtures import on_duckdb
from tests.stats.profiling import published

T = ColumnType
COLUMNS = {
    "a": T.STRING,
    "b": T.STRING,
    "n": T.INTEGER,
    "v": T.DECIMAL,
    "f": T.BOOLEAN,
    "d": T.DATE,
    "t": T.TIMESTAMP,
}
BOUNDS = [datetime(year, 1, 1) for year in (1900, 2200)]  # noqa: DTZ001
texts = st.none() | st.sampled_from(["", "n", "|", "1:", "|s", "s1:a", "é", "😀"])
row = st.tuples(
    texts,
    texts,
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.decimals(-(10**12), 10**12, places=9),
    st.none() | st.booleans(),
    st.none() | st.dates(date(1900, 1, 1)),
    st.none() | st.datetimes(*BOUNDS, timezones=st.just(UTC)),
)
rows_of = st.lists(row, max_size=8)


def digest(bench, rows, columns=None):
    columns = columns or COLUMNS
    return content_digest(bench.session, bench.hold(columns, rows), published(columns))


def text_of(bench, columns, *values):
    fields = [(column(name), kind) for name, kind in columns.items()]
    source = bench.hold(columns, [values])
    return bench.rows(exp.select(exp.alias_(row_text(fields), "text")).from_(source))[0]["text"]


def test_the_canonical_text(bench):
    values = (
        "ä|",
        None,
        -5,
        Decimal("-0.5"),
        True,
        date(2020, 1, 31),
        datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC),
    )
    assert text_of(bench, COLUMNS, *values) == "s2:ä||sn:|i-5|d-0.500000000|btrue|D2020-01-31|t1000000"
    assert text_of(bench, COLUMNS, *[None] * 7) == "sn:|sn:|in|dn|bn|Dn|tn"


@pytest.mark.parametrize(
    "value", ["0", "1234567890123.25", "999999999.999999999", "-99999999999999999999.000000001"]
)
def test_decimals_have_nine_places_whatever_their_size(bench, value):
    assert text_of(bench, {"v": T.DECIMAL}, Decimal(value)) == f"d{Decimal(value):.9f}"


def test_order_does_not_count(bench):
    @settings(max_examples=bench.examples(40))
    @given(rows_of, st.randoms(use_true_random=False))
    def holds(rows, random):
        mixed = list(rows)
        random.shuffle(mixed)
        assert digest(bench, mixed) == digest(bench, rows)

    holds()


def test_the_same_digest_is_the_same_rows(bench):
    @settings(max_examples=bench.examples(40))
    @given(rows_of, rows_of)
    def holds(left, right):
        same = sorted(map(repr, left)) == sorted(map(repr, right))
        assert (digest(bench, left) == digest(bench, right)) == same

    holds()


def test_any_changed_value_changes_the_digest(bench):
    @settings(max_examples=bench.examples(40))
    @given(rows_of.filter(bool), row, st.data())
    def holds(rows, other, data):
        at, place = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, len(COLUMNS) - 1))
        changed = list(rows)
        changed[at] = (*rows[at][:place], other[place], *rows[at][place + 1 :])
        assert (digest(bench, changed) == digest(bench, rows)) == (rows[at][place] == other[place])

    holds()


def test_duplicates_count(bench):
    one = ("a", None, 1, None, None, None, None)
    two = ("b", None, 2, None, None, None, None)
    assert len({digest(bench, [one] * n) for n in range(5)}) == 5
    assert digest(bench, [one, one, two]) != digest(bench, [one, two, two])
    assert digest(bench, [one, one]) != digest(bench, [two, two])


def test_names_types_and_columns_count(bench):
    found = {
        digest(bench, [("1",)], {"a": T.STRING}),
        digest(bench, [(1,)], {"a": T.INTEGER}),
        digest(bench, [(1,)], {"b": T.INTEGER}),
        digest(bench, [(1,)], {"a": T.DECIMAL}),
        digest(bench, [(1, None)], {"a": T.INTEGER, "b": T.INTEGER}),
        digest(bench, [], {"a": T.INTEGER}),
    }
    assert len(found) == 6


def test_threads_do_not_count():
    columns = {"n": T.INTEGER, "s": T.STRING}
    rows = [(n, f"text {n % 11}") for n in range(1000)]
    found = set()
    for threads in (1, 2, 4):
        with on_duckdb(threads=threads) as bench:
            found.add(digest(bench, rows, columns))
    assert len(found) == 1


def test_a_profile_can_compute_the_digest(bench):
    columns = {"n": T.INTEGER, "s": T.STRING}
    source, fields = bench.hold(columns, [(1, "a"), (2, None)]), published(columns)
    parts = profile(bench.session, source, fields, None, digest_parts(fields)).extra
    assert fold_digest(fields, parts) == content_digest(bench.session, source, fields)


def test_the_digest_is_the_same_on_every_engine(bench):
    """Rows of all types: one engine compares rows that another engine published."""
    instant = datetime(1969, 12, 31, 23, 59, 59, 5, UTC)
    row = ("ä|", None, -5, Decimal("-0.5"), True, date(2020, 1, 31), instant)
    assert digest(bench, [row]) == "18f98c3f8ca324db60b040db2a064bce7aa9b6c58b99888cc3279ea98b027b59"


def test_the_digest_is_rendered_for_bigquery():
    fields = [(column("s"), T.STRING), (column("v"), T.DECIMAL), (column("t"), T.TIMESTAMP)]
    assert BIGQUERY.render(exp.select(row_text(fields)), pretty=False) == (
        "SELECT CONCAT('s', COALESCE(CAST(LENGTH(s) AS STRING), 'n'), ':', COALESCE(s, ''), "
        "'|d', COALESCE(FORMAT('%.9f', v), 'n'), "
        "'|t', COALESCE(CAST(UNIX_MICROS(t) AS STRING), 'n'))"
    )
    parts = digest_parts(published({"n": T.INTEGER}))
    assert BIGQUERY.render(exp.select(*parts.values()), pretty=False) == (
        "SELECT COUNT(*), "
        "SUM(CAST(CAST(CONCAT('0x', SUBSTR(TO_HEX(REVERSE(MD5("
        "CONCAT('i', COALESCE(CAST(n AS STRING), 'n'))))), 18 - 16 * 0, 15)) AS INT64) AS NUMERIC)), "
        "SUM(CAST(CAST(CONCAT('0x', SUBSTR(TO_HEX(REVERSE(MD5("
        "CONCAT('i', COALESCE(CAST(n AS STRING), 'n'))))), 18 - 16 * 1, 15)) AS INT64) AS NUMERIC))"
    )
