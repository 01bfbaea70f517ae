"""Files of one table that have the wanted columns alike: one SELECT reads them all."""

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
class Wanted:
    """A column of the relation. `physical` is its name in the files.

    `definition` is the contract's declaration and `native` the type that the table's own schema gives the
    column, where there are such. `is_from_log`: no file holds it, the table's log has a value for
    each file. `is_optional`: it is NULL in a file that lacks it.
    """

    name: str
    physical: str
    definition: ColumnDef | None = None
    native: str = ""
    is_from_log: bool = False
    is_optional: bool = False


@dataclass(frozen=True)
class FileColumn:
    """How one file has a wanted column: in itself, as a value beside it, as NULL throughout, or not at all.

    `value_type` is the type of a value beside the file, in its path or the table's log; else it is empty.
    """

    wanted: Wanted
    column: FooterColumn | None = None
    value: str | None = None
    value_type: str = ""
    is_only_null: bool = False

    @property
    def is_null(self) -> bool:
        """Whether NULL is read whatever the file holds."""
        return self.is_only_null or (self.wanted.is_optional and not self.column and not self.value_type)

    @property
    def native(self) -> str:
        """DuckDB's name of the type that is read; empty for a column that is missing."""
        if self.is_null:
            declared = self.wanted.definition
            return self.wanted.native or (SQL_TYPES[declared.type] if declared else "INTEGER")
        if self.value_type:
            return self.value_type
        return (self.wanted.native or self.column.kind.native) if self.column else ""

    @property
    def physical(self) -> PhysicalColumn | None:
        """The column as it is read, under its name in the relation; None for one that is missing."""
        if not self.native:
            return None
        is_own = self.column and not self.wanted.native and not self.is_null
        native = _DESCRIBED.get(self.native, self.native)
        kind = self.column.kind.type if is_own and self.column else physical_type(native)
        return PhysicalColumn(self.wanted.name, kind, native)

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for files that one SELECT can read."""
        stored = self.column.kind if self.column and not self.is_null else None
        return (self.native, self.is_null, bool(self.value_type), stored)

    def nulls(self, rows: int) -> int | None:
        """The number of NULLs among the file's rows; None where it is not known."""
        if self.is_null or (self.value_type and self.value is None):
            return rows
        if self.value_type:
            return 0
        return self.column.nulls if self.column else None


_DESCRIBED = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE", "DECIMAL(38, 9)": "DECIMAL(38,9)"}
"""A type as it is written → as DuckDB describes it."""


