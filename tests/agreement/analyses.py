"""Compare an analysis with the publication that is made after it."""

from dataset_assets.discovery.analysis import Analysis
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.publishing.materialize import Materialization
from dataset_assets.publishing.prepared_run import Request


def choice(asked: Request) -> AsOfChoice:
    """Return the as-of that a request looks back from."""
    return AsOfChoice(asked.looks_back_from.instant, asked.period)


def assert_equal(found: Analysis, made: Materialization) -> None:
    """Compare every figure of an analysis with the publication."""
    assert found.row_count_estimate == made.counts.rows
    assert {name: each.rows for name, each in found.splits.items() if each.rows} == dict(made.split_sizes)
    assert dict(found.column_stats) == made.statistics.columns
    assert found.date_range == made.statistics.date_range()
    checks = {each.name: (each.passed, each.message, dict(each.metadata)) for each in made.checks}
    for each in found.checks:
        assert checks[each.name] == (each.passed, each.message, each.metadata)
    last = found.steps[-1]
    assert last.rows == made.counts.rows
    for name, concept in (("users", "user_id"), ("products", "product_id")):
        mapped = made.statistics.columns.get(concept)
        count = found.unique_users_estimate if name == "users" else found.unique_products_estimate
        if getattr(last, name) is not None and mapped is not None:
            assert getattr(last, name) == count == mapped.cardinality
