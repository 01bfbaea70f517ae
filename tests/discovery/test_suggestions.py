"""Each kind of suggestion on small tables of plain rows: what is suggested, why, and what is not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dataset_assets.discovery.suggestions.embeddings import embedding_dimension
from dataset_assets.discovery.suggestions.names import Name, words
from dataset_assets.discovery.suggestions.settings import (
    CustomerFilterSettings,
    LookupSettings,
    ProductFilterSettings,
    SuggestionSettings,
)
from dataset_assets.discovery.suggestions.suggestion import Confidence
from tests.discovery.plain_tables import NOW, PlainTable, suggested, why_not

START = datetime(2025, 1, 1, tzinfo=UTC)


def sales(days: Any = 120, **changes: Any) -> PlainTable:
    """Four users buy twelve products; two lines a basket, over some days."""
    rows = 240
    numbers = range(rows)
    columns: dict[str, Any] = {
        "customer_id": ("i", [number // 2 % 4 + 1 for number in numbers]),
        "order_id": ("i", [1000 + number // 2 for number in numbers]),
        "product_id": ("i", [number % 12 + 1 for number in numbers]),
        "sales_value": ("n", [number % 10 + 0.25 for number in numbers]),
        "ordered_at": ("t", [START + timedelta(days=number * days // rows) for number in numbers]),
    }
    columns |= changes
    return PlainTable("sales", {name: each for name, each in columns.items() if each})


PRODUCTS = PlainTable(
    "products",
    {
        "product_id": ("i", [*range(1, 13)]),
        "title": ("s", [f"Product {number}" for number in range(12)]),
        "department": ("s", [f"d{number % 2}" for number in range(12)]),
        "product_category": ("s", [f"c{number % 4}" for number in range(12)]),
        "producer_city": ("s", [f"town {number % 3}" for number in range(12)]),
    },
)
CUSTOMERS = PlainTable(
    "customers",
    {
        "id": ("i", [1, 2, 3]),
        "city": ("s", ["Ulm", "Bonn", "Jena"]),
        "email": ("s", ["a", "b", "c"]),
    },
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CustomerID", ("customer", "id")),
        ("customerid", ("customer", "id")),
        ("customer_ids", ("customer", "id")),
        ("StockCode", ("stock", "code")),
        ("InvoiceNo", ("invoice", "no")),
        ("unitprice", ("unit", "price")),
        ("movies", ("movie",)),
        ("categories", ("category",)),
        ("sales_value", ("sales", "value")),
        ("address", ("address",)),
        ("UPC", ("upc",)),
    ],
)
def test_names_are_split_into_words(name, expected):
    assert words(name) == expected


def test_the_subject_of_a_name_lacks_what_only_identifies():
    assert Name("customer_unique_id").subject == ("customer",)
    assert Name("invoice_no").subject == ("invoice",)
    assert Name("num_items").subject == ("num", "item")
    assert Name("is_booking").is_flag
    assert Name("rownames").numbers_rows
    assert not Name("row_price").numbers_rows


def test_the_main_table_has_the_events():
    found = suggested(CUSTOMERS, PRODUCTS, sales())
    assert found.main_table == "sales"
    main = next(each for each in found.tables if each.role == "main")
    assert main.confidence is Confidence.HIGH
    assert main.reason == ("it has 240 rows, a time (`ordered_at`), references to `customers` and `products`")


def test_a_person_can_choose_the_main_table():
    assert suggested(CUSTOMERS, PRODUCTS, sales(), main="products").main_table == "products"


def test_the_mapping_is_over_all_tables():
    found = suggested(sales(), PRODUCTS, CUSTOMERS)
    mapping = {concept: each.column for concept, each in found.column_mapping.items()}
    assert mapping == {
        "user_id": "customer_id",
        "product_id": "product_id",
        "timestamp": "ordered_at",
        "revenue": "sales_value",
        "city": "customers.city",
        "product_name": "products.title",
        "category": "products.department",
        "subcategory": "products.product_category",
        "transaction_id": "order_id",
    }
    assert {each.confidence for each in found.column_mapping.values()} == {Confidence.HIGH}
    assert "12 distinct values" in found.column_mapping["product_id"].reason


def test_a_key_that_refers_to_a_table_of_products_is_one_of_products():
    """The column's name says nothing; the table that it refers to does."""
    codes = [f"x{number}" for number in range(12)]
    table = sales(product_id=None, ref=("s", [codes[number % 12] for number in range(240)]))
    products = PlainTable("articles", {"ref": ("s", codes), "name": ("s", codes)})
    found = suggested(table, products)
    assert found.column_mapping["product_id"].column == "ref"
    assert "refers to `articles`" in found.column_mapping["product_id"].reason


