"""Columns whose stored type differs from the declared type are cast, or refused with their name."""

from decimal import Decimal

import pytest

from dataset_assets.checks.results import AuditError
from dataset_assets.errors import ResolveError
from tests.publishing.shop import KEYED, Shop

NUMBERS = {
    "tiny": "TINYINT",
    "small": "INTEGER",
    "big": "BIGINT",
    "huge": "HUGEINT",
    "real": "DOUBLE",
    "exact": "DECIMAL(9, 2)",
}


def test_every_kind_of_number_can_be_declared_decimal(shop: Shop) -> None:
    declared = "".join(f"      - {{name: {name}, type: decimal}}\n" for name in NUMBERS)
    text = KEYED.replace("      - {name: sold_at", f"{declared}      - {{name: sold_at")
    shop.declare(text.replace("  filters:", f"  extra_columns: [{', '.join(NUMBERS)}]\n  filters:"))
    columns = ", ".join(f"CAST(line % 100 AS {native}) AS {name}" for name, native in NUMBERS.items())
    shop.rewrite_sales(f"SELECT *, {columns} FROM {{sales}}")
    shop.publish()
    rows = shop.rows()
    for name in NUMBERS:
        assert {row[name] for row in rows} == {Decimal(n) for n in range(100)}, name


def test_a_value_that_does_not_fit_names_its_column_and_not_itself(shop: Shop) -> None:
    shop.rewrite_sales(
        "SELECT * REPLACE (CASE WHEN line < 3 THEN 'nan'::DOUBLE WHEN line < 5 THEN 1e30 ELSE price END"
        " AS price) FROM {sales}"
    )
    with pytest.raises(ResolveError, match=r"sales\.price: 5 values do not fit decimal") as failure:
        shop.publish()
    assert len(failure.value.faults) == 1


def test_a_source_that_breaks_the_contract_uses_up_no_version(shop: Shop) -> None:
    shop.rewrite_sales("SELECT * EXCLUDE (price) FROM {sales}")
    with pytest.raises(ResolveError):
        shop.publish()
    assert not (shop.root / "definitions" / "datasets" / "sales.lock").exists()


def test_an_empty_publication_is_not_kept_once_it_is_forbidden(shop: Shop) -> None:
    shop.rewrite_sales("SELECT * FROM {sales} WHERE line < 0")
    shop.declare(KEYED + "  allow_empty: true\n")
    assert shop.publish().counts.rows == 0
    shop.declare(KEYED)
    with pytest.raises(AuditError, match="0 rows were selected"):
        shop.publish()
