"""Find what an erasure is about: the publications with the rows, and the datasets that copied of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.scope import Reference, Scope, Source
from dataset_assets.errors import DatasetAssetsError, Fault, PublishError, WhereError
from dataset_assets.lifecycle.recorded_columns import recorded_scope
from dataset_assets.lifecycle.row_erasers import CopiedValues, CopyEraser, FindCopies, RowEraser
from dataset_assets.ports.engine import Session
from dataset_assets.ports.erasure import EarlierPublication
from dataset_assets.ports.warehouse import PublicationQuery, Record, Warehouse
from dataset_assets.rows.erased_keys import key_query, row_key, union_of_keys
from dataset_assets.sql.build import column


@dataclass(frozen=True)
class Matching:
    """A publication with rows to erase. `condition` is None if it cannot tell which: then it goes whole."""

    publication: EarlierPublication
    condition: exp.Expr | None
    rows: int


@dataclass(frozen=True)
class DatasetPlan:
    """What is erased of one dataset; `nests` names the dataset whose values it copied."""

    dataset: str
    eraser: RowEraser
    nests: str | None = None

    def current(self, warehouse: Warehouse, session: Session) -> list[Matching]:
        """Return the current publications with such rows. Raises DatasetAssetsError if one cannot tell."""
        periods = warehouse.periods(self.dataset, session)
        found = warehouse.publications(PublicationQuery(self.dataset, periods), session)
        publications = (
            EarlierPublication(
                dataset=self.dataset,
                period=each.period,
                table_version=each.version,
                record=each.record,
                source=each.relation.source,
                pinned=True,
            )
            for each in found
        )
        return [each for publication in publications for each in self.matching(publication, session)]

    def earlier(self, warehouse: Warehouse, session: Session) -> list[Matching]:
        """Return the earlier publications that have such rows."""
        found = warehouse.earlier_publications(self.dataset, session)
        return [each for publication in found for each in self.matching(publication, session)]

    def matching(self, publication: EarlierPublication, session: Session) -> Iterator[Matching]:
        """Yield the publication if it has such rows.

        Raises DatasetAssetsError if a pinned one cannot tell.
        """
        try:
            condition = self.eraser.condition(publication.record)
        except DatasetAssetsError as error:
            if publication.pinned:
                raise _in_publication(publication, error) from None
            yield Matching(publication, None, 0)
            return
        if condition is not None:
            stored = publication.stored
            rows = _count(publication.source, condition, session)
            if rows or (stored is not None and _count(stored, condition, session)):
                yield Matching(publication, condition, rows)


def _count(rows: exp.Expr, condition: exp.Expr, session: Session) -> int:
    count = exp.alias_(exp.Count(this=exp.Star()), "n")
    [found] = session.rows(exp.select(count).from_(rows.copy()).where(condition.copy()))
    return int(found["n"])


def _in_publication(publication: EarlierPublication, error: DatasetAssetsError) -> DatasetAssetsError:
    """Return the error with the name of the publication. Nothing of a condition is shown but its columns."""
    of = f" of {publication.period}" if publication.period else ""
    where = f"{publication.dataset}{of}, table version {publication.table_version}"
    if isinstance(error, WhereError):
        return WhereError(*(replace(each, message=f"{each.message} ({where})") for each in error.faults))
    hint = "publish it anew, or unpin it, then erase again"
    return PublishError(*(Fault(f"{where}: {each.message}", hint=each.hint or hint) for each in error.faults))


@dataclass
class NestedCopies(FindCopies):
    """Finds what publications of a dataset copied of the rows of a dataset that it nests.

    `erased` are the publications of the nested dataset that have the rows; `emptied` are its columns that
    lose their values, None for all.
    """

    catalog: Catalog
    warehouse: Warehouse
    session: Session
    nested: str
    erased: Sequence[Matching]
    salt: str
    emptied: frozenset[str] | None = None
    _keys: dict[tuple[str, ...], exp.Query | None] = field(default_factory=dict)

    def __call__(self, record: Record) -> Sequence[CopiedValues]:
        """Return the columns that lookups into the nested dataset fill, and the keys of their rows."""
        scope = recorded_scope(self.catalog, self.warehouse, self.session, record)
        published = {each["name"] for each in record["columns"]}
        lookups = (each for each in scope.lookups if each.nested and each.nested.stem == self.nested)
        found = (self._copied(scope, each, published) for each in lookups)
        return [each for each in found if each]

    def _copied(self, scope: Scope, lookup: Source, published: set[str]) -> CopiedValues | None:
        copied = {
            output.name: output.reference
            for output in scope.outputs
            if output.reference and output.reference.source is lookup and output.name in published
        }
        emptied = frozenset(
            name
            for name, reference in copied.items()
            if self.emptied is None or reference.column.name in self.emptied
        )
        joined = _joined(scope, lookup, published)
        links = joined or [(name, reference.column.name) for name, reference in sorted(copied.items())]
        types = {name: each.column.type for name, each in copied.items()}
        keys = self._keys_of(tuple(there for _, there in links)) if emptied else None
        if keys is None:
            return None
        kinds = [lookup.column(there) for _, there in links]
        linked = [
            (here, kind.type if kind else types[here]) for (here, _), kind in zip(links, kinds, strict=True)
        ]
        return CopiedValues(linked, emptied, keys, self.salt)

    def _keys_of(self, names: tuple[str, ...]) -> exp.Query | None:
        """Return the keys of the erased rows over these columns, stored for the session; None without any."""
        if names not in self._keys:
            queries = [query for each in self.erased if (query := self._key_query(each, names))]
            self._keys[names] = None
            if queries:
                stored = self.session.store("erased_keys", union_of_keys(queries))
                self._keys[names] = exp.select("*").from_(stored)
        return self._keys[names]

    def _key_query(self, matching: Matching, names: tuple[str, ...]) -> exp.Query | None:
        types = {
            each["name"].lower(): (each["name"], each["type"])
            for each in matching.publication.record["columns"]
        }
        if matching.condition is None or not all(name.lower() in types for name in names):
            return None
        found = (types[name.lower()] for name in names)
        key = row_key(self.salt, [(column(name), ColumnType(kind)) for name, kind in found])
        return key_query(key, matching.publication.source, matching.condition.copy())


def _joined(scope: Scope, lookup: Source, published: set[str]) -> list[tuple[str, str]]:
    """Return the published and the nested column of each join condition; empty if one is not published."""
    outputs = {
        _place(each.reference): each.name
        for each in scope.outputs
        if each.reference and each.name in published
    }
    pairs = []
    for condition in lookup.lookup.join_conditions if lookup.lookup else ():
        here = scope.find(condition.source_column)
        name = outputs.get(_place(here)) if here else None
        if name is None:
            return []
        pairs.append((name, condition.target_column))
    return pairs


def _place(reference: Reference) -> tuple[str, str]:
    return reference.source.name, reference.column.name


def reader_plans(
    catalog: Catalog,
    warehouse: Warehouse,
    plan: DatasetPlan,
    erased: Sequence[Matching],
    salt: str,
    session: Session,
) -> Iterator[DatasetPlan]:
    """Yield a plan for each published dataset that copied of erased rows, and for those that nest it."""
    if not erased:
        return
    emptied = None
    if isinstance(plan.eraser, CopyEraser):
        emptied = frozenset(
            name
            for each in erased
            for copies in plan.eraser.find(each.publication.record)
            for name in copies.copied
        )
    entry = catalog.entries.get(plan.dataset)
    for stem, each in catalog.entries.items() if entry and entry.dataset else ():
        lookups = catalog.scope(each).lookups if each.dataset else ()
        nests = any(lookup.nested and lookup.nested.stem == plan.dataset for lookup in lookups)
        if nests and warehouse.periods(stem, session):
            copies = NestedCopies(catalog, warehouse, session, plan.dataset, erased, salt, emptied)
            reader = DatasetPlan(stem, CopyEraser(copies), plan.dataset)
            yield reader
            matching = [*reader.current(warehouse, session), *reader.earlier(warehouse, session)]
            yield from reader_plans(catalog, warehouse, reader, matching, salt, session)
