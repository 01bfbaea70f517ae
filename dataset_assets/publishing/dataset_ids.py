"""Compare a dataset's id with that of the published table.

A renamed file is reported; the table of another dataset is never replaced.
"""

from collections.abc import Iterable, Sequence

from dataset_assets.catalog.catalog import Entry
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import Fault
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.text.wording import listed

_MOST_NAMES = 5


def id_conflict(dataset: Dataset, record: Record | None) -> Iterable[Fault]:
    """Yield a fault if the record is of a publication by a dataset with another id.

    Rows keep the id of their dataset, so a dataset with another id may not replace them.
    """
    published_id = record.get("dataset_id") if record else None
    if published_id and dataset.id and str(dataset.id) != published_id:
        message = f"is {dataset.id}, but what is published was made by the dataset {published_id}"
        hint = "restore the id; for a dataset of its own give the file another name"
        yield Fault(message, "dataset.id", hint)


def rename_notice(entry: Entry, warehouse: Warehouse, session: Session) -> str:
    """Return one sentence if the dataset is published under other names only; else empty text.

    Tables of other names are searched only if no table of its own name exists.
    """
    dataset_id = entry.dataset.id if entry.dataset and entry.dataset.id else entry.lock.id
    if dataset_id is None or warehouse.version(entry.stem, session) is not None:
        return ""
    names = [f"`{name}`" for name in warehouse.published_by(str(dataset_id), session) if name != entry.stem]
    if not names:
        return ""
    several = len(names) > 1
    stays = f"th{'ose tables stay' if several else 'at table stays'} as {'they are' if several else 'it is'}"
    hint = f"rename the file back, or delete the old table{'s' * several}"
    published = f"`{entry.stem}` was published as {listed(names, _MOST_NAMES)} before its file was renamed"
    return f"{published}; {stays}; {hint}"


def rename_notices(target: Target, entries: Sequence[Entry]) -> list[str]:
    """Return what `rename_notice` says of datasets, read in one new session of the target's engine."""
    if not entries:
        return []
    with target.engine.connect(JobContext(entries[0].stem)) as session:
        notices = (rename_notice(entry, target.warehouse, session) for entry in entries)
        return [notice for notice in notices if notice]