@pytest.mark.parametrize(
    ("column", "letter", "reason"),
    [
        ("rating", "n", "`rating` is a rating, not money"),
        ("stars", "i", "`stars` is a rating, not money"),
        ("weight", "n", "no column of the main table is an amount of money by its name"),
        ("discount_amount", "n", "no column of the main table is an amount of money by its name"),
        ("total_items", "i", "no column of the main table is an amount of money by its name"),
    ],
)
def test_what_is_no_money_is_no_revenue(column, letter, reason):
    table = sales(sales_value=None, **{column: (letter, [number % 5 for number in range(240)])})
    assert why_not(suggested(table), "column_mapping.revenue").startswith(reason)


def test_the_price_of_a_unit_is_no_revenue_beside_a_quantity():
    numbers = range(240)
    price = ("n", [number % 7 + 0.5 for number in numbers])
    table = sales(sales_value=None, UnitPrice=price, Quantity=("i", [number % 3 + 1 for number in numbers]))
    assert why_not(suggested(table), "column_mapping.revenue") == (
        "`UnitPrice` is the price of one unit, and `Quantity` says how many: let the source have a column "
        "with their product"
    )
    found = suggested(sales(sales_value=None, UnitPrice=price))
    assert found.column_mapping["revenue"].column == "UnitPrice"
    assert found.column_mapping["revenue"].confidence is Confidence.MEDIUM


def test_a_total_wins_over_a_unit_price():
    numbers = range(240)
    found = suggested(
        sales(
            sales_value=None,
            price=("i", [number % 7 for number in numbers]),
            quantity=("i", [number % 3 for number in numbers]),
            total_price=("i", [number % 9 for number in numbers]),
        )
    )
    assert found.column_mapping["revenue"].column == "total_price"


def test_the_time_of_something_else_is_a_guess():
    table = sales(
        ordered_at=None, birth_date=("d", [START.date() + timedelta(number) for number in range(240)])
    )
    found = suggested(table)
    assert found.column_mapping["timestamp"].confidence is Confidence.LOW
    assert found.accepted("timestamp") is None
    assert "`birth_date` is a guess" in why_not(found, "column_mapping.timestamp")
    assert why_not(found, "column_mapping").startswith("it needs `timestamp`")


@pytest.mark.parametrize(
    ("letter", "value", "words_of_reason"),
    [("i", 964982703, "whole numbers such as 964982703"), ("s", "2025-01-01", "holds texts")],
)
def test_a_time_of_another_type_is_named(letter, value, words_of_reason):
    table = sales(ordered_at=None, timestamp=(letter, [value] * 240))
    assert words_of_reason in why_not(suggested(table), "column_mapping.timestamp")


def test_flags_and_row_numbers_identify_nothing():
    numbers = range(240)
    found = suggested(
        sales(
            order_id=None,
            is_purchase=("i", [number % 2 for number in numbers]),
            rownames=("i", [*numbers]),
        )
    )
    assert "transaction_id" not in found.column_mapping
    key = found.natural_key_columns
    assert key is None or "rownames" not in key.columns


def test_a_number_of_a_store_is_no_city_unasked():
    found = suggested(sales(store_id=("i", [number % 3 for number in range(240)])))
    assert found.column_mapping["city"].confidence is Confidence.LOW


def test_lookups_are_measured():
    found = suggested(sales(), PRODUCTS, CUSTOMERS)
    by_table = {each.table: each for each in found.lookups}
    assert by_table["products"].coverage_percent == 100
    assert by_table["products"].confidence is Confidence.HIGH
    (condition,) = by_table["customers"].join_conditions
    assert (condition.source_column, condition.target_column) == ("customer_id", "id")
    assert by_table["customers"].coverage_percent == 75
    assert by_table["customers"].reason == (
        "each `id` of 3 rows is there once, and 75 % of the 240 rows of `sales` have a match"
    )


def test_a_table_with_several_rows_for_a_key_is_no_lookup():
    prices = PlainTable("prices", {"product_id": ("i", [*range(1, 13)] * 2), "list_price": ("n", [1.5] * 24)})
    found = suggested(sales(), prices)
    assert found.lookups == ()
    assert why_not(found, "prices") == "no key of up to 3 of `product_id` is unique in `prices`"


