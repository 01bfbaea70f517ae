"""The columns that identify and order the rows of a dataset, and the rows of the publication before."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from dataset_assets.cached_property import cached_property
from dataset_assets.contract.model import ColumnDef
from dataset_assets.rows.encoding import row_text
from dataset_assets.sql.build import column
from dataset_assets.sql.internal_names import NO_NAMES, Names


@dataclass(frozen=True)
class EarlierRows:
    """The rows of the previous publication: an expression for FROM, and its published columns.

    `has_key` says whether today's natural key is unique in these rows: the key may have been
    another one at that time.
    """

    source: exp.Expr
    columns: tuple[ColumnDef, ...]
    has_key: bool = True


@dataclass(frozen=True)
class Identity:
    """The columns that identify and order the rows of a dataset.

    `key` is the natural key, empty if the dataset has none; `order` is the published column of the timestamp;
    `names` generates internal names that the query that selects the rows does not use. `carried` are the
    names of further columns that the rows have.
    """

    columns: tuple[ColumnDef, ...]
    key: tuple[str, ...]
    order: str | None
    names: Names = NO_NAMES
    carried: tuple[str, ...] = ()

    def named(self, wanted: str) -> str:
        """Return a name for a CTE: the wanted one, or a similar one if it is in use."""
        return self._names.free(wanted)

    @cached_property
    def _names(self) -> Names:
        return self.names.and_beside(each.name for each in self.columns)

    def definitions(self, names: Sequence[str]) -> list[ColumnDef]:
        """Return the published columns of these names."""
        by_name = {definition.name.lower(): definition for definition in self.columns}
        return [by_name[name.lower()] for name in names]

    @property
    def identity_columns(self) -> list[ColumnDef]:
        """The columns that identify a row: the natural key, or all columns if there is none."""
        return self.definitions(self.key) if self.key else list(self.columns)


def column_names(identity: Identity, source: str | None = None) -> list[exp.Expr]:
    """Return the published and carried columns as expressions, qualified by `source` if it is given."""
    names = (*(definition.name for definition in identity.columns), *identity.carried)
    return [column(name, source) for name in names]


def key_text(definitions: Sequence[ColumnDef]) -> exp.Expr:
    """Return the canonical text of these columns."""
    return row_text([(column(definition.name), definition.type) for definition in definitions])
