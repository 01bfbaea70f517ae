"""The schema of a published BigQuery table: creating it, adding columns, and descriptions."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from google.cloud import bigquery
from sqlglot import exp

from dataset_assets.adapters.bigquery.session import BigQuerySession
from dataset_assets.adapters.bigquery.tables import Tables, path
from dataset_assets.adapters.bigquery.types import COLUMN_TYPES, physical_column
from dataset_assets.adapters.shared.publish_errors import column_faults, partitioning_changed
from dataset_assets.cached_property import cached_property
from dataset_assets.contract.system_columns import LABELS_TYPE, PERIOD_FROM, PERIOD_TO, SystemColumn
from dataset_assets.errors import Fault, PublishError, raise_all
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.warehouse import Claim, PublishedColumn, Record
from dataset_assets.sql.build import identifier
from dataset_assets.text.wording import listed

_LABELS = (bigquery.SchemaField("key", "STRING"), bigquery.SchemaField("value", "STRING"))
_SYSTEM_TYPES = {"VARCHAR": "STRING", "TIMESTAMPTZ": "TIMESTAMP", "BOOLEAN": "BOOL"}
_CLUSTERED = ("_period", PERIOD_TO, PERIOD_FROM)
"""The columns that readers select rows by: open Periods before closed ones in a bitemporal table."""
_MAX_DESCRIPTION = 1024
"""Characters that BigQuery allows in the description of a column."""


def _system_field(name: str, sql_type: str, description: str) -> bigquery.SchemaField:
    if sql_type == LABELS_TYPE:
        return bigquery.SchemaField(name, "RECORD", "REPEATED", description=description, fields=list(_LABELS))
    return bigquery.SchemaField(name, _SYSTEM_TYPES[sql_type], description=description)


@dataclass(frozen=True)
class OtherPeriods:
    """The published Periods that keep their rows, which `read` reads from the ledger by a billed query.

    `record` is that of the publication by `claim`.
    """

    read: Callable[[], Sequence[str | None]]
    claim: Claim
    record: Record

    @cached_property
    def periods(self) -> list[str | None]:
        """Return the Periods; None stands for an unpartitioned dataset."""
        return [period for period in self.read() if period != self.claim.period]

    def check_partitioning(self) -> None:
        """Raise PublishError if the dataset was published with Periods and has none now, or vice versa.

        A publication that replaces another one of its Period needs no query: that one was checked.
        """
        if self.record.get("replaces") is not None:
            return
        if any((period is None) != (self.claim.period is None) for period in self.periods):
            hint = "remove the table and publish again, or rename the dataset's file"
            raise partitioning_changed(self.claim, hint)


@dataclass(frozen=True)
class PublishedTableSchema:
    """The schema that one publication needs, and the table that gets it.

    All columns are nullable in BigQuery: the audit has checked the rows before, and a column that becomes
    nullable later, or is added, requires no change of the other Periods.
    """

    table: exp.Table
    columns: tuple[PublishedColumn, ...]
    system: tuple[SystemColumn, ...]
    session: BigQuerySession
    policy_tag: str | None = None
    """The policy tag of sensitive columns (BR-146)."""

    @property
    def fields(self) -> list[bigquery.SchemaField]:
        """Return the Dataset's columns, then the system columns."""
        return [
            *map(self._field, self.columns),
            *(_system_field(c.name, c.sql_type, c.description) for c in self.system),
        ]

    def _field(self, each: PublishedColumn) -> bigquery.SchemaField:
        description = each.description[:_MAX_DESCRIPTION]
        field = bigquery.SchemaField(each.name, COLUMN_TYPES[each.type], description=description)
        return _with_tag(field, self.policy_tag) if each.sensitive and self.policy_tag else field

    @property
    def names(self) -> list[str]:
        """Return the names of all columns of a publication."""
        return [field.name for field in self.fields]

    def prepare(self, staged: Relation, others: OtherPeriods, description: str) -> None:
        """Create the table, or add the new columns to it.

        Raises PublishError if the staged rows are not as declared, or if the table cannot hold them.
        """
        raise_all(PublishError, self._staged_faults(staged))
        others.check_partitioning()
        table = self.session.tables.find(self.table) or self._create()
        self._check_ownership(table)
        raise_all(PublishError, self._conflicts(table, others))
        existing = {field.name.lower() for field in table.schema}
        for field in self.fields:
            if field.name.lower() not in existing:
                self._add_column(field)
        self._update_columns(description)

    def _check_ownership(self, table: bigquery.Table) -> None:
        """Refuse a table that is no published dataset, such as a source of the same name."""
        existing = {field.name for field in table.schema}
        if not all(each.name in existing for each in self.system):
            message = f"the table {path(self.table)} is there, and is not a published dataset"
            hint = "let the warehouse have a BigQuery dataset of its own, or rename the dataset's file"
            raise PublishError(Fault(message, hint=hint))

    def _create(self) -> bigquery.Table:
        definition = bigquery.Table(path(self.table), schema=self.fields)
        names = self.names
        definition.clustering_fields = [each for each in _CLUSTERED if each in names]
        return self.session.tables.create(definition)

    def _add_column(self, field: bigquery.SchemaField) -> None:
        kind = exp.DataType.build(field.field_type, dialect="bigquery")
        added = exp.ColumnDef(this=identifier(field.name, quoted=True), kind=kind, exists=True)
        self.session.write([exp.Alter(this=self.table.copy(), kind="TABLE", actions=[added])], "columns")

    def _update_columns(self, description: str) -> None:
        """Write descriptions where the table's differ, and the policy tag where a column has none.

        It is written before rows are, so that no sensitive value is ever readable without the tag.
        """
        declared = {field.name.lower(): field for field in self.fields}
        sensitive = {each.name.lower() for each in self.columns if each.sensitive}

        def describe(table: bigquery.Table) -> list[str]:
            described = [_with_description(field, declared) for field in table.schema]
            schema = _protected(described, sensitive, self.policy_tag)
            if list(table.schema) == schema and (table.description or "") == description:
                return []
            table.schema, table.description = schema, description or None
            return ["schema", "description"]

        self.session.tables.change(self.table, describe)

    def _staged_faults(self, staged: Relation) -> Iterator[Fault]:
        columns = {column.name: column for column in staged.columns}
        expected = {field.name: physical_column(field) for field in self.fields}
        yield from column_faults(expected, columns)
        for name, column in expected.items():
            if name in columns and columns[name].native != column.native:
                yield Fault(f"column {name!r} is {columns[name].native}, not {column.native}")

    def _conflicts(self, table: bigquery.Table, others: OtherPeriods) -> Iterator[Fault]:
        before = {field.name.lower(): field for field in table.schema}
        hint = "give the column another name, or remove the table and publish its Periods again"
        for field in self.fields:
            old = before.get(field.name.lower())
            new = physical_column(field).native
            if old and physical_column(old).native != new:
                kinds = f"{new}, but {physical_column(old).native}"
                yield Fault(f"column {field.name!r} is now {kinds} {self._where(others)}", hint=hint)

    def _where(self, others: OtherPeriods) -> str:
        periods = [str(period) for period in others.periods if period]
        if periods:
            return f"in the published Periods {listed(periods, 12)}"
        return f"in the table {path(self.table)}"


