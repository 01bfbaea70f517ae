"""The check `leak` separates leaked products and users from new ones."""

import pytest

from dataset_assets.checks.results import CheckResult
from tests.publishing.shop import KEYED, Shop

DAYS = "date_range: {type: rolling, months: 2}"
SALES = """
SELECT * FROM (VALUES
  (1, 'old', 1, 9.0, TIMESTAMP '2024-02-01'), (2, 'old', 2, 1.0, TIMESTAMP '2024-02-02'),
  (3, 'old', 1, 9.0, TIMESTAMP '2024-02-03'), (4, 'rare', 1, 9.0, TIMESTAMP '2024-02-04'),
  (5, 'rare', 1, 9.0, TIMESTAMP '2024-02-25'), (6, 'old', 2, 99.0, TIMESTAMP '2024-02-26'),
  (7, 'new', 1, 9.0, TIMESTAMP '2024-02-27'), (8, 'new', 3, 70.0, TIMESTAMP '2024-02-28'),
  (9, 'old', 1, 9.0, TIMESTAMP '2024-02-26')
) AS t(line, buyer, item, price, sold_at)
"""


def checked(shop: Shop, filters: str, split: str = "{strategy: time_based, eval_days: 10}") -> CheckResult:
    text = KEYED.replace(f"{{{DAYS}}}", f"{{{DAYS}{filters}}}")
    shop.declare(text.replace("{strategy: time_based, eval_days: 10}", split))
    shop.write("sales", SALES)
    return next(check for check in shop.publish().checks if check.name == "leak")


BEST = ", product_filter: {type: cumulative_revenue_percent, value: 80}"
OFTEN = ", customer_filter: {type: min_transactions, value: 2}"
CASES = [
    ("", 0, 0, 1, 1),
    (", product_filter: {type: categories, value: ['kind 0', 'kind 1']}", 0, 0, 1, 1),
    (BEST, 2, 0, 0, 1),
    (OFTEN, 0, 2, 1, 0),
    (BEST + OFTEN, 2, 2, 0, 0),
    (BEST + OFTEN + ", fit_on: train", 0, 0, 0, 0),
]


@pytest.mark.parametrize(("filters", "products", "users", "new_products", "new_users"), CASES)
def test_leaked_and_new_values_are_counted(shop, filters, products, users, new_products, new_users):
    check = checked(shop, filters)
    assert dict(check.metadata) == {
        "products_leaked": products,
        "users_leaked": users,
        "products_new": new_products,
        "users_new": new_users,
    }
    assert check.passed == (not products and not users)
    assert not check.blocking
    assert f"{new_products} products and {new_users} users are new and have no train row" in (check.message)
    if not check.passed:
        words = f"{products} products and {users} users pass a filter only because of eval rows"
        assert words in check.message
        assert "`fit_on: train`" in check.message
