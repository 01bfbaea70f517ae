"""Find the values that publications copied of erased rows of a dataset that they nest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.scope import Reference, Scope, Source
from dataset_assets.lifecycle.erasure_plan import Matching
from dataset_assets.lifecycle.row_erasers import CopiedValues, FindCopies
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.publishing.recorded_columns import NESTED, recorded_scope
from dataset_assets.rows.erased_keys import key_query, row_key, stored_union
from dataset_assets.sql.build import column


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
    _keys: dict[tuple[object, ...], exp.Query | None] = field(default_factory=dict)

    def __call__(self, record: Record) -> Sequence[CopiedValues]:
        """Return the columns that lookups into the nested dataset fill, and the keys of their rows."""
        scope = recorded_scope(self.catalog, self.warehouse, record, self.session)
        published = {each["name"] for each in record["columns"]}
        lookups = (each for each in scope.lookups if each.nested and each.nested.stem == self.nested)
        read = record["sources"].get(f"{NESTED}{self.nested}")
        known = {each.publication.record["digest"] for each in self.erased}
        copied_of = read if read in known else None
        return [one for each in lookups for one in self._copied(scope, each, published, copied_of)]

    def _copied(
        self, scope: Scope, lookup: Source, published: set[str], copied_of: str | None
    ) -> Iterator[CopiedValues]:
        """Yield what a lookup copied of the publication with the digest `copied_of`.

        If that one is not known (None), a value is known by its link and itself. If the dataset does not
        publish what it is joined by, values are known by themselves, unless other rows have them as well.
        """
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
        values = {name: (name, reference.column.name) for name, reference in sorted(copied.items())}
        if not joined:
            groups = [(list(values.values()), emptied)]
        elif copied_of:
            groups = [(joined, emptied)]
        else:
            groups = [([*joined, values[name]], frozenset({name})) for name in sorted(emptied)]
        types = {name: each.column.type for name, each in copied.items()}
        for links, names in groups if emptied else ():
            keys = self._keys_of(copied_of, tuple(there for _, there in links), alone=not joined)
            if keys is not None:
                kinds = [lookup.column(there) for _, there in links]
                linked = [
                    (here, kind.type if kind else types[here])
                    for (here, _), kind in zip(links, kinds, strict=True)
                ]
                yield CopiedValues(linked, names, keys, self.salt)

    def _keys_of(self, copied_of: str | None, names: tuple[str, ...], *, alone: bool) -> exp.Query | None:
        """Return the keys of the erased rows over these columns, stored for the session; None without any.

        With `alone`, keys that other rows of the same publications have are left out.
        """
        if (place := (copied_of, names, alone)) not in self._keys:
            erased = [each for each in self.erased if copied_of in (None, each.publication.record["digest"])]
            queries = [query for each in erased if (query := self._key_query(each, names))]
            self._keys[place] = None
            if queries:
                keys = stored_union("erased_keys", queries, self.session)
                if alone:
                    others = [q for each in erased if (q := self._key_query(each, names, others=True))]
                    keys = self._without(keys, stored_union("other_keys", others, self.session))
                self._keys[place] = keys
        return self._keys[place]

    def _without(self, keys: exp.Query, others: exp.Query) -> exp.Query:
        left, right = (
            exp.select("*").from_(each.subquery(name))
            for name, each in (("_keys", keys), ("_others", others))
        )
        only = exp.except_(left, right, distinct=True, copy=False)
        return exp.select("*").from_(self.session.store("erased_keys", only))

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
