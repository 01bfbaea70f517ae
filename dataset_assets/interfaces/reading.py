"""Published rows for Python: `read_arrow` and `read_pandas`.

from dataset_assets.interfaces.reading import read_pandas

train = read_pandas("grocery_recommender", partition="2017-12", split="train")
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Entry
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Datasets, Scope
from dataset_assets.errors import Fault, PeriodError, ResolveError, raise_all
from dataset_assets.interfaces.frames import Decimals, check_decimals, frame_of
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.warehouse import Publication, PublicationQuery, no_such_version
from dataset_assets.selection.splits import NAMES
from dataset_assets.sql.build import alias_table, column, number
from dataset_assets.text.wording import listed, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Generator

    import pandas as pd
    import pyarrow as pa

ROW_ID, SPLIT = "_row_id", "split"
_STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""What may be the name of a published table, so that a warehouse can be asked for it."""


def read_arrow(
    name: str,
    *,
    partition: str | None = None,
    version: int | None = None,
    split: str | None = None,
    columns: Sequence[str] | None = None,
    limit: int | None = None,
    with_system: bool = False,
    target: str | None = None,
    definitions: Path | None = None,
) -> "pa.Table":
    """The published rows of a dataset, in the order of their `_row_id`.

    `name` is a stem or an id. Without `partition` all Periods are read, one after another. `version` is the
    warehouse table's (time travel), `split` one of train, eval and test. Columns that begin with `_` are
    left out unless they are named, or `with_system` is set. Target and definitions folder are those of the
    environment. Raises DatasetAssetsError for what is not there. Sensitive columns are read like all others.
    """
    import pyarrow as pa  # noqa: PLC0415 - heavy

    wanted = Wanted(name, partition, version, split, tuple(columns or ()), limit, with_system)
    with opened(Workspace.of(target, definitions), wanted) as rows:
        return pa.concat_tables(rows.tables())


def read_pandas(name: str, *, decimals: Decimals = "decimal", **options: Any) -> "pd.DataFrame":
    """Return what `read_arrow` returns as a DataFrame in which no value differs from the published one.

    Integers and booleans are `Int64` and `boolean` where there are NULLs, dates are `datetime.date`, times
    are `datetime64[us, UTC]`, labels are dicts (BR-119). `decimals="decimal"` keeps each digit as
    `decimal.Decimal`; "float" gives the nearest float64, and NaN for NULL. Raises as `read_arrow` does.
    """
    check_decimals(decimals)
    return frame_of(read_arrow(name, **options), decimals)


@dataclass(frozen=True)
class Wanted:
    """Which published rows, and which of their columns. See `read_arrow`."""

    name: str
    partition: str | None = None
    version: int | None = None
    split: str | None = None
    columns: tuple[str, ...] = ()
    limit: int | None = None
    with_system: bool = False


@dataclass(frozen=True)
class Rows:
    """Published rows that can be read while their session is open. `sensitive` are columns to be masked."""

    session: Session
    publications: tuple[Publication, ...]
    columns: tuple[str, ...]
    sensitive: frozenset[str]
    split: int | None
    limit: int | None

    @property
    def total(self) -> int:
        """How many rows there are without the limit."""
        records = [publication.record for publication in self.publications]
        if self.split is None:
            return sum(record["counts"]["rows"] for record in records)
        return sum(record["statistics"]["splits"].get(NAMES[self.split], 0) for record in records)

    def tables(self) -> "Iterator[pa.Table]":
        """One Arrow table a Period, so that no more than one has to be in memory; at least one."""
        left = self.limit
        for publication in self.publications:
            table = self.session.arrow(self._query(publication, left))
            yield table
            left = None if left is None else left - table.num_rows
            if left == 0:
                return

    def _query(self, publication: Publication, limit: int | None) -> exp.Query:
        source = alias_table(publication.relation.source, "published")
        query = exp.select(*(column(name) for name in self.columns)).from_(source)
        if self.split is not None:
            query = query.where(exp.EQ(this=column(SPLIT), expression=number(self.split)))
        query = query.order_by(column(ROW_ID))
        return query if limit is None else query.limit(limit)


@contextmanager
def opened(workspace: Workspace, wanted: Wanted) -> "Generator[Rows]":
    """Finds the publications. Raises DatasetAssetsError for anything that is not there."""
    entry, target = workspace.catalog_if_any.named(wanted.name), workspace.target
    stem = entry.stem if entry else wanted.name
    if entry is None and not _STEM.fullmatch(stem):
        workspace.catalog.entry(stem)
    with target.engine.connect(JobContext(stem)) as session:
        found = _publications(workspace, entry, wanted, session)
        columns, split = _columns(found[-1], wanted), _split(found[-1], wanted.split)
        sensitive = _sensitive(entry, found, workspace.catalog_if_any.find)
        yield Rows(session, found, columns, sensitive.intersection(columns), split, wanted.limit)


