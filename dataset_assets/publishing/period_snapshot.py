"""Build the SQL that loads a Period's selected rows into a bitemporal table (BR-121)."""

from sqlglot import exp

from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.system_columns import BITEMPORAL_COLUMNS, Stamp
from dataset_assets.periods.period import Period
from dataset_assets.ports.warehouse import Publication
from dataset_assets.publishing.loaded_periods import loads_of
from dataset_assets.rows.bitemporal import PeriodLoad
from dataset_assets.rows.valid_time import Snapshot, validity
from dataset_assets.sql.build import alias, column


def snapshot_of(
    inputs: SelectionInput, rows: exp.Expr, period: Period, columns: tuple[ColumnDef, ...]
) -> Snapshot:
    """Return the snapshot of a Period: `rows` are the selected rows for FROM, with their valid time."""
    times = [
        # no file can declare such a name, so the model would refuse it
        ColumnDef.model_construct(name=name, type=reference.column.type, nullable=True)
        for name, reference in inputs.valid_times.items()
    ]
    begin, end = (*times, None, None)[:2]
    key = inputs.dataset.natural_key_columns
    return Snapshot(rows, columns, key, *validity(period, begin, end), inputs.names)


def load_of(
    inputs: SelectionInput,
    segments: exp.Expr,
    columns: tuple[ColumnDef, ...],
    earlier: Publication | None,
    stamp: Stamp,
) -> PeriodLoad:
    """Return the load of a snapshot's segments into the table; its Period is that of the stamp."""
    return PeriodLoad(
        columns=columns,
        key=inputs.dataset.natural_key_columns,
        segments=segments,
        earlier=_earlier_rows(earlier, columns, inputs) if earlier else None,
        period=stamp.period or "",
        loaded=list(loads_of(earlier.record)) if earlier else [],
        stamp=stamp,
        names=inputs.names,
    )


def _earlier_rows(earlier: Publication, columns: tuple[ColumnDef, ...], inputs: SelectionInput) -> exp.Expr:
    """Return the rows of the table with today's columns, for FROM; a new column is NULL in them."""
    known = {each["name"].lower() for each in earlier.record["columns"]}
    values = (
        column(each.name)
        if each.name.lower() in known
        else alias(exp.cast(exp.null(), SQL_TYPES[each.type]), each.name)
        for each in columns
    )
    system = (column(each.name) for each in BITEMPORAL_COLUMNS)
    rows = exp.select(*values, *system).from_(earlier.relation.source.copy())
    return rows.subquery(inputs.names.free("earlier_rows"))
