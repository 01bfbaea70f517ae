"""The state of a selection query between two of the steps that build it."""

from dataclasses import dataclass, replace

from sqlglot import exp

from dataset_assets.compiler.lookup_joins import joined
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.contract.scope import Reference, Source
from dataset_assets.sql.build import CTE, column
from dataset_assets.sql.internal_names import Names

SOURCE_ROWS = "source_rows"


@dataclass(frozen=True)
class QueryState:
    """The state of the query between two steps.

    `early` are the lookups that the window, the filters or the split read: they are joined first, and their
    columns then have the names of `inputs.joined_columns`. `rows` names the CTE of the rows so far, `keep`
    are the conditions that a row must satisfy, `projection` the published columns.
    """

    inputs: SelectionInput
    early: tuple[Source, ...] = ()
    ctes: tuple[CTE, ...] = ()
    rows: str = SOURCE_ROWS
    keep: tuple[exp.Expr, ...] = ()
    projection: tuple[exp.Expr, ...] = ()

    @property
    def late(self) -> tuple[Source, ...]:
        """The lookups that are joined last, because only the published columns need them."""
        return tuple(lookup for lookup in self.inputs.scope.lookups if lookup not in self.early)

    @property
    def names(self) -> Names:
        """Generator of names for CTEs and helper columns, unlike any name in the file and the sources."""
        return self.inputs.names

    def with_ctes(self, *ctes: CTE) -> "QueryState":
        """Return this state with more CTEs at its end."""
        return replace(self, ctes=(*self.ctes, *ctes))

    def in_rows(self, reference: Reference, table_name: str | None = None) -> exp.Expr:
        """Return a column of the main table or of an early lookup by its name in the CTE `rows`."""
        name = reference.column.name
        if reference.source in self.early:
            name = self.inputs.joined_columns[reference.source.name, name]
        return column(name, table_name)

    def in_join(self, reference: Reference) -> exp.Expr:
        """Return any column by its name in the join of `rows` and the late lookups."""
        if reference.source in self.late:
            return joined(self.inputs, reference, self.in_join)
        return self.in_rows(reference, self.inputs.scope.main.name)

    def concept(self, name: str) -> exp.Expr:
        """Return the column of a mapped concept in `rows`."""
        return self.in_rows(self.inputs.concepts[name])

    def concept_in_join(self, name: str) -> exp.Expr:
        """Return the column of a mapped concept in the join of `rows` and the late lookups."""
        return self.in_join(self.inputs.concepts[name])
