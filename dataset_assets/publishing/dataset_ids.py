"""A dataset is known by its id, its table by the name of its file: what is wrong where the two part."""

from collections.abc import Iterable

from dataset_assets.catalog.catalog import Entry
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import Fault
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.text.wording import listed

_MOST = 5


def another_id(dataset: Dataset, record: Record | None) -> Iterable[Fault]:
    """A fault for a publication that a dataset with another id made, if it is one.

    Rows keep the id of their dataset: one with another id may not take over what is published.
    """
    known = record.get("dataset_id") if record else None
    if known and dataset.id and str(dataset.id) != known:
        message = f"is {dataset.id}, but what is published was made by the dataset {known}"
        hint = "restore the id; for a dataset of its own give the file another name"
        yield Fault(message, "dataset.id", hint)


def renamed(entry: Entry, warehouse: Warehouse, session: Session) -> str:
    """One sentence for a dataset that is published under another name, and not under its own; else empty.

    The tables of other names are looked at only where nothing is published under its own.
    """
    known = entry.dataset.id if entry.dataset and entry.dataset.id else entry.lock.id
    if known is None or warehouse.version(entry.stem, session) is not None:
        return ""
    names = [f"`{name}`" for name in warehouse.published_by(str(known), session) if name != entry.stem]
    if not names:
        return ""
    many = len(names) > 1
    stays = f"th{'ose tables stay' if many else 'at table stays'} as {'they are' if many else 'it is'}"
    hint = f"rename the file back, or delete the old table{'s' * many}"
    return (
        f"`{entry.stem}` was published as {listed(names, _MOST)} before its file was renamed; {stays}; {hint}"
    )


def renamed_in(target: Target, entry: Entry) -> str:
    """The same, in a session of its own."""
    with target.engine.connect(JobContext(entry.stem)) as session:
        return renamed(entry, target.warehouse, session)
