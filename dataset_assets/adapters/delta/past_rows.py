"""Read publications of earlier table versions by the table's history, when its log may lack them."""

from collections.abc import Iterator
from pathlib import Path

from deltalake import Schema

from dataset_assets.adapters.delta.history import History, PastPublication
from dataset_assets.adapters.delta.log import rows_of_files
from dataset_assets.adapters.delta.periods import PERIOD, constants
from dataset_assets.adapters.parquet.relation import DataFile, FileRows
from dataset_assets.errors import Fault, ResolveError, raise_all
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.retention import expired_fault
from dataset_assets.ports.warehouse import Publication, PublicationQuery
from dataset_assets.text.digest import digest


def past_publications(history: History, query: PublicationQuery, session: Session) -> list[Publication]:
    """Return the publications that a table version of the history has.

    Raises ResolveError with one fault for each publication whose rows are gone.
    """
    assert query.version is not None  # noqa: S101 - the newest version is read from the log
    visible = list(history.visible(query.version, query.periods))
    raise_all(ResolveError, _gone(history, visible))
    return [_publication(history, each, query, session) for each in visible]


def _gone(history: History, visible: list[PastPublication]) -> Iterator[Fault]:
    for each in visible:
        expired = history.expired(each)
        if expired:
            yield expired_fault(expired)
        elif not history.data_path(each).exists():
            message = f"the rows of version {each.version} of {history.folder.path.name!r} are lost"
            yield Fault(message, hint=f"another tool removed {each.path}")


def _publication(
    history: History, each: PastPublication, query: PublicationQuery, session: Session
) -> Publication:
    rows = past_rows(history, each, session)
    relation = Relation(rows.source, rows.columns, digest([Path(each.path).as_posix()]), each.rows)
    return Publication(query.dataset, each.period, query.version or 0, history.record(each), relation)


def past_rows(history: History, each: PastPublication, session: Session) -> FileRows:
    """Return the rows of a publication of the history."""
    values = constants(each.period)
    files = [DataFile(history.data_path(each), values)]
    return rows_of_files(Schema.from_json(history.schema(each)), [PERIOD] * bool(values), files, session)
