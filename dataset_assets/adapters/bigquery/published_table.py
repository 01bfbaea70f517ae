"""A published table: its schema, how that may change, and what the table says of itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from google.cloud import bigquery
from sqlglot import exp

from dataset_assets.adapters.bigquery.session import BigQuerySession
from dataset_assets.adapters.bigquery.tables import path
from dataset_assets.adapters.bigquery.types import COLUMN_TYPES, physical_column
from dataset_assets.contract.system_columns import LABELS_TYPE, SYSTEM_COLUMNS
from dataset_assets.errors import Fault, PublishError, raise_all
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.warehouse import Claim, PublishedColumn
from dataset_assets.sql.build import identifier
from dataset_assets.text.wording import listed

_LABELS = (bigquery.SchemaField("key", "STRING"), bigquery.SchemaField("value", "STRING"))
_SYSTEM_TYPES = {"VARCHAR": "STRING", "TIMESTAMPTZ": "TIMESTAMP", "BOOLEAN": "BOOL"}
_LONGEST = 1024
"""Characters of a column's description."""


def _system(name: str, sql_type: str, description: str) -> bigquery.SchemaField:
    if sql_type == LABELS_TYPE:
        return bigquery.SchemaField(name, "RECORD", "REPEATED", description=description, fields=list(_LABELS))
    return bigquery.SchemaField(name, _SYSTEM_TYPES[sql_type], description=description)


@dataclass(frozen=True)
class PublishedTable:
    """The table that one publication goes to.

    All columns may hold NULL as far as BigQuery is concerned: the audit before has looked, and a column that
    becomes nullable later, or is added, needs no change of the other Periods.
    """

    place: exp.Table
    columns: tuple[PublishedColumn, ...]
    session: BigQuerySession

    @property
    def fields(self) -> list[bigquery.SchemaField]:
        """The Dataset's columns, then the system columns."""
        own = (
            bigquery.SchemaField(c.name, COLUMN_TYPES[c.type], description=c.description[:_LONGEST])
            for c in self.columns
        )
        return [*own, *(_system(c.name, c.sql_type, c.description) for c in SYSTEM_COLUMNS)]

    @property
    def names(self) -> list[str]:
        """Of all columns of a publication."""
        return [field.name for field in self.fields]

    def prepare(self, staged: Relation, claim: Claim, others: Sequence[str | None], description: str) -> None:
        """Makes the table, or gives it the columns that are new. `others`: the Periods that keep their rows.

        Raises PublishError for rows that are not as declared, and for a table that cannot hold them.
        """
        raise_all(PublishError, self._wrong_rows(staged))
        _check_partitioning(claim, others)
        table = self.session.tables.find(self.place) or self._made()
        self._check_ours(table)
        raise_all(PublishError, self._conflicts(table, others))
        there = {field.name.lower() for field in table.schema}
        for field in self.fields:
            if field.name.lower() not in there:
                self._add(field)
        self._describe(description)

    def _check_ours(self, table: bigquery.Table) -> None:
        """A table of somebody else's, such as a source of the same name, is never written to."""
        there = {field.name for field in table.schema}
        if not all(each.name in there for each in SYSTEM_COLUMNS):
            message = f"the table {path(self.place)} is there, and is not a published dataset"
            hint = "let the warehouse have a BigQuery dataset of its own, or rename the dataset's file"
            raise PublishError(Fault(message, hint=hint))

    def _made(self) -> bigquery.Table:
        made = bigquery.Table(path(self.place), schema=self.fields)
        made.clustering_fields = ["_period"]
        return self.session.tables.create(made)

    def _add(self, field: bigquery.SchemaField) -> None:
        kind = exp.DataType.build(field.field_type, dialect="bigquery")
        added = exp.ColumnDef(this=identifier(field.name, quoted=True), kind=kind, exists=True)
        self.session.write([exp.Alter(this=self.place.copy(), kind="TABLE", actions=[added])], "columns")

    def _describe(self, description: str) -> None:
        """What the contract says of the table and its columns, where the table says otherwise."""
        wanted = {field.name.lower(): field for field in self.fields}

        def described(table: bigquery.Table) -> list[str]:
            schema = [_described(field, wanted) for field in table.schema]
            if list(table.schema) == schema and (table.description or "") == description:
                return []
            table.schema, table.description = schema, description or None
            return ["schema", "description"]

        self.session.tables.change(self.place, described)

    def _wrong_rows(self, staged: Relation) -> Iterator[Fault]:
        found = {column.name: column for column in staged.columns}
        wanted = {field.name: physical_column(field) for field in self.fields}
        yield from (Fault(f"the staged rows have no column {n!r}") for n in wanted if n not in found)
        yield from (
            Fault(f"the staged rows have an undeclared column {n!r}") for n in found if n not in wanted
        )
        for name, column in wanted.items():
            if name in found and found[name].native != column.native:
                yield Fault(f"column {name!r} is {found[name].native}, not {column.native}")

    def _conflicts(self, table: bigquery.Table, others: Sequence[str | None]) -> Iterator[Fault]:
        before = {field.name.lower(): field for field in table.schema}
        held = [str(period) for period in others if period]
        where = f"in the published Periods {listed(held, 12)}" if held else f"in the table {path(self.place)}"
        hint = "give the column another name, or remove the table and publish its Periods again"
        for field in self.fields:
            old = before.get(field.name.lower())
            new = physical_column(field).native
            if old and physical_column(old).native != new:
                kinds = f"{new}, but {physical_column(old).native}"
                yield Fault(f"column {field.name!r} is now {kinds} {where}", hint=hint)


def _described(
    field: bigquery.SchemaField, wanted: Mapping[str, bigquery.SchemaField]
) -> bigquery.SchemaField:
    new = wanted.get(field.name.lower())
    if new is None or (field.description or "") == (new.description or ""):
        return field
    # All else that is said of the column, such as a policy tag, stays.
    return bigquery.SchemaField.from_api_repr(field.to_api_repr() | {"description": new.description or ""})


def _check_partitioning(claim: Claim, others: Sequence[str | None]) -> None:
    if any((period is None) != (claim.period is None) for period in others):
        was = "by Period" if claim.period is None else "as one piece"
        hint = "remove the table and publish anew, or rename the dataset's file"
        raise PublishError(
            Fault(f"{claim.dataset!r} was published {was} before, and no longer is", hint=hint)
        )
