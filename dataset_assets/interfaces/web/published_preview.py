"""Read the first published rows of a dataset, in the form of a preview, with sensitive values masked."""

from collections.abc import Iterator
from dataclasses import replace

from dataset_assets.checks.duplicate_keys import MASKED
from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.preview import Preview, PreviewColumn
from dataset_assets.errors import Fault, WhereError, raise_all
from dataset_assets.interfaces.frames import to_json_value, value_rows
from dataset_assets.interfaces.reading import PublishedRows, open_rows
from dataset_assets.interfaces.row_selection import RowSelection
from dataset_assets.interfaces.workspace import Workspace


def published_preview(
    workspace: Workspace,
    stem: str,
    limit: int,
    partition: str | None = None,
    split: str | None = None,
    where: str | None = None,
    valid_at: str | None = None,
) -> Preview:
    """Return the first rows of a publication that satisfy `where`, by default of the last Period.

    Of a bitemporal dataset the Period is the one whose knowledge is read, and `valid_at` an instant.
    Raises DatasetAssetsError if nothing is published, there is no such Period or split, or `where` has faults
    or reads a sensitive column: which rows there are would reveal its values (BR-206).
    """
    selection = RowSelection(stem, partition, split=split, limit=limit, where=where, valid_at=valid_at)
    with open_rows(workspace, selection) as every:
        last = every.publications[-1]
        raise_all(WhereError, _revealing(every))
        rows = replace(every, publications=(last,))
        types = {each["name"]: ColumnType(each["type"]) for each in last.record["columns"]}
        values = [value for table in rows.tables() for value in value_rows(table)]
        return Preview(
            dataset=last.dataset,
            period=last.period,
            as_of=last.record["as_of"],
            columns=tuple(
                PreviewColumn(
                    name=name, type=types.get(name, ColumnType.STRING), sensitive=name in rows.sensitive
                )
                for name in rows.columns
            ),
            rows=tuple(
                {
                    name: MASKED if name in rows.sensitive else to_json_value(value)
                    for name, value in zip(rows.columns, row, strict=True)
                }
                for row in values
            ),
        )


def _revealing(rows: PublishedRows) -> Iterator[Fault]:
    read = rows.where.columns if rows.where else frozenset()
    for name in sorted(read & (rows.sensitive | rows.sensitive_besides)):
        hint = "its values are masked here; set conditions on other columns"
        yield Fault(f"`{name}` is sensitive", hint=hint)
