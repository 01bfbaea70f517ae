"""Read the Parquet files of one table as one relation, after checking the schema of each file.

Files whose requested columns have equal types are one group. One group is one `read_parquet`; several are a
UNION ALL of one SELECT each, with its own casts to the declared types, so that predicates reach every file.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path

from sqlglot import exp

from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.adapters.parquet.file_groups import FileColumn, FileGroup, RequestedColumn, null_counts
from dataset_assets.adapters.parquet.footers import (
    Footer,
    FooterColumn,
    has_nanoseconds,
    is_all_null,
    read_footer,
)
from dataset_assets.adapters.parquet.hive_paths import typed_value
from dataset_assets.adapters.shared.column_names import AmbiguousNameError, find_column
from dataset_assets.cached_property import cached_property
from dataset_assets.compiler.typing import CASTS, mismatches
from dataset_assets.contract.scope import Source
from dataset_assets.errors import Fault, ResolveError, near, raise_all
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import PhysicalColumn, Relation

_AMBIGUOUS = "name the one that is meant in the table's `columns` in the target"

Refuse = Callable[[str, str], FileColumn]


@dataclass(frozen=True)
class DataFile:
    """A file and the values of its partition columns as text; None for NULL."""

    path: Path
    values: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class FileRows:
    """The rows of Parquet files: the FROM item that reads them, its columns and the number of rows.

    `file` is the expression that reads the name of a row's file, if `source` has it.
    """

    source: exp.Expr
    columns: tuple[PhysicalColumn, ...]
    rows: int
    file: exp.Expr | None = None


@dataclass(frozen=True)
class ParquetTable:
    """A table of at least one Parquet file. `zone` is the zone of its naive times."""

    name: str
    zone: str
    files: Sequence[DataFile]
    requested: Sequence[RequestedColumn]

    def read(self, session: Session) -> FileRows:
        """Return the rows of all files. Raises ResolveError with all faults and the files that have them."""
        footers = self.footers(self._names)
        groups = self._groups(footers)
        raise_all(ResolveError, self._schema_faults(groups))
        found = self._combined(groups, session)
        nulls = {name: bool(count) for name, count in null_counts(groups) if count is not None}
        physical = {each.physical.lower(): each.name for each in self.requested}
        columns = tuple(
            replace(each, has_nulls=nulls.get(each.name, nulls.get(physical.get(each.name.lower(), ""))))
            for each in found.columns
        )
        return replace(found, columns=columns, rows=sum(each.rows for each in footers))

    def footers(self, names: frozenset[str] | None) -> list[Footer]:
        """Return the footers of all files, as `read_footer` does. Raises ResolveError."""
        found, faults = list[Footer](), list[Fault]()
        for each in self.files:
            try:
                found.append(read_footer(each.path, names))
            except OSError as error:
                message = f"the file {near(each.path)} cannot be read: {error.strerror}"
                faults.append(Fault(message, self.name, "load it again, or move it away"))
        raise_all(ResolveError, faults)
        return found

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(each.physical.lower() for each in self.requested if not each.is_from_log)

    def _groups(self, footers: Sequence[Footer]) -> list[FileGroup]:
        """Group the files. Raises ResolveError for ambiguous names and for values that cannot be read."""
        found: dict[Hashable, FileGroup] = {}
        problems: dict[Fault, list[Path]] = defaultdict(list)
        for file, footer in zip(self.files, footers, strict=True):
            columns = tuple(self._column(each, file, footer, problems) for each in self.requested)
            key = (*(each.key for each in columns), footer.path if footer.has_duplicate_names else None)
            found.setdefault(key, FileGroup(self.name, self.zone)).add(footer, columns)
        raise_all(ResolveError, _with_files(problems))
        return list(found.values())

    def _column(
        self, requested: RequestedColumn, file: DataFile, footer: Footer, problems: dict[Fault, list[Path]]
    ) -> FileColumn:
        """Return the values of a column for one file. Adds a fault to `problems` if they cannot be read."""

        def refuse(message: str, hint: str) -> FileColumn:
            problems[Fault(message, f"{self.name}.{requested.name}", hint)].append(footer.path)
            return FileColumn(requested)

        if requested.is_from_log:
            return FileColumn(
                requested, value=file.values.get(requested.physical), value_type=requested.native
            )
        try:
            name = find_column(requested.physical, [each.name for each in footer.columns])
            key = find_column(requested.physical, list(file.values)) if name is None else None
        except AmbiguousNameError as error:
            return refuse(str(error), _AMBIGUOUS)
        if key is not None:
            return _from_path(requested, file.values[key], refuse)
        if name is None:
            return FileColumn(requested)
        column = next(each for each in footer.columns if each.name == name)
        return _in_file(requested, column, footer, refuse)

    def _schema_faults(self, groups: Sequence[FileGroup]) -> Iterator[Fault]:
        """Yield each fault of the files against the contract once, with the files that have it."""
        declared = tuple(each.definition for each in self.requested if each.definition)
        source = Source(self.name, declared, table=self.name)
        found: dict[Fault, list[Path]] = defaultdict(list)
        for group in groups:
            for fault in mismatches(source, Relation(exp.null(), group.physical, "")):
                found[self._renamed(fault)].extend(group.paths)
        return _with_files(found)

    def _renamed(self, fault: Fault) -> Fault:
        """Return the fault with the column's physical name, if the target gives it one."""
        called = {
            f"{self.name}.{each.name}": each.physical for each in self.requested if each.physical != each.name
        }
        if fault.field not in called:
            return fault
        return replace(fault, message=f"(in the target: {called[fault.field]!r}) {fault.message}")

    def _combined(self, groups: Sequence[FileGroup], session: Session) -> FileRows:
        if len(groups) == 1 and groups[0].is_plain:
            source = duckdb_nodes.read_parquet(groups[0].paths)
            has_own = "filename" in map(str.lower, groups[0].footers[0].names)
            return FileRows(source, session.describe(source), 0, None if has_own else exp.column("filename"))
        if len(groups) == 1:
            query, columns = groups[0].select(session, is_declared=False)
            return FileRows(query.subquery(), columns, 0)
        queries = [group.select(session, is_declared=True)[0] for group in groups]
        union = reduce(lambda one, other: exp.union(one, other, distinct=False, copy=False), queries)
        source = union.subquery()
        return FileRows(source, session.describe(source), 0)