def _with_description(
    field: bigquery.SchemaField, declared: Mapping[str, bigquery.SchemaField]
) -> bigquery.SchemaField:
    new = declared.get(field.name.lower())
    if new is None or (field.description or "") == (new.description or ""):
        return field
    # The column's other properties, such as a policy tag, are kept.
    return bigquery.SchemaField.from_api_repr(field.to_api_repr() | {"description": new.description or ""})


def protect_columns(tables: Tables, table: exp.Table, sensitive: Collection[str], policy_tag: str) -> None:
    """Set the policy tag on the sensitive columns of a table, named in lower case, that have none."""

    def protect(found: bigquery.Table) -> list[str]:
        schema = _protected(found.schema, sensitive, policy_tag)
        if list(found.schema) == schema:
            return []
        found.schema = schema
        return ["schema"]

    tables.change(table, protect)


def _protected(
    fields: Sequence[bigquery.SchemaField], sensitive: Collection[str], policy_tag: str | None
) -> list[bigquery.SchemaField]:
    """Return the columns, the sensitive ones with a policy tag; one that a column already has is kept."""
    return [
        _with_tag(field, policy_tag)
        if policy_tag and field.name.lower() in sensitive and not _tags(field)
        else field
        for field in fields
    ]


def _tags(field: bigquery.SchemaField) -> tuple[str, ...]:
    return tuple(field.policy_tags.names) if field.policy_tags else ()


def _with_tag(field: bigquery.SchemaField, policy_tag: str) -> bigquery.SchemaField:
    return bigquery.SchemaField.from_api_repr(field.to_api_repr() | {"policyTags": {"names": [policy_tag]}})
