"""Find the values that publications copied of erased rows of a dataset that they nest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp
from typing_extensions import override

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.model import ColumnType, DatasetTarget
from dataset_assets.contract.scope import Reference, Scope, Source
from dataset_assets.errors import Fault, PublishError
from dataset_assets.lifecycle.erasure_plan import Matching
from dataset_assets.lifecycle.row_erasers import CopiedValues, FindCopies
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.publishing.recorded_columns import NESTED, recorded_scope
from dataset_assets.rows.erased_keys import key_query, row_key, stored_union
from dataset_assets.sql.build import column


@dataclass(frozen=True)
class NestedTable:
    """The table of a dataset that others nest, and the id of the dataset; None if it has none."""

    name: str
    dataset_id: str | None


@dataclass(frozen=True)
class _ReadLookup:
    """A lookup of a publication into the nested dataset. `published` are the publication's columns.

    `copied_of` is the digest of the nested publication that was read, None if it is not known to have erased
    rows. Of the nested columns those in `only` lose values, None for all.
    """

    scope: Scope
    lookup: Source
    published: set[str]
    copied_of: str | None
    only: frozenset[str] | None

    @cached_property
    def copied(self) -> Mapping[str, Reference]:
        """The published columns that the lookup fills, with the nested column of each."""
        return {
            output.name: output.reference
            for output in self.scope.outputs
            if output.reference and output.reference.source is self.lookup and output.name in self.published
        }

    @property
    def emptied(self) -> frozenset[str]:
        """The published columns that lose values."""
        return frozenset(
            name for name, each in self.copied.items() if self.only is None or each.column.name in self.only
        )

    @cached_property
    def joined(self) -> list[tuple[str, str]]:
        """The published and the nested column of each join condition; empty if one is not published."""
        return _joined(self.scope, self.lookup, self.published)

    def type_of(self, here: str, there: str) -> ColumnType:
        """Return the type of a nested column; of one that is gone that of the published column."""
        column = self.lookup.column(there)
        return column.type if column else self.copied[here].column.type


@dataclass
class NestedCopies(FindCopies):
    """Finds what publications of a dataset copied of the rows of a dataset that it nests.

    `erased` are the publications of the nested dataset that have the rows; `emptied` are its columns that
    lose their values, None for all.
    """

    catalog: Catalog
    warehouse: Warehouse
    session: Session
    nested: NestedTable
    erased: Sequence[Matching]
    salt: str
    emptied: frozenset[str] | None = None
    _keys: dict[tuple[object, ...], exp.Query | None] = field(default_factory=dict)

    @override
    def __call__(self, record: Record) -> Sequence[CopiedValues]:
        return [
            copies
            for each in self._lookups(record)
            if each.emptied
            for links, names in self._groups(each)
            if (copies := self._values(each, links, names, self._keys_of(each, links)))
        ]

    @override
    def shared(self, record: Record) -> Sequence[CopiedValues]:
        return [
            copies
            for each in self._lookups(record)
            if each.emptied and not each.joined
            for links, names in self._groups(each)
            if (copies := self._values(each, links, names, self._keys_of(each, links, shared=True)))
        ]

    @override
    def columns(self, record: Record) -> frozenset[str]:
        return frozenset(name for each in self._lookups(record) for name in each.emptied)

    def _lookups(self, record: Record) -> list["_ReadLookup"]:
        """Return the lookups of a publication into the nested dataset.

        Raises PublishError if the publication read the dataset and no file says which columns these are.
        """
        scope = recorded_scope(self.catalog, self.warehouse, record, self.session)
        published = {each["name"] for each in record["columns"]}
        lookups = [each for each in scope.lookups if _dataset_id(each) == self.nested.dataset_id]
        read = record["sources"].get(f"{NESTED}{self.nested.name}")
        if read is not None and not lookups:
            message = f"it has values of {self.nested.name}, whose file is gone or has faults"
            raise PublishError(Fault(message, hint=f"restore the file of {self.nested.name}"))
        known = {each.publication.record["digest"] for each in self.erased}
        copied_of = read if read in known else None
        return [_ReadLookup(scope, each, published, copied_of, self.emptied) for each in lookups]

    def _groups(self, lookup: "_ReadLookup") -> list[tuple[list[tuple[str, str]], frozenset[str]]]:
        """Return by which columns which copied values are known, as pairs of a published and a nested column.

        If the publication that was read is not known, a value is known by its link and itself. If the dataset
        does not publish what it is joined by, values are known by themselves, unless others have them.
        """
        values = {name: (name, each.column.name) for name, each in sorted(lookup.copied.items())}
        if not lookup.joined:
            return [(list(values.values()), lookup.emptied)]
        if lookup.copied_of:
            return [(lookup.joined, lookup.emptied)]
        return [([*lookup.joined, values[name]], frozenset({name})) for name in sorted(lookup.emptied)]

    def _values(
        self,
        lookup: "_ReadLookup",
        links: Sequence[tuple[str, str]],
        names: frozenset[str],
        keys: exp.Query | None,
    ) -> CopiedValues | None:
        if keys is None:
            return None
        linked = [(here, lookup.type_of(here, there)) for here, there in links]
        return CopiedValues(linked, names, keys, self.salt)

    def _keys_of(
        self, lookup: "_ReadLookup", links: Sequence[tuple[str, str]], *, shared: bool = False
    ) -> exp.Query | None:
        """Return the keys of the erased rows over the nested columns of links, stored for the session.

        Without the join's columns these are the keys that no other row of the same publications has, or with
        `shared` those that others have. None if there are no such rows.
        """
        names = tuple(there for _, there in links)
        if (place := (lookup.copied_of, names, not lookup.joined, shared)) not in self._keys:
            erased = [
                each for each in self.erased if lookup.copied_of in (None, each.publication.record["digest"])
            ]
            queries = [query for each in erased if (query := self._key_query(each, names))]
            self._keys[place] = None
            if queries:
                keys = stored_union("erased_keys", queries, self.session)
                if not lookup.joined:
                    others = [q for each in erased if (q := self._key_query(each, names, others=True))]
                    keys = self._divided(
                        keys, stored_union("other_keys", others, self.session), shared=shared
                    )
                self._keys[place] = keys
        return self._keys[place]

    def _divided(self, keys: exp.Query, others: exp.Query, *, shared: bool) -> exp.Query:
        left, right = (
            exp.select("*").from_(each.subquery(name))
            for name, each in (("_keys", keys), ("_others", others))
        )
        combine = exp.intersect if shared else exp.except_
        return exp.select("*").from_(
            self.session.store("erased_keys", combine(left, right, distinct=True, copy=False))
        )

    def _key_query(
        self, matching: Matching, names: tuple[str, ...], *, others: bool = False
    ) -> exp.Query | None:
        """Return the keys of the erased rows of a publication or, with `others`, of its other rows."""
        types = {
            each["name"].lower(): (each["name"], each["type"])
            for each in matching.publication.record["columns"]
        }
        if matching.condition is None or not all(name.lower() in types for name in names):
            return None
        found = (types[name.lower()] for name in names)
        key = row_key(self.salt, [(column(name), ColumnType(kind)) for name, kind in found])
        condition = matching.condition.copy()
        if others:
            condition = exp.not_(exp.Coalesce(this=exp.paren(condition), expressions=[exp.false()]))
        return key_query(key, matching.publication.source, condition)


def _dataset_id(lookup: Source) -> str | None:
    """Return the id of the dataset that a lookup reads; None if it reads a table."""
    target = lookup.lookup.target if lookup.lookup else None
    return str(target.id) if isinstance(target, DatasetTarget) else None


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
