"""What is erased of a publication: whole rows, or the values that rows copied of a nested dataset's rows.

An eraser is applied to publications of every age; `condition` says in SQL which of their rows are meant.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlglot import exp
from typing_extensions import override

from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.system_columns import recorded_system_columns
from dataset_assets.errors import DatasetAssetsError, WhereError
from dataset_assets.ports.warehouse import Record
from dataset_assets.rows.erased_keys import is_among, row_key
from dataset_assets.rows.stamping import timestamp
from dataset_assets.rows.where_types import recorded_where_types
from dataset_assets.sql.build import alias, column
from dataset_assets.sql.where.where import Where, parse_where

IS_ERASED = "_is_erased"
"""The column that says whether a row is meant."""
_VALUE = "_named_value"


class RowEraser(ABC):
    """Says which rows of a publication are meant, and what they are after the erasure."""

    @abstractmethod
    def condition(self, record: Record) -> exp.Expr | None:
        """Return the condition of the rows; None if no row of such a publication can be meant.

        Raises DatasetAssetsError if that does not follow from the publication's columns.
        """

    @abstractmethod
    def columns_of(self, record: Record) -> frozenset[str] | None:
        """Return the columns of a publication with values to forget; None if they are not known."""

    def rows_after(self, rows: exp.Expr, record: Record, now: datetime) -> exp.Select:  # noqa: ARG002
        """Return the rows after the erasure, by default the others; `rows` have the column IS_ERASED."""
        return _rows(record).from_(rows).where(exp.not_(column(IS_ERASED)))


@dataclass(frozen=True)
class WhereEraser(RowEraser):
    """Removes the rows for which a condition is true."""

    where: str

    @override
    def condition(self, record: Record) -> exp.Expr:
        return self.parsed(record).condition()

    @override
    def columns_of(self, record: Record) -> frozenset[str]:
        """Return the columns that the condition reads; none of a publication that lacks one of them."""
        with suppress(WhereError):
            return frozenset(self.parsed(record).columns)
        return frozenset()

    def parsed(self, record: Record) -> Where:
        """Return the condition, checked against the columns of a publication. Raises WhereError."""
        return parse_where(self.where, recorded_where_types(record))


@dataclass(frozen=True)
class OutputEraser(RowEraser):
    """Removes the rows of a Project's output that are erased rows of its dataset.

    They have the ids of a query. Rows for which the condition is true are removed as well, if the output has
    its columns: an erasure that is begun again finds ids only of the rows that are left.
    """

    ids: exp.Query | None
    where: WhereEraser

    @override
    def condition(self, record: Record) -> exp.Expr | None:
        conditions = [is_among(column("_row_id"), self.ids)] if self.ids is not None else []
        with suppress(WhereError):
            conditions.append(self.where.condition(record))
        return exp.or_(*conditions) if conditions else None

    @override
    def columns_of(self, record: Record) -> frozenset[str]:
        return self.where.columns_of(record)


@dataclass(frozen=True)
class CopiedValues:
    """The columns of a dataset that a lookup into an erased dataset fills, and how its rows are known.

    `linked` are the published columns, with their types, whose values have a key among `keys`; `copied` are
    the published columns to empty.
    """

    linked: Sequence[tuple[str, ColumnType]]
    copied: frozenset[str]
    keys: exp.Query
    salt: str

    def condition(self) -> exp.Expr:
        """Return the condition of the rows that have values of erased rows."""
        key = row_key(self.salt, [(column(name), kind) for name, kind in self.linked])
        has_value = [exp.not_(column(name).is_(exp.null())) for name in sorted(self.copied)]
        return exp.and_(is_among(key, self.keys), exp.or_(*has_value))


def _rows(record: Record) -> exp.Select:
    system = (column(each.name) for each in recorded_system_columns(record))
    return exp.select(*map(column, names_of(record)), *system)


def names_of(record: Record) -> list[str]:
    """Return the names of the published columns of a publication, system columns left out."""
    return [each["name"] for each in record["columns"]]


@dataclass(frozen=True)
class CopyEraser(RowEraser):
    """Empties the columns that a dataset copied of erased rows of a dataset that it nests.

    `find` returns the copied values of a publication by its record. A refresh gives the same rows: its lookup
    finds nothing for them any more.
    """

    find: "FindCopies"

    def columns(self, records: Iterable[Record]) -> set[str]:
        """Return the columns of these publications that have copied values."""
        return {name for record in records for copies in self.find(record) for name in copies.copied}

    @override
    def condition(self, record: Record) -> exp.Expr | None:
        return any_of(self.find(record))

    @override
    def columns_of(self, record: Record) -> frozenset[str] | None:
        try:
            return self.find.columns(record)
        except DatasetAssetsError:
            return None

    @override
    def rows_after(self, rows: exp.Expr, record: Record, now: datetime) -> exp.Select:
        types = {each["name"]: ColumnType(each["type"]) for each in record["columns"]}
        found = self.find(record)
        emptied = {
            name: exp.or_(*conditions)
            for name in types
            if (conditions := [each.condition() for each in found if name in each.copied])
        }
        values = [
            alias(_emptied(name, types[name], emptied[name]), name) if name in emptied else column(name)
            for name in types
        ]
        updated = exp.Case().when(column(IS_ERASED), timestamp(now)).else_(column("_updated_at"))
        system = (
            alias(updated if each.name == "_updated_at" else column(each.name), each.name)
            for each in recorded_system_columns(record)
        )
        return exp.select(*values, *system).from_(rows)


@dataclass(frozen=True)
class SharedValues(RowEraser):
    """Means the rows with values that may be copied of erased rows or of others, which look the same.

    It only counts them: they are no rows to erase.
    """

    find: "FindCopies"

    @override
    def condition(self, record: Record) -> exp.Expr | None:
        return any_of(self.find.shared(record))

    @override
    def columns_of(self, record: Record) -> frozenset[str]:
        return self.find.columns(record)


class FindCopies(ABC):
    """Finds the values that publications copied of erased rows; raises DatasetAssetsError if unknown."""

    @abstractmethod
    def __call__(self, record: Record) -> Sequence[CopiedValues]:
        """Return the copied values of a publication."""

    @abstractmethod
    def shared(self, record: Record) -> Sequence[CopiedValues]:
        """Return the values that erased rows and others had, of a publication without the join's columns."""

    @abstractmethod
    def columns(self, record: Record) -> frozenset[str]:
        """Return the columns of a publication that can have copied values."""


