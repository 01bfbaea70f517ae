"""Group the Parquet files of a table by the types of their columns, and build one SELECT for each group."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlglot import exp

from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.adapters.duckdb.exactness import FLOAT, Guard, guard_of, guarded, refusal
from dataset_assets.adapters.duckdb.types import physical_type
from dataset_assets.adapters.parquet.footers import Footer, FooterColumn
from dataset_assets.compiler.typing import CASTS, SQL_TYPES
from dataset_assets.contract.model import ColumnDef
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType
from dataset_assets.sql.build import identifier

_FILES, _VALUES = "files", "path_values"


@dataclass(frozen=True)
class RequestedColumn:
    """A column that the relation has to have. `physical` is its name in the files.

    `definition` is the contract's declaration, and `native` the type that the table's own schema gives the
    column, if there is one. `is_from_log`: the table's log has the value of each file, and the file lacks the
    column. `is_optional`: the column is NULL in a file that lacks it.
    """

    name: str
    physical: str
    definition: ColumnDef | None = None
    native: str = ""
    is_from_log: bool = False
    is_optional: bool = False


@dataclass(frozen=True)
class FileColumn:
    """The values of a requested column for one file: a column of the file, one constant, NULL, or missing.

    `value` is a constant from the file's path or the table's log, and `value_type` its type; else the type is
    empty.
    """

    requested: RequestedColumn
    column: FooterColumn | None = None
    value: str | None = None
    value_type: str = ""
    is_only_null: bool = False

    @property
    def is_null(self) -> bool:
        """Whether each row of the file has NULL in this column."""
        return self.is_only_null or (self.requested.is_optional and not self.column and not self.value_type)

    @property
    def native(self) -> str:
        """Return DuckDB's name of the type that is read; empty for a column that is missing."""
        if self.is_null:
            declared = self.requested.definition
            return self.requested.native or (SQL_TYPES[declared.type] if declared else "INTEGER")
        if self.value_type:
            return self.value_type
        return (self.requested.native or self.column.kind.native) if self.column else ""

    @property
    def physical(self) -> PhysicalColumn | None:
        """Return the column as it is read, with its name in the relation; None if it is missing."""
        if not self.native:
            return None
        is_own = self.column and not self.requested.native and not self.is_null
        native = _DESCRIBED.get(self.native, self.native)
        kind = self.column.kind.type if is_own and self.column else physical_type(native)
        return PhysicalColumn(self.requested.name, kind, native)

    @property
    def key(self) -> tuple[object, ...]:
        """Return a key that is equal for files which one SELECT can read."""
        stored = self.column.kind if self.column and not self.is_null else None
        return (self.native, self.is_null, bool(self.value_type), stored)

    def nulls(self, rows: int) -> int | None:
        """Return the number of NULLs among the file's rows; None if it is unknown."""
        if self.is_null or (self.value_type and self.value is None):
            return rows
        if self.value_type:
            return 0
        return self.column.nulls if self.column else None


_DESCRIBED = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE", "DECIMAL(38, 9)": "DECIMAL(38,9)"}
"""A name of a type in SQL → the name that DuckDB's DESCRIBE returns for it."""


