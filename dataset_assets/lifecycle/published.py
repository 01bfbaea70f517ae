"""The tables in a warehouse that a dataset has published, which no change of its file touches."""

from collections.abc import Iterator

from dataset_assets.model import Model
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.target import Target


class PublishedTable(Model):
    """A published table: the name that the dataset had then, and where its rows are."""

    name: str
    location: str


def published_tables(target: Target | None, dataset_id: str | None) -> tuple[PublishedTable, ...]:
    """Return the tables that the dataset with this id has published in the target; none without a target."""
    if target is None or dataset_id is None:
        return ()
    return tuple(_tables(target, dataset_id))


def _tables(target: Target, dataset_id: str) -> Iterator[PublishedTable]:
    warehouse = target.warehouse
    with target.engine.connect(JobContext("datasets")) as session:
        for name in warehouse.published_by(dataset_id, session):
            yield PublishedTable(name=name, location=warehouse.location(name))