def test_a_lookup_can_need_two_columns():
    prices = PlainTable(
        "prices",
        {
            "product_id": ("i", [number % 12 + 1 for number in range(24)]),
            "store_id": ("i", [number // 12 for number in range(24)]),
            "list_price": ("n", [1.5] * 24),
        },
    )
    found = suggested(sales(store_id=("i", [number % 2 for number in range(240)])), prices)
    (lookup,) = found.lookups
    assert {each.target_column for each in lookup.join_conditions} == {"product_id", "store_id"}


def test_a_lookup_can_be_joined_on_another_one():
    lines = sales(customer_id=None, ordered_at=None)
    orders = PlainTable(
        "orders",
        {
            "order_id": ("i", [1000 + number for number in range(120)]),
            "customer_id": ("i", [number % 4 + 1 for number in range(120)]),
            "order_date": ("d", [(START + timedelta(days=number)).date() for number in range(120)]),
        },
    )
    found = suggested(PlainTable("order_lines", lines.columns), orders, CUSTOMERS, PRODUCTS)
    assert found.main_table == "order_lines"
    (chained,) = [each for each in found.lookups if each.table == "customers"]
    assert chained.join_conditions[0].source_column == "orders.customer_id"
    mapping = {concept: each.column for concept, each in found.column_mapping.items()}
    assert mapping["user_id"] == "orders.customer_id"
    assert mapping["timestamp"] == "orders.order_date"


def test_rows_that_match_nothing_are_no_join():
    others = PlainTable("products", {"product_id": ("i", [*range(100, 120)])})
    found = suggested(sales(), others)
    assert found.lookups == ()
    assert "only 0 of 240 rows of `sales` have a match" in why_not(found, "products")


def test_a_join_of_two_types_is_named():
    others = PlainTable("products", {"product_id": ("s", [str(number) for number in range(1, 13)])})
    assert "a join needs the same type" in why_not(suggested(sales(), others), "products")


def test_the_number_of_measured_pairs_is_limited():
    settings = SuggestionSettings(lookups=LookupSettings(most_measured=0))
    assert suggested(sales(), PRODUCTS, CUSTOMERS, settings=settings).lookups == ()


def test_the_natural_key_is_the_smallest_sensible_one():
    found = suggested(sales()).natural_key_columns
    assert found
    assert found.columns == ("order_id", "product_id")
    assert found.reason == "all 240 rows differ in `order_id` and `product_id`"
    assert found.confidence is Confidence.HIGH


def test_duplicates_are_counted_if_nothing_is_unique():
    table = PlainTable("visits", {"user_id": ("i", [1, 1, 2, 2]), "day": ("d", [START.date()] * 4)})
    found = suggested(table)
    assert found.natural_key_columns is None
    assert (
        why_not(found, "natural_key_columns") == "2 of 4 rows repeat the values of another row in `user_id`"
    )


def test_a_key_without_nulls_is_declared_not_null_and_nothing_else():
    customers = [*sales().columns["customer_id"][1]]
    customers[0] = None
    found = suggested(sales(customer_id=("i", customers)), PRODUCTS)
    declared = {f"{each.table}.{each.name}": each.nullable for each in found.columns}
    assert declared["sales.order_id"] is False
    assert declared["products.product_id"] is False
    assert declared["sales.customer_id"] is True
    assert declared["sales.sales_value"] is True
    assert declared["products.department"] is True


def test_columns_about_persons_are_sensitive():
    found = suggested(sales(), CUSTOMERS)
    assert [each.name for each in found.columns if each.sensitive] == ["email"]


def test_many_products_are_filtered_by_the_settings():
    found = suggested(sales())
    assert why_not(found, "filters.product_filter") == "12 products are not more than 1,000,000"
    settings = SuggestionSettings(product_filter=ProductFilterSettings(above_products=11, value=70))
    chosen = suggested(sales(), settings=settings).filters.product_filter
    assert chosen
    assert (chosen.value.type, chosen.value.model_dump()["value"]) == ("cumulative_revenue_percent", 70)
    without = suggested(sales(sales_value=None), settings=settings)
    assert "no revenue is mapped" in why_not(without, "filters.product_filter")


def test_many_customers_with_one_transaction_are_filtered():
    """Half of the users have a single basket of two lines: lines are not transactions."""
    numbers = range(240)
    once = [number // 2 if number < 120 else 100 + number // 2 % 60 for number in numbers]
    orders = [number // 2 if number < 120 else 500 + number for number in numbers]
    found = suggested(sales(customer_id=("i", once), order_id=("i", orders)))
    assert found.filters.customer_filter
    assert found.filters.customer_filter.value.model_dump()["value"] == 2
    assert "60 of 120 customers (50 %)" in found.filters.customer_filter.reason
    settings = SuggestionSettings(customer_filter=CustomerFilterSettings(above_single_percent=60))
    few = suggested(sales(customer_id=("i", once), order_id=("i", orders)), settings=settings)
    assert few.filters.customer_filter is None


def test_the_window_moves_if_the_table_is_still_fed():
    fixed = suggested(sales()).filters.date_range
    assert fixed
    assert fixed.value.model_dump(mode="json") == {
        "type": "fixed",
        "start_date": "2025-01-01",
        "end_date": "2025-04-30",
    }
    recent = [NOW - timedelta(days=200 - number * 200 // 240) for number in range(240)]
    moving = suggested(sales(ordered_at=("t", recent))).filters.date_range
    assert moving
    assert moving.value.model_dump() == {"type": "rolling", "months": 6}


def test_eval_has_a_share_of_the_rows():
    split = suggested(sales()).split_config
    assert split
    assert split.value.model_dump()["eval_days"] == 14
    assert split.reason == "the last 14 of 120 days have 11.7 % of the rows"
    late = [START + timedelta(days=0 if number < 40 else 111 + number % 9) for number in range(240)]
    shorter = suggested(sales(ordered_at=("t", late))).split_config
    assert shorter
    assert shorter.value.model_dump()["eval_days"] == 3


def test_few_days_are_split_by_user():
    split = suggested(sales(days=3)).split_config
    assert split
    assert split.value.model_dump() == {
        "strategy": "random", "train_percent": 80, "test_percent": 0, "unit": "user",
        "null_unit": "together", "folds": None, "seed": 0,
    }  # fmt: skip


def test_filters_learn_from_train_rows():
    fit_on = suggested(sales()).filters.fit_on
    assert fit_on
    assert fit_on.value == "train"


@pytest.mark.parametrize(
    ("values", "dimension"),
    [(0, 8), (49, 8), (50, 16), (999, 16), (1_000, 32), (10_000, 64), (100_000, 96), (999_999, 96),
     (1_000_000, 128), (10**9, 128)],
)  # fmt: skip
def test_embedding_dimensions_have_half_open_bounds(values, dimension):
    assert embedding_dimension(values) == dimension


def test_a_table_without_users_and_products_is_a_contract_alone():
    weather = PlainTable(
        "weather",
        {
            "station": ("s", ["a", "b"] * 5),
            "day": ("d", [START.date() + timedelta(number // 2) for number in range(10)]),
            "temperature": ("n", [1.5] * 10),
        },
    )
    found = suggested(weather)
    assert found.filters.date_range is None
    assert found.split_config is None
    assert found.extra_columns == ()
    assert found.natural_key_columns
    assert set(found.natural_key_columns.columns) == {"day", "station"}
    reason = why_not(found, "column_mapping")
    assert reason.startswith("it needs `user_id` and `product_id`, for which there is no column")


def test_what_cannot_be_declared_is_named():
    table = sales(**{"2B": ("i", [1] * 240)})
    assert "letters, digits and `_`" in why_not(suggested(table), "sales.2B")


def test_a_prefix_of_all_columns_of_a_table_is_no_part_of_their_names():
    lines = sales(customer_id=None, ordered_at=None)
    columns = {f"l_{name}": each for name, each in lines.columns.items()}
    orders = {
        "o_order_id": ("i", [1000 + number for number in range(120)]),
        "o_custkey": ("i", [number % 4 + 1 for number in range(120)]),
        "o_order_date": ("d", [(START + timedelta(days=number)).date() for number in range(120)]),
    }
    found = suggested(PlainTable("orders", orders), PlainTable("lineitem", columns))
    assert found.main_table == "lineitem"
    mapping = {concept: each.column for concept, each in found.column_mapping.items()}
    assert mapping["user_id"] == "orders.o_custkey"
    assert mapping["product_id"] == "l_product_id"
    assert mapping["revenue"] == "l_sales_value"
    assert mapping["transaction_id"] == "l_order_id"


def test_lines_of_orders_are_finer_than_orders():
    """The lines refer to one table more than the orders do, because they lead to everything of these."""
    lines = PlainTable("items", {name: sales().columns[name] for name in ("order_id", "product_id")})
    orders = PlainTable(
        "orders",
        {
            "id": ("i", [1000 + number for number in range(120)]),
            "customer": ("i", [number % 3 + 1 for number in range(120)]),
            "ordered_at": ("t", [START + timedelta(days=number) for number in range(120)]),
            "store_id": ("i", [number % 2 for number in range(120)]),
        },
    )
    stores = PlainTable("stores", {"id": ("i", [0, 1]), "name": ("s", ["Ulm", "Bonn"])})
    found = suggested(orders, CUSTOMERS, stores, lines)
    assert found.main_table == "items"
    assert [each.table for each in found.lookups] == ["orders", "customers", "stores"]
    assert found.column_mapping["user_id"].column == "orders.customer"
    assert found.column_mapping["timestamp"].column == "orders.ordered_at"
    assert found.column_mapping["city"].alternatives[0] == "stores.name"