@dataclass
class FileGroup:
    """Files that one SELECT reads, at least one.

    `table` is the table's name, `zone` that of its naive times.
    """

    table: str
    zone: str
    footers: list[Footer] = field(default_factory=list)
    columns: list[tuple[FileColumn, ...]] = field(default_factory=list)

    def add(self, footer: Footer, columns: tuple[FileColumn, ...]) -> None:
        """Add a file with its values of each requested column."""
        self.footers.append(footer)
        self.columns.append(columns)

    @property
    def paths(self) -> list[Path]:
        """Return the paths of the files."""
        return [each.path for each in self.footers]

    @property
    def physical(self) -> tuple[PhysicalColumn, ...]:
        """Return the requested columns that the files have.

        If one is missing, add all other columns of the files.
        """
        found = [each.physical for each in self.columns[0]]
        known = tuple(each for each in found if each)
        if len(known) == len(found):
            return known
        names = [
            name for name in self.footers[0].names if name.lower() not in {c.name.lower() for c in known}
        ]
        return (*known, *(PhysicalColumn(name, PhysicalType.OTHER, "") for name in names))

    @property
    def is_plain(self) -> bool:
        """Whether a plain `read_parquet` suffices: all columns have their own names and no guard."""
        return not self.footers[0].has_duplicate_names and all(
            each.column
            and not each.is_null
            and not each.requested.native
            and each.requested.physical.lower() == each.requested.name.lower()
            and self._guard(index, each) in {None, FLOAT}
            for index, each in enumerate(self.columns[0])
        )

    def select(self, session: Session, is_declared: bool) -> tuple[exp.Select, tuple[PhysicalColumn, ...]]:
        """Return the SELECT of the requested columns, with casts to their declared types if `is_declared`."""
        file_column = self._unused_name("source_file")
        names = self._names(session)
        found = [self._read(index, each, names, file_column) for index, each in enumerate(self.columns[0])]
        values = [value for value, _ in found]
        if is_declared:
            values = [self._declared(each, *read) for each, read in zip(self.columns[0], found, strict=True)]
        named = (
            exp.alias_(value, each.requested.name, quoted=True)
            for value, each in zip(values, self.columns[0], strict=True)
        )
        files = exp.alias_(duckdb_nodes.read_parquet(self.paths, file_column), _FILES, table=True)
        query = exp.select(*named).from_(files)
        if self._varying_constants:
            of_file = exp.EQ(this=_column(file_column, _FILES), expression=_column("path", _VALUES))
            query = query.join(self._constants(), on=of_file)
        return query, tuple(column for _, column in found)

    def _read(
        self, index: int, column: FileColumn, names: Sequence[str], file_column: str
    ) -> tuple[exp.Expr, PhysicalColumn]:
        physical = column.physical
        if physical is None:
            raise LookupError(f"{self.table}.{column.requested.name} was not checked before it was read")
        if column.is_null:
            return _cast(exp.null(), column.native), physical
        if column.value_type:
            return _cast(self._constant(index, column), column.native), physical
        value: exp.Expr = _column(names[column.column.position] if column.column else "", _FILES)
        if column.requested.native:
            value = _cast(value, column.requested.native)
        guard = self._guard(index, column)
        if guard is None:
            return value, physical
        about = f"{self.table}.{column.requested.name}"
        return guarded(guard, value, physical, self.zone, refusal(about, guard, _column(file_column, _FILES)))

    def _declared(self, column: FileColumn, value: exp.Expr, physical: PhysicalColumn) -> exp.Expr:
        declared = column.requested.definition
        return CASTS[declared.type, physical.type](value, physical, self.zone) if declared else value

    def _guard(self, index: int, column: FileColumn) -> Guard | None:
        declared, physical = column.requested.definition, column.physical
        if not declared or not physical or column.is_null or column.value_type:
            return None
        own = (columns[index].column for columns in self.columns)
        return guard_of(declared.type, physical, all(each.in_range for each in own if each))

    def _constant(self, index: int, column: FileColumn) -> exp.Expr:
        if self._is_constant(index):
            return exp.null() if column.value is None else exp.Literal.string(column.value)
        return _column(f"value_{index}", _VALUES)

    def _is_constant(self, index: int) -> bool:
        return len({columns[index].value for columns in self.columns}) == 1

    @property
    def _varying_constants(self) -> list[int]:
        """Return the indexes of the columns whose constants differ between files."""
        found = enumerate(self.columns[0])
        return [index for index, each in found if each.value_type and not self._is_constant(index)]

    def _constants(self) -> exp.Expr:
        """Return the constants of each file as a table. A condition on one then limits the files to read."""
        rows = [
            (str(footer.path), *(columns[index].value for index in self._varying_constants))
            for footer, columns in zip(self.footers, self.columns, strict=True)
        ]
        names = ["path", *(f"value_{index}" for index in self._varying_constants)]
        return exp.values(rows, alias=_VALUES, columns=names)

    def _unused_name(self, name: str) -> str:
        taken = {each.lower() for footer in self.footers for each in footer.names}
        while name in taken:
            name += "_"
        return name

    def _names(self, session: Session) -> Sequence[str]:
        """Return DuckDB's names of the first file's columns: it renames those that differ only in case."""
        first = self.footers[0]
        if not first.has_duplicate_names:
            return first.names
        return [each.name for each in session.describe(duckdb_nodes.read_parquet([first.path]))]


def _cast(value: exp.Expr, sql_type: str) -> exp.Expr:
    return exp.Cast(this=value, to=exp.DataType.build(sql_type, dialect="duckdb"))


def _column(name: str, table: str) -> exp.Column:
    return exp.Column(this=identifier(name, quoted=True), table=identifier(table))


def null_counts(groups: Sequence[FileGroup]) -> Iterator[tuple[str, int | None]]:
    """Yield the number of NULLs of each requested column; None if a file does not count them."""
    for index, requested in enumerate(groups[0].columns[0]):
        counts = [
            columns[index].nulls(footer.rows)
            for group in groups
            for footer, columns in zip(group.footers, group.columns, strict=True)
        ]
        known = [each for each in counts if each is not None]
        yield requested.requested.name, sum(known) if len(known) == len(counts) or any(known) else None
