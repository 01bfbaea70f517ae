"""Find the publications that somebody wants to read."""

from collections.abc import Sequence
from datetime import UTC, datetime

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Entry, PublishedName
from dataset_assets.errors import Fault, PeriodError, ResolveError
from dataset_assets.interfaces.row_selection import RowSelection
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Publication, PublicationQuery, no_such_version
from dataset_assets.publishing.loaded_periods import loads_of
from dataset_assets.publishing.runtime_output import is_joined_at_runtime, with_lookups
from dataset_assets.text.wording import listed


def selected_publications(
    workspace: Workspace, published_name: PublishedName | None, selection: RowSelection, session: Session
) -> tuple[Publication, ...]:
    """Return the selected publications, all of the same version of the table, as they are read.

    An output whose lookups are joined when it is read has their columns (BR-009).
    A dataset that no file of the definitions folder defines, such as a component's, is found by the name of
    its published table. Raises ResolveError if nothing is published.
    """
    warehouse, entry = workspace.target.warehouse, published_name.entry if published_name else None
    stem = published_name.stem if published_name else selection.name
    newest = warehouse.version(stem, session)
    if newest is None and entry is None:
        workspace.catalog.entry(selection.name)
    if newest is not None and selection.version is not None and not 0 <= selection.version <= newest:
        raise ResolveError(no_such_version(stem, selection.version, newest))
    version = newest if selection.version is None else selection.version
    published = warehouse.periods(stem, session)
    periods = _periods(workspace, entry, stem, selection.partition, published)
    query = PublicationQuery(stem, periods, version)
    publications = tuple(warehouse.publications(query, session)) if newest is not None else ()
    if not publications:
        raise ResolveError(_not_published(stem, selection, published))
    if selection.partition and publications[0].period is None and not loads_of(publications[0].record):
        raise _not_by_period(stem)
    return tuple(_with_lookups(workspace, each, session) for each in publications)


def _with_lookups(workspace: Workspace, publication: Publication, session: Session) -> Publication:
    """Return a publication with the lookups that are joined when it is read (BR-009)."""
    if not is_joined_at_runtime(publication.record):
        return publication
    now = datetime.now(UTC)
    return with_lookups(publication, workspace.catalog, workspace.target, session, now)


def _not_published(stem: str, selection: RowSelection, published: Sequence[str | None]) -> Fault:
    publication = f"{stem} of {selection.partition}" if selection.partition else stem
    version = f" in version {selection.version}" if selection.version is not None else ""
    periods = [period for period in published if period]
    command = f"dataset-assets materialize {stem}"
    command += f" --partition {selection.partition}" if selection.partition else ""
    hint = f"published are: {listed(periods, 12)}" if periods else f"run `{command}`"
    return Fault(f"{publication} is not published{version}", hint=hint)


def _periods(
    workspace: Workspace,
    entry: Entry | None,
    stem: str,
    partition: str | None,
    published: Sequence[str | None],
) -> Sequence[str | None]:
    if partition is None:
        return published
    if partition in published:
        return [partition]
    if None in published and (entry is None or (entry.dataset and entry.dataset.main_table.bitemporal)):
        return [None]  # all Periods of a bitemporal table are one publication
    schedule = schedule_of(workspace.catalog, entry) if entry else None
    if schedule is None and entry:
        raise _not_by_period(stem)
    return [schedule.cadence.parse(partition).id] if schedule else []


def _not_by_period(stem: str) -> PeriodError:
    return PeriodError(Fault(f"{stem} is not published by Period", hint="leave out the partition"))