def _publications(
    workspace: Workspace, entry: Entry | None, wanted: Wanted, session: Session
) -> tuple[Publication, ...]:
    """All of one version of the table: what is published meanwhile is not mixed in.

    A dataset that no file of the definitions folder defines, such as a component's, is known by what is
    published of it.
    """
    warehouse, stem = workspace.target.warehouse, entry.stem if entry else wanted.name
    newest = warehouse.version(stem, session)
    if newest is None and entry is None:
        workspace.catalog.entry(wanted.name)
    if newest is not None and wanted.version is not None and not 0 <= wanted.version <= newest:
        raise ResolveError(no_such_version(stem, wanted.version, newest))
    version = newest if wanted.version is None else wanted.version
    published = warehouse.periods(stem, session)
    periods = _periods(workspace, entry, stem, wanted.partition, published)
    query = PublicationQuery(stem, periods, version)
    found = tuple(warehouse.publications(query, session)) if newest is not None else ()
    if not found:
        raise ResolveError(_not_published(stem, wanted, published))
    return found


def _not_published(stem: str, wanted: Wanted, published: Sequence[str | None]) -> Fault:
    what = f"{stem} of {wanted.partition}" if wanted.partition else stem
    then = f" in version {wanted.version}" if wanted.version is not None else ""
    known = [period for period in published if period]
    command = f"dataset-assets materialize {stem}"
    command += f" --partition {wanted.partition}" if wanted.partition else ""
    hint = f"published are: {listed(known, 12)}" if known else f"run `{command}`"
    return Fault(f"{what} is not published{then}", hint=hint)


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
    schedule = schedule_of(workspace.catalog, entry) if entry else None
    if schedule is None and (entry or None in published):
        message = f"{stem} is not published by Period"
        raise PeriodError(Fault(message, hint="leave out the partition"))
    return [schedule.cadence.parse(partition).id] if schedule else []


def _columns(publication: Publication, wanted: Wanted) -> tuple[str, ...]:
    there = [each.name for each in publication.relation.columns]
    declared = [each["name"] for each in publication.record["columns"]]
    users = sorted((each for each in there if not each.startswith("_")), key=_place(declared))
    system = [each for each in there if each.startswith("_")]
    if not wanted.columns:
        return (*users, *(system if wanted.with_system else ()))
    raise_all(ResolveError, (_unknown(name, there) for name in wanted.columns if name not in there))
    named = tuple(dict.fromkeys(wanted.columns))
    return (*named, *(each for each in system if wanted.with_system and each not in named))


def _place(names: Sequence[str]) -> Any:
    """Sorts by the place in `names`, what is not among them to the end."""
    places = {name: place for place, name in enumerate(names)}
    return lambda name: places.get(name, len(places))


def _unknown(name: str, there: Sequence[str]) -> Fault:
    meant = nearest(name, there)
    listed = ", ".join(each for each in there if not each.startswith("_"))
    hint = f"did you mean {meant!r}?" if meant else f"it has: {listed}"
    return Fault(f"there is no published column {shown(name)}", hint=hint)


def _split(publication: Publication, name: str | None) -> int | None:
    if name is None:
        return None
    config = Dataset.model_validate(publication.record["definition"]).split_config
    there = {NAMES[value]: value for value in config.values} if config else {}  # noqa: PD011 - a split's
    if name not in there:
        hint = f"it has {', '.join(there)}" if there else "it is not split"
        raise ResolveError(Fault(f"{publication.dataset} has no split {shown(name)}", hint=hint))
    return there[name]


def _sensitive(entry: Entry | None, found: Sequence[Publication], datasets: Datasets) -> frozenset[str]:
    """Columns that any definition says are sensitive, today's or one of then, and those that none knows."""
    then = (Dataset.model_validate(each.record["definition"]) for each in found)
    known: dict[str, bool] = {}
    for dataset in (*then, *((entry.dataset,) if entry and entry.dataset else ())):
        for output in Scope(dataset, datasets).outputs:
            name = output.name.lower()
            known[name] = output.definition.sensitive or known.get(name, False)
    there = {each.name for publication in found for each in publication.relation.columns}
    return frozenset(name for name in there if known.get(name.lower(), not name.startswith("_")))
