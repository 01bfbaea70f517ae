"""What a store has in other types than the contract declares, where that is allowed (DESIGN section 7)."""

from decimal import Decimal

import pytest

from tests.materialize.shop import Shop


@pytest.mark.parametrize("native", ["TINYINT", "INTEGER", "BIGINT", "HUGEINT", "DOUBLE", "DECIMAL(9, 2)"])
def test_every_kind_of_number_can_be_declared_decimal(shop: Shop, native: str) -> None:
    shop.rewrite_sales(f"SELECT * REPLACE (CAST(line % 100 AS {native}) AS price) FROM {{sales}}")
    shop.publish()
    assert {row["revenue"] for row in shop.rows()} == {Decimal(n) for n in range(100)}
