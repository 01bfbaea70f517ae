"""Tests that a float declared decimal equals the decimal of Python's repr on each engine (BR-103)."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import duckdb
import numpy as np
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st
from sqlglot import exp

from dataset_assets.compiler.typing import CASTS
from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType
from dataset_assets.sql.build import column
from dataset_assets.sql.dialect import DUCKDB
from dataset_assets.sql.nodes import FloatAsDecimal

CENTS = st.integers(-(10**15), 10**15).map(lambda cents: cents / 100)
TIES = st.integers(-(10**9), 10**9).map(lambda n: (n * 10 + 5) / 1e10)
FLOATS = st.floats(-9e28, 9e28) | CENTS | TIES | st.floats(-1, 1)


EXAMPLES = [
    12345678.12,
    333736947.77,
    -9999999.99,
    546603.4041069965,
    8388608.123456789,
    0.1 + 0.2,
    1e26,
    1e-7,
]
EXAMPLES += [5e-10, -5e-10, 4.9999999999e-10, 99999999999.99, 9007199254740993.0, 4194304.0009765625]


def named(value):
    with localcontext(prec=400):
        return Decimal(repr(value)).quantize(Decimal("1e-9"), ROUND_HALF_UP)


@given(st.lists(FLOATS, min_size=1, max_size=200))
@example([12345678.12, 333736947.77, 1e20, 1e-7, -0.0, 5e-324, 5e-10, -5e-10, 4.9999999999e-10, 0.1 + 0.2])
@example([8388608.123456789, 123456.1234567895, 9007199254740993.0, 9.9e28, 1e13, 99999999999.99])
def test_a_float_is_the_decimal_that_its_shortest_text_names(values):
    decimal = FloatAsDecimal(this=column("x"), to=exp.DataType.build("DECIMAL(38, 9)"))
    given_rows = pa.table({"x": pa.array(values, pa.float64())})
    with duckdb.connect() as connection:
        connection.register("given", given_rows)
        found = connection.execute(f"SELECT {DUCKDB.render(decimal)} FROM given").fetchall()
    assert [each for (each,) in found] == [named(value) for value in values]


def test_it_is_so_on_each_engine(bench):
    rows = [(number, repr(value)) for number, value in enumerate(EXAMPLES)]
    held = bench.hold({"number": ColumnType.INTEGER, "text": ColumnType.STRING}, [*rows, (len(rows), None)])
    floating = exp.cast(column("text"), "DOUBLE")
    decimal = FloatAsDecimal(this=column("x"), to=exp.DataType.build("DECIMAL(38, 9)"))
    floats = exp.select("number", exp.alias_(floating, "x")).from_(held).subquery("floats")
    found = bench.rows(exp.select("number", exp.alias_(decimal, "x")).from_(floats))
    expected = {number: named(value) for number, value in enumerate(EXAMPLES)} | {len(rows): None}
    assert {row["number"]: row["x"] for row in found} == expected


SINGLES = (
    st.floats(-1e6, 1e6, width=32)
    | st.integers(-(10**8), 10**8).map(lambda cents: cents / 100)
    | st.sampled_from([0.1, 19.99, 1 / 3, 16777216.0, 1e-7, 3.4e28])
)


@given(st.lists(SINGLES, min_size=1, max_size=100))
@example([0.1, 19.99, 8388607.5, 123.456, 334667.62, 131072.375])
def test_a_32_bit_float_is_the_decimal_that_its_own_shortest_text_names(values):
    """0.1 in 32 bits is 0.1; the same number in 64 bits is 0.10000000149."""
    singles = np.array(values, np.float32)
    cast = CASTS[ColumnType.DECIMAL, PhysicalType.FLOAT]
    decimal = cast(column("x"), PhysicalColumn("x", PhysicalType.FLOAT, "FLOAT"), "UTC")
    with duckdb.connect() as connection:
        connection.register("given", pa.table({"x": singles}))
        found = connection.execute(f"SELECT {DUCKDB.render(decimal)} FROM given").fetchall()
    assert [each for (each,) in found] == [named(float(str(value))) for value in singles]