def _from_path(requested: RequestedColumn, text: str | None, refuse: Refuse) -> FileColumn:
    if requested.definition is None:
        return FileColumn(requested, value=text, value_type="VARCHAR")
    try:
        kind, value = typed_value(requested.definition.type, text)
    except ValueError:
        declared = requested.definition.type.value
        return refuse(f"is declared {declared}, and the value in the path is none", "declare it string")
    return FileColumn(requested, value=value, value_type=kind)


def _in_file(requested: RequestedColumn, column: FooterColumn, footer: Footer, refuse: Refuse) -> FileColumn:
    if _fits_as_null(requested, column, footer):
        return FileColumn(requested, column, is_only_null=True)
    if column.kind.problem:
        return refuse(column.kind.problem, "store it as a decimal of at most 38 digits")
    if requested.definition and column.kind.is_cut and has_nanoseconds(footer.path, column.name):
        return refuse("has times that are finer than microseconds", "store whole microseconds")
    return FileColumn(requested, column)


def _fits_as_null(requested: RequestedColumn, column: FooterColumn, footer: Footer) -> bool:
    """Whether a column contains only NULL and has a type that the contract would otherwise reject."""
    declared = requested.definition
    if declared is None or requested.native or column.kind.is_null:
        return column.kind.is_null
    is_allowed = (declared.type, column.kind.type) in CASTS and not column.kind.problem
    return not is_allowed and (declared.nullable or not footer.rows) and is_all_null(footer, column)


def _with_files(found: Mapping[Fault, Sequence[Path]]) -> Iterator[Fault]:
    for fault, paths in found.items():
        more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
        yield replace(fault, message=f"{fault.message} ({near(paths[0])}{more})")


def all_columns(table: ParquetTable, session: Session) -> FileRows:
    """Return the rows of all files with the union of their columns. Raises ResolveError."""
    paths = [each.path for each in table.files]
    footers = table.footers(None)
    source = duckdb_nodes.read_parquet(paths, is_union=True)
    columns = session.describe(source)
    nulls = _nulls_of_all(footers)
    found = tuple(replace(each, has_nulls=nulls.get(each.name)) for each in columns)
    return FileRows(source, found, sum(each.rows for each in footers))


def _nulls_of_all(footers: Sequence[Footer]) -> Mapping[str, bool]:
    """Return whether each column has NULLs, without the columns for which a footer lacks the count."""
    found: dict[str, bool] = {}
    unknown = {each.name for footer in footers for each in footer.columns if each.nulls is None}
    for footer in footers:
        names = {each.name for each in footer.columns}
        found |= {each.name: found.get(each.name, False) or bool(each.nulls) for each in footer.columns}
        unknown |= set(found) - names if footer.rows else set()
    return {name: has for name, has in found.items() if name not in unknown}
