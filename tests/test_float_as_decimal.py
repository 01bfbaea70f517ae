"""A float declared decimal is what its shortest text names (decision 3), against Python's repr."""

from decimal import ROUND_HALF_UP, Decimal, localcontext

import duckdb
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st
from sqlglot import exp

from dataset_assets.sql.build import column
from dataset_assets.sql.dialect import DUCKDB
from dataset_assets.sql.nodes import FloatAsDecimal

CENTS = st.integers(-(10**15), 10**15).map(lambda cents: cents / 100)
TIES = st.integers(-(10**9), 10**9).map(lambda n: (n * 10 + 5) / 1e10)
FLOATS = st.floats(-9e28, 9e28) | CENTS | TIES | st.floats(-1, 1)


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
