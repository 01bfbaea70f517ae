"""The JSON Schema agrees with the model about what a file may hold."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from dataset_assets.catalog.json_schema import json_schema
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import ContractError
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import read

FILES = Path(__file__).parent / "files"
GOOD = ["grocery_recommender", "household_value", "product_categories", "sales_orders"]
VALIDATOR = jsonschema.Draft202012Validator(json_schema(), format_checker=jsonschema.FormatChecker())


class _Editor(yaml.SafeLoader):
    """The YAML 1.2 of an editor: dates are texts, and `on` is no boolean."""


_Editor.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if first not in ("o", "O", "y", "Y", "n", "N")
}


def as_typed(text: str) -> Any:
    return yaml.load(text, _Editor)


def test_the_schema_is_a_json_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())
    json.dumps(json_schema())


@pytest.mark.parametrize("stem", GOOD)
def test_good_files_are_valid(stem: str) -> None:
    assert list(VALIDATOR.iter_errors(as_typed((FILES / f"{stem}.yaml").read_text()))) == []


def test_entitys_example_is_not_valid() -> None:
    [error] = VALIDATOR.iter_errors(as_typed((FILES / "entity_example.yaml").read_text()))
    assert list(error.absolute_path)[:4] == ["dataset", "lookups", 1, "target"]


def grocery(edit: Callable[[dict], Any]) -> dict[str, Any]:
    data = as_typed((FILES / "grocery_recommender.yaml").read_text())
    edit(data["dataset"])
    return data


NO_SUCH_DAY = {"type": "fixed", "start_date": "2017-02-30", "end_date": "2017-03-01"}
BAD: dict[str, Callable[[dict], Any]] = {
    "unknown key": lambda d: d.update(colour="red"),
    "unknown key below": lambda d: d["main_table"].update(schema="x"),
    "no main table": lambda d: d.pop("main_table"),
    "no columns": lambda d: d["main_table"].update(columns=[]),
    "no such type": lambda d: d["main_table"]["columns"][0].update(type="float"),
    "underscore": lambda d: d["main_table"]["columns"][0].update(name="_id"),
    "text for a boolean": lambda d: d["main_table"]["columns"][0].update(nullable="no"),
    "no join condition": lambda d: d["lookups"][0].update(join_conditions=[]),
    "target without type": lambda d: d["lookups"][0]["target"].pop("type"),
    "status": lambda d: d.update(status="retired"),
    "25 months": lambda d: d["filters"]["date_range"].update(months=25),
    "text for a number": lambda d: d["filters"]["date_range"].update(months="six"),
    "no such day": lambda d: d["filters"].update(date_range=NO_SUCH_DAY),
    "filter without type": lambda d: d["filters"].update(product_filter={}),
    "no eval days": lambda d: d["split_config"].update(eval_days=0),
    "lookback below zero": lambda d: d.update(refresh={"on": "upstream", "lookback": -1}),
    "other lookups": lambda d: d.update(refresh={"on": "upstream", "lookups": "all"}),
    "text for a pause": lambda d: d.update(refresh={"on": "upstream", "paused": "yes"}),
    "freshness of what": lambda d: d.update(freshness={}),
    "freshness without a unit": lambda d: d.update(freshness={"within": "26"}),
    "drift of a hundred and one points": lambda d: d.update(drift={"null_percent": 101}),
    "drift below zero": lambda d: d.update(drift={"row_count": -1}),
    "drift over none": lambda d: d.update(drift={"row_count": 30, "over": 0}),
    "drift of something else": lambda d: d.update(drift={"rows": 30}),
    "required concept": lambda d: d["column_mapping"].pop("timestamp"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_not_valid_for_either(name: str) -> None:
    data = grocery(BAD[name])
    assert list(VALIDATOR.iter_errors(data))
    with pytest.raises(ContractError):
        build(read(json.dumps(data), "x.yaml"), Dataset, "dataset")


DOMAINS_MAPPINGS = [
    {"user_id": "customer_code", "product_id": "article_id", "timestamp": "transaction_date"},
    {
        "user_id": "customer_code",
        "product_id": "article_id",
        "timestamp": "transaction_date",
        "revenue": "net_amount",
        "city": "city",
        "product_name": "article_name",
        "category": "category",
        "subcategory": "subcategory",
    },
]
DOMAINS_FILTERS = [
    {},
    {"date_range": {"type": "rolling", "months": 1}},
    {"date_range": {"type": "rolling", "months": 24}},
    {"date_range": {"type": "fixed", "start_date": "2024-07-01", "end_date": "2024-12-31"}},
    {"product_filter": {"type": "top_revenue_percent", "value": 80}},
    {"product_filter": {"type": "categories", "value": ["Shoes", "Hats"]}},
    {"product_filter": {"type": "none"}, "customer_filter": {"type": "none"}},
    {
        "date_range": {"type": "rolling", "months": 6},
        "product_filter": {"type": "top_revenue_percent", "value": 80},
        "customer_filter": {"type": "min_transactions", "value": 2},
    },
]
DOMAINS_SPLITS = [
    {"strategy": "time_based", "eval_days": 14},
    {"strategy": "random", "train_percent": 80},
]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("column_mapping", value) for value in DOMAINS_MAPPINGS),
        *(("filters", value) for value in DOMAINS_FILTERS),
        *(("split_config", value) for value in DOMAINS_SPLITS),
    ],
)
def test_settings_that_domains_schemas_allow_are_valid(key: str, value: dict) -> None:
    data = grocery(lambda dataset: dataset.update({key: value}))
    assert list(VALIDATOR.iter_errors(data)) == []
    build(read(json.dumps(data), "x.yaml"), Dataset, "dataset")
