"""The steps from a dataset to its selection query."""

from datetime import UTC, datetime

from sqlglot import exp

from dataset_assets.compiler.logical_relations import logical_relations
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope
from dataset_assets.periods.instants import AsOf


def test_a_split_by_a_user_of_a_lookup_can_select_the_train_rows() -> None:
    """The lookup has to be joined before the train rows are selected, because the split reads its column."""
    orders = {"order_id": "string", "product_id": "string", "ordered_at": "timestamp", "revenue": "decimal"}
    buyers = {"order_id": "string", "user_id": "string"}
    dataset = Dataset.model_validate(
        {
            "name": "orders",
            "owner": "team",
            "main_table": {"name": "orders", "columns": columns(orders)},
            "lookups": [
                {
                    "target": {"type": "table", "name": "buyers", "columns": columns(buyers)},
                    "join_conditions": [{"source_column": "order_id", "target_column": "order_id"}],
                }
            ],
            "column_mapping": {
                "user_id": "buyers.user_id",
                "product_id": "product_id",
                "timestamp": "ordered_at",
                "revenue": "revenue",
            },
            "filters": {"fit_on": "train", "product_filter": {"type": "top_revenue_percent", "value": 50}},
            "split_config": {"strategy": "random", "train_percent": 80, "unit": "user"},
        }
    )
    scope = Scope(dataset, lambda _: None)
    as_of = AsOf(datetime(2026, 1, 1, tzinfo=UTC))
    ctes = {
        cte.name: cte.query for cte in compile_rows(SelectionInput(scope, logical_relations(scope), as_of))
    }
    read = {column.name for column in ctes["train_rows"].find_all(exp.Column)}
    assert read <= set(ctes["source_rows"].named_selects)


def columns(types: dict[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in types.items()]