def any_of(found: Sequence[CopiedValues]) -> exp.Expr | None:
    """Return the condition of the rows with any of these copied values; None without any."""
    return exp.or_(*(each.condition() for each in found)) if found else None


def _emptied(name: str, kind: ColumnType, condition: exp.Expr) -> exp.Expr:
    return exp.Case().when(condition, exp.cast(exp.null(), SQL_TYPES[kind])).else_(column(name))


def marked(source: exp.Expr, condition: exp.Expr) -> exp.Expr:
    """Return rows with the column IS_ERASED, for FROM. A condition that is NULL does not mean the row."""
    is_erased = exp.Coalesce(this=exp.paren(condition), expressions=[exp.false()])
    return exp.select("*", exp.alias_(is_erased, IS_ERASED)).from_(source.copy()).subquery("_marked_rows")


def named_rows(where: Where, types: Mapping[str, ColumnType]) -> exp.Expr | None:
    """Return the rows of values that a condition names by `=` or IN, for FROM; None if it lacks a column.

    Rows for which the condition is not true are among them. A value that the type cannot hold is NULL.
    """
    named = where.named_values()
    if set(named) != set(types):
        return None
    sources = [
        exp.select(alias(_held(types[name]), name))
        .from_(exp.Unnest(expressions=[exp.Array(expressions=values)], alias=_unnested()))
        .subquery(f"_values_{place}")
        for place, (name, values) in enumerate(sorted(named.items()))
    ]
    query = exp.select("*").from_(sources[0])
    for each in sources[1:]:
        query = query.join(each, join_type="cross")
    return query.subquery("_named_rows")


def _held(kind: ColumnType) -> exp.Expr:
    return exp.TryCast(this=column(_VALUE), to=exp.DataType.build(SQL_TYPES[kind]))


def _unnested() -> exp.TableAlias:
    return exp.TableAlias(this=exp.to_identifier("_unnested"), columns=[exp.to_identifier(_VALUE)])