@dataclass
class Group:
    """Files that are alike, at least one. `table` is their table's name, `zone` that of its naive times."""

    table: str
    zone: str
    footers: list[Footer] = field(default_factory=list)
    columns: list[tuple[FileColumn, ...]] = field(default_factory=list)

    def add(self, footer: Footer, columns: tuple[FileColumn, ...]) -> None:
        """Add a file, with how it has each of the wanted columns."""
        self.footers.append(footer)
        self.columns.append(columns)

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return [each.path for each in self.footers]

    @property
    def physical(self) -> tuple[PhysicalColumn, ...]:
        """The wanted columns that there are. Where one is missing, all others that the files have as well."""
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
        """Whether the files can be read as they are: columns by their own names, no value in doubt."""
        return not self.footers[0].has_duplicate_names and all(
            each.column
            and not each.is_null
            and not each.wanted.native
            and each.wanted.physical.lower() == each.wanted.name.lower()
            and self._guard(index, each) in {None, FLOAT}
            for index, each in enumerate(self.columns[0])
        )

    def select(self, session: Session, is_declared: bool) -> tuple[exp.Select, tuple[PhysicalColumn, ...]]:
        """Return the SELECT of the wanted columns. `is_declared`: with the casts to their declared types."""
        file_column = self._unused_name("source_file")
        names = self._names(session)
        found = [self._read(index, each, names, file_column) for index, each in enumerate(self.columns[0])]
        values = [value for value, _ in found]
        if is_declared:
            values = [self._declared(each, *read) for each, read in zip(self.columns[0], found, strict=True)]
        named = (
            exp.alias_(value, each.wanted.name, quoted=True)
            for value, each in zip(values, self.columns[0], strict=True)
        )
        files = exp.alias_(duckdb_nodes.read_parquet(self.paths, file_column), _FILES, table=True)
        query = exp.select(*named).from_(files)
        if self._varying:
            of_file = exp.EQ(this=_column(file_column, _FILES), expression=_column("path", _VALUES))
            query = query.join(self._values(), on=of_file)
        return query, tuple(column for _, column in found)

    def _read(
        self, index: int, column: FileColumn, names: Sequence[str], file_column: str
    ) -> tuple[exp.Expr, PhysicalColumn]:
        physical = column.physical
        if physical is None:
            raise LookupError(f"{self.table}.{column.wanted.name} was not judged before it was read")
        if column.is_null:
            return _cast(exp.null(), column.native), physical
        if column.value_type:
            return _cast(self._value(index, column), column.native), physical
        value: exp.Expr = _column(names[column.column.position] if column.column else "", _FILES)
        if column.wanted.native:
            value = _cast(value, column.wanted.native)
        guard = self._guard(index, column)
        if guard is None:
            return value, physical
        about = f"{self.table}.{column.wanted.name}"
        return guarded(guard, value, physical, self.zone, refusal(about, guard, _column(file_column, _FILES)))

    def _declared(self, column: FileColumn, value: exp.Expr, physical: PhysicalColumn) -> exp.Expr:
        declared = column.wanted.definition
        return CASTS[declared.type, physical.type](value, physical, self.zone) if declared else value

    def _guard(self, index: int, column: FileColumn) -> Guard | None:
        declared, physical = column.wanted.definition, column.physical
        if not declared or not physical or column.is_null or column.value_type:
            return None
        own = (columns[index].column for columns in self.columns)
        return guard_of(declared.type, physical, all(each.in_range for each in own if each))

    def _value(self, index: int, column: FileColumn) -> exp.Expr:
        if self._is_one_value(index):
            return exp.null() if column.value is None else exp.Literal.string(column.value)
        return _column(f"value_{index}", _VALUES)

    def _is_one_value(self, index: int) -> bool:
        return len({columns[index].value for columns in self.columns}) == 1

    @property
    def _varying(self) -> list[int]:
        """The columns whose values differ from file to file."""
        found = enumerate(self.columns[0])
        return [index for index, each in found if each.value_type and not self._is_one_value(index)]

    def _values(self) -> exp.Expr:
        """Return the values of each file as a table: a condition on one reads only the files that have it."""
        rows = [
            (str(footer.path), *(columns[index].value for index in self._varying))
            for footer, columns in zip(self.footers, self.columns, strict=True)
        ]
        names = ["path", *(f"value_{index}" for index in self._varying)]
        return exp.values(rows, alias=_VALUES, columns=names)

    def _unused_name(self, name: str) -> str:
        taken = {each.lower() for footer in self.footers for each in footer.names}
        while name in taken:
            name += "_"
        return name

    def _names(self, session: Session) -> Sequence[str]:
        """What DuckDB calls the columns of the first file, which renames those that differ in case alone."""
        first = self.footers[0]
        if not first.has_duplicate_names:
            return first.names
        return [each.name for each in session.describe(duckdb_nodes.read_parquet([first.path]))]


def _cast(value: exp.Expr, sql_type: str) -> exp.Expr:
    return exp.Cast(this=value, to=exp.DataType.build(sql_type, dialect="duckdb"))


def _column(name: str, table: str) -> exp.Column:
    return exp.Column(this=identifier(name, quoted=True), table=identifier(table))


def null_counts(groups: Sequence[Group]) -> Iterator[tuple[str, int | None]]:
    """Yield each wanted column with its NULLs in all files; None where a file does not count them."""
    for index, wanted in enumerate(groups[0].columns[0]):
        counts = [
            columns[index].nulls(footer.rows)
            for group in groups
            for footer, columns in zip(group.footers, group.columns, strict=True)
        ]
        known = [each for each in counts if each is not None]
        yield wanted.wanted.name, sum(known) if len(known) == len(counts) or any(known) else None
