"""Preview a dataset: the first rows that a run would publish, without system columns."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.checks.duplicate_keys import MASKED
from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.runs import OpenRun, Reports, open_run, selection_queries
from dataset_assets.errors import Fault, UnsupportedError
from dataset_assets.model import Instant, Model
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.selection.split_config import split_value
from dataset_assets.sql.build import CTE, assemble, column, number, table
from dataset_assets.system_errors import system_errors_as_faults
from dataset_assets.text.values import json_value

DEFAULT_ROWS, MOST_ROWS = 100, 10_000


class PreviewColumn(Model):
    """A published column. The values of a sensitive one are masked (BR-206)."""

    name: str
    type: ColumnType
    sensitive: bool


class Preview(Model):
    """The first rows of a publication that is not made, ordered by time, natural key and all other columns.

    A row maps each column to its value: a decimal, date or instant as text, None for NULL.
    """

    dataset: str
    period: str | None
    as_of: Instant
    columns: tuple[PreviewColumn, ...]
    rows: tuple[Mapping[str, Any], ...]


@system_errors_as_faults()
def preview(
    catalog: Catalog,
    target: Target,
    entry: Entry,
    at: AsOfChoice,
    limit: int = DEFAULT_ROWS,
    split: str | None = None,
    reports: Reports | None = None,
) -> Preview:
    """Return at most `limit` rows that a run would publish, of one split if it is given.

    Raises DatasetAssetsError as `open_run` does, and UnsupportedError for an unknown split or a limit out of
    range.
    """
    if not 0 < limit <= MOST_ROWS:
        message = f"a preview has 1 to {MOST_ROWS:,} rows, not {limit:,}"
        raise UnsupportedError(Fault(message, hint="publish the dataset and `read` it"))
    chosen = split_value(catalog.checked(entry).split_config, split) if split else None

    with open_run(catalog, target, entry, at, selection_queries, reports or Reports()) as run:
        rows = run.session.rows(_query(run, limit, chosen))
        columns = run.prepared.columns
        return Preview(
            dataset=entry.stem,
            period=run.prepared.period,
            as_of=at.as_of,
            columns=preview_columns(columns),
            rows=preview_rows(columns, rows),
        )


def preview_columns(columns: Sequence[PublishedColumn]) -> tuple[PreviewColumn, ...]:
    """Return the columns of a preview."""
    return tuple(PreviewColumn(name=each.name, type=each.type, sensitive=each.sensitive) for each in columns)


def preview_rows(
    columns: Sequence[PublishedColumn], rows: Iterable[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """Return the rows of a preview as plain values, without those of sensitive columns."""
    return tuple({each.name: _shown(each, row) for each in columns} for row in rows)


def _shown(each: PublishedColumn, row: Mapping[str, Any]) -> Any:
    return MASKED if each.sensitive else json_value(row[each.name])


def _query(run: OpenRun, limit: int, split: int | None) -> exp.Query:
    selection: tuple[CTE, ...] = run.prepared.selection
    query = first_rows(run, table(selection[-1].name), limit)
    if split is not None:
        query = query.where(exp.EQ(this=column("split"), expression=number(split)))
    return assemble(selection, query)


def first_rows(
    run: OpenRun, rows: exp.Expr, limit: int, columns: Sequence[PublishedColumn] = ()
) -> exp.Select:
    """Return the query of the first of `rows`, by time, natural key and all other columns.

    `columns` are those of the rows, by default the published ones. Values of sensitive columns are not read,
    except to order rows.
    """
    columns = columns or run.prepared.columns
    shown = [each for each in columns if not each.sensitive]
    query = exp.select(*(column(each.name) for each in shown) if shown else [exp.Literal.number(1)])
    order = [exp.Ordered(this=column(name), nulls_first=True) for name in _order(run, columns)]
    return query.from_(rows.copy()).order_by(*order).limit(limit)


def _order(run: OpenRun, columns: Sequence[PublishedColumn]) -> list[str]:
    """Return the columns that rows are ordered by: the time, the natural key, then all others."""
    names = [each.name for each in columns]
    first = ["timestamp"] if run.dataset.column_mapping and "timestamp" in names else []
    by_name = {name.lower(): name for name in names}
    keys = [by_name[key.lower()] for key in run.dataset.natural_key_columns]
    return list(dict.fromkeys((*first, *keys, *names)))
