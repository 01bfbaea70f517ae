"""Describe one table: its stored columns, the types to declare, and statistics of its rows."""

from collections.abc import Collection, Mapping, Sequence

from sqlglot import exp

from dataset_assets.compiler.typing import CASTS
from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.runs import ReportCost
from dataset_assets.discovery.sources import OpenTable, open_table
from dataset_assets.discovery.tables import ColumnDescription, TableDescription
from dataset_assets.errors import DataError
from dataset_assets.ports.relation import PhysicalColumn, PhysicalType
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.sql.build import alias_table, column
from dataset_assets.stats.profile import estimate_profile, profile
from dataset_assets.stats.statistics import ColumnStatistics, Statistics

DECLARE_AS: Mapping[PhysicalType, ColumnType] = {
    PhysicalType.STRING: ColumnType.STRING,
    PhysicalType.INTEGER: ColumnType.INTEGER,
    PhysicalType.FLOAT: ColumnType.DECIMAL,
    PhysicalType.DECIMAL: ColumnType.DECIMAL,
    PhysicalType.BOOLEAN: ColumnType.BOOLEAN,
    PhysicalType.DATE: ColumnType.DATE,
    PhysicalType.TIMESTAMP: ColumnType.TIMESTAMP,
    PhysicalType.DATETIME: ColumnType.TIMESTAMP,
}
"""Maps a stored type to the type that a contract declares for it; the others cannot be declared."""

_STATISTICS = ("cardinality", "null_percent", "min", "max", "mean", "median", "sample_values")


def no_report(size: int) -> None:
    """Ignore the cost."""


def describe_table(
    target: Target,
    name: str,
    *,
    statistics: bool = False,
    sensitive: Collection[str] = (),
    report_cost: ReportCost = no_report,
) -> TableDescription:
    """Return the columns of the table that `table` or `resolver/table` means, with exact statistics if asked.

    `sensitive` names columns whose values are not shown (BR-206). On an engine that bills bytes,
    `report_cost` receives them before any row is read. Raises ResolveError with the nearest name if there is
    no such table, and BudgetError if a query would read more than the target allows.
    """
    with open_table(target, name) as opened:
        return describe_opened(opened, statistics=statistics, sensitive=sensitive, report_cost=report_cost)


def describe_opened(
    opened: OpenTable,
    *,
    statistics: bool,
    sensitive: Collection[str] = (),
    report_cost: ReportCost = no_report,
) -> TableDescription:
    """Describe a table that is open already, as `describe_table` does."""
    hidden = {each.lower() for each in sensitive}
    measured = _measure(opened, hidden, report_cost) if statistics else None
    columns = {
        each.name: _describe(each, measured, is_sensitive=each.name.lower() in hidden)
        for each in opened.relation.columns
    }
    return TableDescription(
        table=opened.name.table,
        resolver=opened.name.resolver.name,
        row_count=measured.row_count if measured else opened.row_count,
        last_modified=opened.state.modified_at,
        columns=columns,
    )


def statistics_cost(opened: OpenTable) -> int | None:
    """Return the bytes that the statistics of a table would be billed for; None if they cost nothing."""
    declared = [each for each in opened.relation.columns if each.type in DECLARE_AS]
    if not declared:
        return None
    source, columns = _as_declared(opened, declared, ())
    return estimate_profile(opened.session, source, columns, None)


def _describe(
    physical: PhysicalColumn, measured: Statistics | None, *, is_sensitive: bool
) -> ColumnDescription:
    described = ColumnDescription(
        type=physical.native, declare_as=DECLARE_AS.get(physical.type), sensitive=is_sensitive
    )
    found = measured.columns.get(physical.name) if measured else None
    if found:
        described = described.model_copy(update={name: getattr(found, name) for name in _STATISTICS})
    problem = measured.extra.get(physical.name) if measured else None
    return described.model_copy(update={"problem": problem}) if problem else described


def _measure(opened: OpenTable, hidden: Collection[str], report_cost: ReportCost) -> Statistics | None:
    """Return statistics by the names of the stored columns; None if no column can be declared.

    `extra` has the problem of each failed column.
    """
    declared = [each for each in opened.relation.columns if each.type in DECLARE_AS]
    if not declared:
        return None
    source, columns = _as_declared(opened, declared, hidden)
    cost = estimate_profile(opened.session, source, columns, None)
    if cost is not None:
        report_cost(cost)
    try:
        found = profile(opened.session, source, columns, None)
    except DataError:
        found = _one_by_one(opened, source, columns)
    names = {numbered.name: each.name for numbered, each in zip(columns, declared, strict=True)}
    return found.model_copy(
        update={
            "columns": {names[key]: value for key, value in found.columns.items()},
            "extra": {names[key]: value for key, value in found.extra.items()},
        }
    )


def _as_declared(
    opened: OpenTable, declared: Sequence[PhysicalColumn], hidden: Collection[str]
) -> tuple[exp.Expr, list[PublishedColumn]]:
    """Return the rows with each column cast to the type that a contract declares for it.

    The columns are called `c0`, `c1` …, because a stored name can be any text.
    """
    selected, columns = [], []
    for place, each in enumerate(declared):
        kind = DECLARE_AS[each.type]
        value = CASTS[kind, each.type](column(each.name, "stored"), each, opened.relation.zone)
        selected.append(exp.alias_(value, f"c{place}"))
        columns.append(PublishedColumn(f"c{place}", kind, True, sensitive=each.name.lower() in hidden))
    source = alias_table(opened.relation.source, "stored")
    return exp.select(*selected).from_(source).subquery(), columns


def _one_by_one(opened: OpenTable, source: exp.Expr, columns: Sequence[PublishedColumn]) -> Statistics:
    """Measure each column by itself, so that a column with values that cannot be declared spoils no other."""
    row_count, found, problems = 0, dict[str, ColumnStatistics](), dict[str, str | None]()
    for each in columns:
        try:
            measured = profile(opened.session, source, [each], None)
        except DataError as error:
            problems[each.name] = str(error.faults[0])
        else:
            row_count, found = measured.row_count, found | measured.columns
    return Statistics(row_count=row_count, columns=found, extra=problems)
