"""Select the rows of two sides so that one query can compare them, and choose how rows are identified."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from dataset_assets.cached_property import cached_property
from dataset_assets.contract.model import ColumnDef, ColumnType
from dataset_assets.contract.system_columns import PERIOD_FROM, PERIOD_TO, VALID_FROM, VALID_TO
from dataset_assets.errors import Fault, ResolveError
from dataset_assets.lifecycle.compared_side import Side
from dataset_assets.ports.warehouse import Publication
from dataset_assets.rows.difference import ComparedField, CountedDifference, RowDifference
from dataset_assets.rows.visible_rows import visible_relation
from dataset_assets.sql.build import alias_table, column
from dataset_assets.sql.nodes import LabelsText

Identified = Literal["natural_key", "row_id", "content"]
_NUMBERS = frozenset({"integer", "decimal"})
_ROW_ID, _PERIOD, _LABELS = "_row_id", "_period", "_labels"
_ROWS = "_rows"
"""An alias that no column of a user can have."""


@dataclass(frozen=True)
class ComparedRows:
    """Two sides of a comparison. `hidden` are the sensitive columns, in lower case."""

    before: Side
    after: Side
    hidden: frozenset[str]
    examples: int

    @cached_property
    def identified_by(self) -> Identified:
        """How rows of both sides are paired.

        By the natural key if both have the same, and in bitemporal tables by the begins of both times as
        well; else by row id, which a row keeps within a Period of a dataset; else by their content.
        """
        if self.before.is_bitemporal != self.after.is_bitemporal:
            return "content"
        keys = [{name.lower() for name in side.key} for side in (self.before, self.after)]
        if keys[0] and keys[0] == keys[1] and keys[0] <= self._compared.keys():
            return "natural_key"
        sides = [
            (side.last.dataset, side.target.name, side.reference.period) for side in (self.before, self.after)
        ]
        return "row_id" if sides[0] == sides[1] else "content"

    @cached_property
    def fields(self) -> tuple[ComparedField, ...]:
        """The compared columns: those of both sides, then the system columns that say what a row is."""
        return (*self._identity(), *self._published(), *self._operated())

    @property
    def not_compared(self) -> Iterator[tuple[str, str | None, str | None]]:
        """The columns of one side only, and those with types that cannot be compared."""
        for side in (self.before, self.after):
            for name in side.types:
                is_first = side is self.before or self.name_in(self.before, name) not in self.before.types
                if name.lower() not in self._compared and is_first:
                    types = [each.types.get(self.name_in(each, name)) for each in (self.before, self.after)]
                    yield name, types[0], types[1]

    def name_in(self, side: Side, name: str) -> str:
        """Return the name of a column in the spelling of a side; unchanged if the side does not have it."""
        return next((each for each in side.types if each.lower() == name.lower()), name)

    def counted(self) -> CountedDifference:
        """Run the comparison in the session of `after`. Rows of another target are loaded there first.

        Raises ResolveError if the sides have no column in common.
        """
        if not self._compared:
            names = f"{self.before.last.dataset} and {self.after.last.dataset}"
            hint = "compare datasets that publish the same columns"
            raise ResolveError(Fault(f"{names} have no column in common", hint=hint))
        old, new = self._different_publications()
        if not old and not new:
            return CountedDifference({}, {}, {}, {})
        queries = self._select(self.before, old), self._select(self.after, new)
        if self.before.session is not self.after.session:
            queries = self._loaded(queries[0]), queries[1]
        compared = RowDifference(*queries, self.fields, self.examples)
        return compared.read(self.after.session.rows(compared.query))

    @cached_property
    def _compared(self) -> dict[str, str]:
        """The columns of both sides that can be compared, by name in lower case, with their type."""
        old = {name.lower(): kind for name, kind in self.before.types.items()}
        found = {}
        for name, kind in self.after.types.items():
            kinds = {kind, old.get(name.lower(), "")}
            if len(kinds) == 1 or kinds == _NUMBERS:
                found[name.lower()] = kind if len(kinds) == 1 else "decimal"
        return found

    @property
    def _are_bitemporal(self) -> bool:
        return self.before.is_bitemporal and self.after.is_bitemporal

    def _identity(self) -> Iterator[ComparedField]:
        if self.identified_by != "content" and self.before.by_period and self.after.by_period:
            yield ComparedField(_PERIOD, ColumnType.STRING, nullable=False, identifies=True)
        if self.identified_by == "row_id":
            yield ComparedField(_ROW_ID, ColumnType.STRING, nullable=False, identifies=True)
        elif self._are_bitemporal and self.identified_by == "natural_key":
            yield ComparedField(VALID_FROM, ColumnType.TIMESTAMP, nullable=False, identifies=True)
            yield ComparedField(PERIOD_FROM, ColumnType.STRING, nullable=False, identifies=True)

    def _published(self) -> Iterator[ComparedField]:
        """Yield the published columns, those of the natural key first."""
        never_null = self.before.never_null & self.after.never_null
        key = {name.lower() for name in self.after.key} if self.identified_by == "natural_key" else set()
        names = [name for name in self.after.types if name.lower() in self._compared]
        order = {name.lower(): place for place, name in enumerate(self.after.key)} if key else {}
        for name in sorted(names, key=lambda each: order.get(each.lower(), len(order))):
            yield ComparedField(
                name,
                ColumnType(self._compared[name.lower()]),
                nullable=name.lower() not in never_null,
                identifies=name.lower() in key,
                shown=name.lower() not in self.hidden,
            )

    def _operated(self) -> Iterator[ComparedField]:
        """Yield what loads and operations change in a row; rows without identity have nothing that stays."""
        if self._are_bitemporal and self.identified_by != "content":
            yield ComparedField(VALID_TO, ColumnType.TIMESTAMP)
            yield ComparedField(PERIOD_TO, ColumnType.STRING)
        if self.identified_by != "content":
            yield ComparedField(_LABELS, ColumnType.STRING, nullable=False)

    def _different_publications(self) -> tuple[list[Publication], list[Publication]]:
        """Return the publications of both sides without those whose rows are the same stored ones."""
        old, new = (
            {
                (side.target.name, each.dataset, each.period, each.relation.version): each
                for each in side.publications
            }
            for side in (self.before, self.after)
        )
        same = old.keys() & new.keys()
        left = [[each for key, each in side.items() if key not in same] for side in (old, new)]
        return left[0], left[1]

    def _select(self, side: Side, publications: list[Publication]) -> exp.Query:
        """Return the compared columns of these publications as `v0`, `v1`, ...; no row without any.

        The rows of each earlier point in time are stored first, because a statement of BigQuery reads a table
        at one point in time only.
        """
        queries = [self._select_one(side, each) for each in publications]
        by_time: dict[str, list[exp.Query]] = defaultdict(list)
        for query in queries or [self._select_one(side, side.last).where(exp.false())]:
            by_time[_point_in_time(query)].append(query)
        return _all_rows(
            [
                self._read(side.session.store("compared", _all_rows(rows))) if time else _all_rows(rows)
                for time, rows in by_time.items()
            ]
        )

    def _select_one(self, side: Side, publication: Publication) -> exp.Select:
        values = (
            exp.alias_(self._value(side, field), f"v{place}") for place, field in enumerate(self.fields)
        )
        source = visible_relation(publication).source
        return exp.select(*values).from_(alias_table(source, _ROWS))

    def _value(self, side: Side, field: ComparedField) -> exp.Expr:
        name = self.name_in(side, field.name)
        if name == _LABELS:
            return LabelsText(this=column(name))
        if side.types.get(name) == "integer" and field.type is ColumnType.DECIMAL:
            return exp.cast(column(name), "DECIMAL(38, 9)")
        return column(name)

    @property
    def _names(self) -> list[str]:
        return [f"v{place}" for place in range(len(self.fields))]

    def _read(self, source: exp.Expr) -> exp.Select:
        """Return a query that reads the compared columns of rows that a session keeps."""
        return exp.select(*map(column, self._names)).from_(source)

    def _loaded(self, query: exp.Query) -> exp.Query:
        """Load the rows of `before` into the session of `after`, and return a query that reads them there."""
        declared = [
            ColumnDef(name=name, type=field.type, nullable=field.nullable)
            for name, field in zip(self._names, self.fields, strict=True)
        ]
        batches = self.before.session.batches(query)
        loaded = self.after.session.load_arrow("compared", declared, batches, lambda *_: None)
        return self._read(loaded)


def _point_in_time(query: exp.Query) -> str:
    """Return the earlier point in time at which a query reads its table, as text; empty for the present."""
    version = query.find(exp.Version)
    return version.sql() if version else ""


def _all_rows(queries: list[exp.Query]) -> exp.Query:
    return queries[0] if len(queries) == 1 else exp.union(*queries, distinct=False)
