"""The response examples of the Domain specification hold field by field: keys, and types of values."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SPECIFICATION = Path(__file__).with_name("domain_examples.md").read_text()
EXAMPLES: dict[str, Any] = {
    endpoint: json.loads(example)
    for endpoint, example in re.findall(r"\*\*([A-Z]+ \S+)\*\*\n```json\n(.*?)```", SPECIFICATION, re.DOTALL)
}


def differences(example: Any, found: Any, at: str = "$") -> Iterator[str]:
    """Yield what an answer lacks of an example: a key, or a value of the example's type."""
    match example:
        case bool() | None:
            yield from () if type(found) is type(example) else [f"{at}: {found!r}"]
        case int() | float():
            numeric = isinstance(found, int | float) and not isinstance(found, bool)
            yield from () if numeric else [f"{at}: {found!r} is no number"]
        case str():
            yield from () if isinstance(found, str) else [f"{at}: {found!r} is no text"]
        case list():
            if not (isinstance(found, list) and found):
                yield f"{at}: {found!r} is no list with items"
                return
            for number, item in enumerate(found):
                yield from differences(example[0], item, f"{at}[{number}]")
        case dict():
            for key, value in example.items():
                if not isinstance(found, dict) or key not in found:
                    yield f"{at}.{key} is missing"
                else:
                    yield from differences(value, found[key], f"{at}.{key}")


def renamed(example: Any, names: dict[str, str]) -> Any:
    """Return an example with the columns of the shop instead of the specification's."""
    if isinstance(example, dict):
        return {names.get(key, key): renamed(value, names) for key, value in example.items()}
    return example


def test_the_specification_has_three_examples():
    assert list(EXAMPLES) == [
        "GET /api/models/{model_id}/tables/",
        "GET /api/tables/{table_name}/stats/",
        "POST /api/datasets/{dataset_id}/analyze/",
    ]


@pytest.mark.parametrize(
    ("endpoint", "address", "names"),
    [
        ("GET /api/models/{model_id}/tables/", "/api/models/recommender/tables/", {}),
        (
            "GET /api/tables/{table_name}/stats/",
            "/api/tables/transactions/stats/",
            {"net_amount": "sales_value", "trans_date": "transaction_timestamp"},
        ),
        ("POST /api/datasets/{dataset_id}/analyze/", "/api/datasets/sales/analyze/", {}),
    ],
)
def test_an_example_holds(client, endpoint, address, names):
    example = renamed(EXAMPLES[endpoint], names)
    if "stats" in endpoint:  # the shop's customers are numbers; towns are texts
        customers = example["data"]["columns"].pop("customer_code")
        towns = client.get("/api/tables/households/stats/").json()["data"]["columns"]["town"]
        assert [*differences(customers, towns)] == []
    body = {"partition": "2017-03"} if "analyze" in endpoint else None
    found = client.request(endpoint.partition(" ")[0], address, json=body).json()
    assert [*differences(example, found)] == []


def test_a_difference_is_found():
    example = EXAMPLES["POST /api/datasets/{dataset_id}/analyze/"]
    broken = json.loads(json.dumps(example))
    broken["data"]["column_stats"]["revenue"]["min"] = "0.5"
    del broken["data"]["date_range"]["end"]
    assert len([*differences(example, broken)]) == 2
