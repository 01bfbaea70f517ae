"""Selected rows of publications at one version of their table, which later sessions read unchanged."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from sqlglot import exp

from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.cached_property import cached_property
from dataset_assets.errors import Fault, UnsupportedError
from dataset_assets.interfaces.reading import PublishedRows, open_rows, published_if_any, select_rows
from dataset_assets.interfaces.row_selection import (
    RowSelection,
    check_all_are_split,
    split_names,
    unsplit_periods,
)
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.publishing.runtime_output import is_joined_at_runtime
from dataset_assets.rows.epoch_order import ROW_ID, EpochOrder
from dataset_assets.sql.build import column

if TYPE_CHECKING:
    import pyarrow as pa

_T = TypeVar("_T")
ALL = "all"
"""The name of the only publication of an unpartitioned dataset in a state."""


@dataclass(frozen=True)
class PinnedRows:
    """The selected rows, as one query for each publication that any session of the target can run.

    `versions` has the version of the rows of each Period: it differs after each change of them, be it of
    labels alone. `order` are the columns that order the rows of a publication before their ids.
    """

    dataset: str
    table_version: int
    versions: Mapping[str, str]
    columns: tuple[str, ...]
    order: tuple[str, ...]
    queries: tuple[exp.Query, ...]
    splits: tuple[str, ...] = ()
    """The names of all splits of the publications."""
    unsplit: tuple[str, ...] = ()
    """The Periods whose rows are not split."""
    sensitive: frozenset[str] = frozenset()
    """The sensitive columns among `columns` (BR-206)."""

    @property
    def periods(self) -> tuple[str | None, ...]:
        """The Periods of the publications in order; None for that of an unpartitioned dataset."""
        return tuple(None if each == ALL else each for each in self.versions)


@dataclass(frozen=True)
class PinnedReading:
    """Opens sessions that read pinned rows. It can be pickled, and opens nothing before `open` is called."""

    settings: Settings
    target_name: str | None
    selection: RowSelection
    rows: PinnedRows
    schema: "pa.Schema"
    """The names and types of the columns."""

    @classmethod
    def of(cls, workspace: Workspace, selection: RowSelection) -> "PinnedReading":
        """Find the publications that are selected now, and pin their version.

        Raises DatasetAssetsError as `open_rows` does, and UnsupportedError for rows that are joined with
        lookups when they are read.
        """
        with open_rows(workspace, selection) as rows:
            pinned = _pinned(rows)
            schema = rows.session.arrow(EpochOrder(pinned.queries, pinned.columns).no_rows()).schema
        selection = replace(selection, version=pinned.table_version)
        return cls(workspace.settings, workspace.target_name, selection, pinned, schema)

    def by_split(self) -> "dict[str, PinnedReading]":
        """Return the reading of each split by its name; none if one is selected, or the rows are not split.

        Raises ResolveError if the rows of some Periods belong to no split.
        """
        if self.selection.split:
            return {}
        check_all_are_split(self.rows.dataset, self.rows.splits, self.rows.unsplit)
        return {
            split: self.of(self.workspace, replace(self.selection, split=split)) for split in self.rows.splits
        }

    def of_columns(self, columns: Iterable[str]) -> "PinnedReading":
        """Return the reading of the same rows with some of their columns."""
        return self.of(self.workspace, replace(self.selection, columns=tuple(columns)))

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace, which each process opens itself."""
        return Workspace(self.settings, self.target_name)

    def __getstate__(self) -> dict[str, object]:
        """Leave out the workspace, whose engine belongs to this process."""
        return {name: value for name, value in vars(self).items() if name != "workspace"}

    @contextmanager
    def open(self) -> "Generator[PinnedSession]":
        """Open a session of this process."""
        with self.workspace.target.engine.connect(JobContext(self.rows.dataset)) as session:
            yield PinnedSession(self, session)


@dataclass(frozen=True)
class PinnedSession:
    """An open session that reads pinned rows."""

    reading: PinnedReading
    session: Session

    def run(
        self, queries_of: Callable[[PinnedRows], Sequence[exp.Query]], run: Callable[[exp.Query], _T]
    ) -> list[_T]:
        """Run the queries that `queries_of` makes of the pinned rows, and return the results of `run`.

        Where a later publication replaces rows in place, the queries name the rows as they are found now:
        current rows, or earlier ones by time travel. If they were replaced meanwhile, all run again.
        """
        rows = self._rows()
        while True:
            results = [run(query) for query in queries_of(rows)]
            found = self._rows()
            if found.queries == rows.queries:
                return results
            rows = found

    def _rows(self) -> PinnedRows:
        """Return the rows as a query finds them now."""
        reading = self.reading
        if reading.workspace.target.warehouse.keeps_rows:
            return reading.rows
        published = published_if_any(reading.workspace, reading.selection.name)
        return _pinned(select_rows(reading.workspace, published, reading.selection, self.session))


def _pinned(rows: PublishedRows) -> PinnedRows:
    publications = rows.publications
    if any(is_joined_at_runtime(each.record) for each in publications):
        message = (
            f"{publications[0].dataset} is joined with its lookups when it is read, so epochs can differ"
        )
        raise UnsupportedError(Fault(message, hint="publish the output with `joins: flattened`"))
    order = rows.bitemporal.order if rows.bitemporal else ()
    carried = dict.fromkeys((*rows.columns, *order, ROW_ID))
    return PinnedRows(
        dataset=publications[0].dataset,
        table_version=max(each.version for each in publications),
        versions={each.period or ALL: each.relation.version for each in publications},
        columns=rows.columns,
        order=order,
        queries=tuple(rows.query(each, *map(column, carried)) for each in publications),
        splits=split_names(publications),
        unsplit=unsplit_periods(publications),
        sensitive=rows.sensitive,
    )
