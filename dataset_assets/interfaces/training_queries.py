"""Write the SQL by which TFX and BigQuery ML read published rows, and the settings that go with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from dataset_assets.errors import Fault, ResolveError, UnsupportedError
from dataset_assets.interchange.training_sql import TFX, Consumer, TrainingRead, eval_column
from dataset_assets.interfaces.reading import PublishedRows, open_rows
from dataset_assets.interfaces.row_selection import (
    RowSelection,
    check_all_are_split,
    split_names,
    split_value,
    unsplit_periods,
)
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.ports.warehouse import Publication
from dataset_assets.selection.splits import SPLIT_COLUMN
from dataset_assets.sql.dialect import BIGQUERY
from dataset_assets.text.wording import nearest, shown

SINGLE_SPLIT = "single_split"
"""The name of TFX's only input split where the rows are not split; TFX then splits them itself."""


@dataclass(frozen=True)
class TrainingQueries:
    """The queries of a consumer by the name of their split, or by an empty name if they read all rows.

    `options` are those of BigQuery ML's `CREATE MODEL` that go with the query.
    """

    publications: tuple[Publication, ...]
    queries: Mapping[str, str]
    options: Mapping[str, str | list[str]]


def training_queries(
    workspace: Workspace, selection: RowSelection, consumer: Consumer, label: str | None = None
) -> TrainingQueries:
    """Return the queries by which a consumer reads the selected rows.

    For TFX there is one query for each split, unless the selection names one split; the column `split` is
    left out of them. For BigQuery ML there is one query. Raises UnsupportedError if the rows are not
    published in BigQuery, and ResolveError if a publication, a split or a column does not exist.
    """
    _check_is_in_bigquery(workspace, consumer)
    with open_rows(workspace, selection) as rows:
        _check_one_time(rows, selection)
        if selection.split is None:
            publications = rows.publications
            splits, unsplit = split_names(publications), unsplit_periods(publications)
            check_all_are_split(publications[0].dataset, splits, unsplit)
        if consumer is TFX:
            return _for_tfx(rows, selection)
        return _for_bigquery_ml(rows, selection, consumer, label)


def _for_tfx(rows: PublishedRows, selection: RowSelection) -> TrainingQueries:
    names: Mapping[str, int | None] = {
        each: split_value(rows.publications, each) for each in split_names(rows.publications)
    } or {SINGLE_SPLIT: None}
    if selection.split is not None:
        names = {selection.split: rows.split}
    columns = _columns(rows, selection)
    reads = {
        name: TrainingRead(TFX, columns, value, None, None, rows.bitemporal) for name, value in names.items()
    }
    return TrainingQueries(rows.publications, {name: _sql(rows, each) for name, each in reads.items()}, {})


def _for_bigquery_ml(
    rows: PublishedRows, selection: RowSelection, consumer: Consumer, label: str | None
) -> TrainingQueries:
    columns = _columns(rows, selection)
    label = _label(label, columns) if label else None
    is_split = bool(split_names(rows.publications))
    every = [each.name for each in rows.publications[-1].relation.columns]
    marked = eval_column(every) if is_split and rows.split is None else None
    options: dict[str, str | list[str]] = {"input_label_cols": [label]} if label else {}
    if marked:
        options |= {"data_split_method": "CUSTOM", "data_split_col": marked}
    elif is_split:
        options |= {"data_split_method": "NO_SPLIT"}
    read = TrainingRead(consumer, columns, rows.split, label, marked, rows.bitemporal)
    return TrainingQueries(rows.publications, {selection.split or "": _sql(rows, read)}, options)


def _sql(rows: PublishedRows, read: TrainingRead) -> str:
    return BIGQUERY.render(read.query(rows.publications))


def _columns(rows: PublishedRows, selection: RowSelection) -> tuple[str, ...]:
    """Return the columns to read: `split` only where the selection names it."""
    return tuple(each for each in rows.columns if each != SPLIT_COLUMN or SPLIT_COLUMN in selection.columns)


def _label(name: str, columns: tuple[str, ...]) -> str:
    """Return the column that is learned, as it is published. Raises ResolveError for an unknown one."""
    found = next((each for each in columns if each.lower() == name.lower()), None)
    if found is None:
        meant = nearest(name, columns)
        hint = f"did you mean {meant!r}?" if meant else f"the query has: {', '.join(columns)}"
        raise ResolveError(Fault(f"the query has no column {shown(name)} for the label", hint=hint))
    return found


def _check_is_in_bigquery(workspace: Workspace, consumer: Consumer) -> None:
    target = workspace.target
    if target.warehouse.kind == "bigquery":
        return
    reader = "TFX's BigQueryExampleGen" if consumer is TFX else "BigQuery ML"
    stores = f"the target {target.name!r} publishes to {target.warehouse.kind}"
    message = f"{reader} reads tables in BigQuery, and {stores}"
    hint = "name a BigQuery target with --target, or write the rows to a file: `dataset-assets read -o FILE`"
    raise UnsupportedError(Fault(message, hint=hint))


def _check_one_time(rows: PublishedRows, selection: RowSelection) -> None:
    """Refuse an earlier version of several Periods: a BigQuery statement reads a table as of one time."""
    if selection.version is not None and len(rows.publications) > 1:
        message = f"version {selection.version} has several Periods, which were replaced at different times"
        hint = "name one with --partition: a statement of BigQuery reads a table as of one time"
        raise UnsupportedError(Fault(message, hint=hint))
