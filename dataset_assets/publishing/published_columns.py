"""The columns that a definition publishes, and which of them a profile and a digest can leave out."""

from collections.abc import Mapping
from dataclasses import dataclass

from dataset_assets.cached_property import cached_property
from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.runtime_joins import stored_outputs
from dataset_assets.contract.scope import OutputColumn, Scope
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.selection.column_mapping import IDENTIFIERS
from dataset_assets.selection.splits import SPLIT_COLUMN


@dataclass(frozen=True)
class PublishedColumns:
    """The published columns of a scope, system columns left out.

    `without_lookups` leaves out those of lookups, which are joined when the rows are read (BR-009).
    `of_several_periods` is true if the rows come from publications of several Periods.
    """

    scope: Scope
    without_lookups: bool = False
    of_several_periods: bool = False

    @property
    def outputs(self) -> tuple[OutputColumn, ...]:
        """The columns with what they are read from."""
        return stored_outputs(self.scope) if self.without_lookups else self.scope.outputs

    @property
    def definitions(self) -> tuple[ColumnDef, ...]:
        """The definitions of the columns."""
        return tuple(output.definition for output in self.outputs)

    @property
    def split(self) -> str | None:
        """The column that holds each row's split; None if the rows are not split."""
        return SPLIT_COLUMN if self.scope.dataset.split_config else None

    @property
    def unit(self) -> tuple[str, ...]:
        """The columns of the split's unit; empty if it is a row, or if not all of them are stored."""
        config = self.scope.dataset.split_config
        stored = {each.name.lower(): each.name for each in self.outputs}
        names = config.unit_columns if config else ()
        found = tuple(stored[name.lower()] for name in names if name.lower() in stored)
        return found if len(found) == len(names) else ()

    @cached_property
    def stored(self) -> tuple[PublishedColumn, ...]:
        """The columns as the warehouse stores them."""
        keys = (name.lower() for name in self.scope.dataset.natural_key_columns)
        ids = {*IDENTIFIERS, *keys}
        return tuple(
            PublishedColumn(
                each.name,
                each.type,
                each.nullable,
                each.description,
                each.sensitive,
                each.name.lower() in ids,
            )
            for each in self.definitions
        )

    @cached_property
    def duplicates(self) -> Mapping[str, str]:
        """Map each column to the first column with the same statistics.

        Columns of one source column have the same statistics, unless only one of them is an identifier:
        an identifier has no mean.
        """
        first: dict[object, str] = {}
        return {
            each.name: first.setdefault((each.identifies, output.reference or each.name), each.name)
            for each, output in zip(self.stored, self.outputs, strict=True)
        }

    @cached_property
    def profiled(self) -> tuple[PublishedColumn, ...]:
        """The columns without those in `duplicates` that repeat another's statistics."""
        return tuple(each for each in self.stored if self.duplicates[each.name] == each.name)

    @cached_property
    def digested(self) -> tuple[PublishedColumn, ...]:
        """The columns that the digest covers: the first published column of each source column."""
        first: dict[object, PublishedColumn] = {}
        for each, output in zip(self.stored, self.outputs, strict=True):
            first.setdefault(output.reference or each.name, each)
        return tuple(first.values())
