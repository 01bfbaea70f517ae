"""Find the published rows that one side of a comparison names: of a Period or all, of a table version."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import PublishedName
from dataset_assets.errors import Fault, NotStoredError, ResolveError
from dataset_assets.lifecycle.history import unknown_period
from dataset_assets.model import Instant, Model
from dataset_assets.ports.engine import Session
from dataset_assets.ports.record_marks import LOADED_PERIODS
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Publication, PublicationQuery, no_such_version
from dataset_assets.publishing.loaded_periods import visible_row_count
from dataset_assets.text.wording import shown

_REFERENCE = re.compile(r"(?P<period>[^@]*)(?:@(?P<version>[0-9]{1,9}))?")
_VERSION = re.compile(r"[0-9]{1,9}")


class ComparedSide(Model):
    """One side of a comparison. `period` is None for all Periods, or an unpartitioned dataset.

    `table_version` is the version of the warehouse's table. `published_at` is that of the last publication.
    `row_count` counts the compared rows. Of a bitemporal table these are the rows of all loads, of which
    `known_now` are what the last load says; that is None for other tables.
    """

    dataset: str
    target: str
    period: str | None
    table_version: int
    published_at: Instant
    row_count: int
    known_now: int | None = None


@dataclass(frozen=True)
class RowReference:
    """Which rows a text names: `PERIOD`, `PERIOD@VERSION`, `@VERSION`, or all that is published if empty.

    A number alone is a version, unless it is a Period.
    """

    period: str | None = None
    version: int | None = None

    @classmethod
    def of(cls, written: str, published: Sequence[str | None]) -> "RowReference":
        """Return what a text names. Raises ResolveError if it has no such form."""
        if _VERSION.fullmatch(written) and written not in published:
            return cls(None, int(written))
        match = _REFERENCE.fullmatch(written)
        if match is None:
            hint = (
                "write it as PERIOD, PERIOD@VERSION or @VERSION, with a version that `read --version` takes"
            )
            raise ResolveError(Fault(f"{shown(written)} names no publication", hint=hint))
        return cls(match["period"] or None, int(match["version"]) if match["version"] else None)


@dataclass(frozen=True)
class Side:
    """The publications of one side, in the order of time, and the session that can read them."""

    published: PublishedName
    target: Target
    session: Session
    reference: RowReference
    publications: tuple[Publication, ...]

    @property
    def last(self) -> Publication:
        """The publication of the last Period."""
        return self.publications[-1]

    @property
    def by_period(self) -> bool:
        """Whether these are the rows of all Periods of a partitioned dataset."""
        return self.reference.period is None and self.last.period is not None

    @cached_property
    def types(self) -> Mapping[str, str]:
        """The published columns without system columns: name to type."""
        stored = {each.name for each in self.last.relation.columns}
        return {each["name"]: each["type"] for each in self.last.record["columns"] if each["name"] in stored}

    @property
    def is_bitemporal(self) -> bool:
        """Whether these are rows of a bitemporal table: a key has several, at different times."""
        return LOADED_PERIODS in self.last.record

    @property
    def never_null(self) -> frozenset[str]:
        """The columns, in lower case, that no publication of this side declares nullable."""
        declared = [
            {each["name"].lower() for each in publication.record["columns"] if not each["nullable"]}
            for publication in self.publications
        ]
        return frozenset.intersection(*map(frozenset, declared))

    @property
    def key(self) -> tuple[str, ...]:
        """The natural key of the last publication; empty without one."""
        return tuple(self.last.record["definition"].get("natural_key_columns", ()))

    @property
    def row_count(self) -> int:
        """The number of rows."""
        return sum(visible_row_count(each.record) for each in self.publications)

    @property
    def described(self) -> ComparedSide:
        """The side as an answer shows it."""
        return ComparedSide(
            dataset=self.last.dataset,
            target=self.target.name,
            period=self.reference.period,
            table_version=max(each.version for each in self.publications),
            published_at=max(each.record["published_at"] for each in self.publications),
            row_count=self.row_count,
            known_now=self.last.record["counts"]["rows"] if self.is_bitemporal else None,
        )


def find_side(
    table: PublishedName, target: Target, session: Session, written: str, *, earlier: bool = False
) -> Side:
    """Return the publications that a text names; with `earlier`, those of the version before the newest.

    Raises ResolveError if there are none.
    """
    warehouse, stem = target.warehouse, table.stem
    newest, published = warehouse.version(stem, session), warehouse.periods(stem, session)
    if newest is None or not published:
        hint = f"run `dataset-assets materialize {stem}`"
        raise NotStoredError(Fault(f"{stem} is not published in {target.name!r}", hint=hint))
    reference = RowReference.of(written, published)
    if earlier and newest == 0:
        hint = "name what it is compared with: --from, --with or --to-target"
        raise NotStoredError(Fault(f"{stem} was published once only", hint=hint))
    if earlier:
        reference = RowReference(None, newest - 1)
    if reference.version is not None and reference.version > newest:
        raise NotStoredError(no_such_version(stem, reference.version, newest))
    if reference.period is not None and reference.period not in published:
        if published == [None]:
            raise NotStoredError(_one_publication(table, reference.period, newest))
        raise unknown_period(reference.period, published)
    periods = published if reference.period is None else [reference.period]
    query = PublicationQuery(stem, periods, newest if reference.version is None else reference.version)
    publications = tuple(warehouse.publications(query, session))
    if not publications:
        version = f" in version {reference.version}" if reference.version is not None else ""
        raise NotStoredError(Fault(f"{stem} {reference.period or ''} was not published{version}".strip()))
    return Side(table, target, session, reference, publications)


def _one_publication(table: PublishedName, period: str, newest: int) -> Fault:
    """Return the fault that a Period of a dataset that is one publication cannot be compared."""
    message = f"{table.stem} is one publication, without {shown(period)}"
    hint = f"name a version of it, from @0 to @{newest}"
    dataset = table.entry.dataset
    if dataset and dataset.main_table.bitemporal:
        hint += f"; `read {table.stem} --known-in {period}` gives what was known in a Period"
    return Fault(message, hint=hint)
