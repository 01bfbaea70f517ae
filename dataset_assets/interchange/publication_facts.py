"""Collect the facts about a publication for its card and other descriptions, without sensitive values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.users import User
from dataset_assets.contract.model import ColumnType, Dataset
from dataset_assets.contract.scope import OutputColumn, Scope, sensitive_names
from dataset_assets.errors import WhereError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Publication, Record
from dataset_assets.publishing.output_sources import OUTPUT
from dataset_assets.publishing.recorded_columns import recorded_scope
from dataset_assets.selection.filters import Categories
from dataset_assets.sql.where.where import named_columns
from dataset_assets.stats.statistics import ColumnStatistics, Statistics


@dataclass(frozen=True)
class ColumnFacts:
    """A published column. `source` and `source_column` are empty for `split`, which is computed.

    `statistics` of a sensitive column are counts alone (BR-206).
    """

    name: str
    type: ColumnType
    nullable: bool
    description: str
    sensitive: bool
    source: str
    source_column: str
    statistics: ColumnStatistics | None


@dataclass(frozen=True)
class PublicationFacts:
    """One publication with its columns, its owner, and the table that holds it.

    `stem` is the name of the dataset, or of the output, for machines. `dataset` is the definition that was
    published, `current` that of today if its file has no faults: its name, description and owner are shown.
    `owner` is None if users.yaml lacks it.
    """

    stem: str
    table_version: int
    record: Record
    dataset: Dataset
    current: Dataset
    columns: tuple[ColumnFacts, ...]
    owner: User | None
    table_name: str
    location: str

    @property
    def splits(self) -> Mapping[str, int]:
        """The number of rows of each split."""
        return self.record["statistics"]["splits"]

    @property
    def rows(self) -> int:
        """The number of rows, without those that were deleted by hand."""
        return self.record["counts"]["rows"]

    @property
    def sensitive(self) -> frozenset[str]:
        """The names of the sensitive columns."""
        return frozenset(each.name for each in self.columns if each.sensitive)

    @property
    def masks_product_filter(self) -> bool:
        """Whether the product filter names values of a sensitive column, its categories."""
        return isinstance(self.dataset.filters.product_filter, Categories) and "category" in self.sensitive

    @property
    def sql(self) -> str:
        """The SQL that selected the rows; empty if it has values of a sensitive column (BR-206)."""
        output = self.record.get(OUTPUT)
        conditions = [each.get("where") for each in output["operations"]] if output else []
        is_masked = any(map(self._reads_sensitive, conditions)) if output else self.masks_product_filter
        return "" if is_masked else self.record.get("sql") or ""

    def _reads_sensitive(self, condition: str | None) -> bool:
        """Return whether a recorded condition reads a sensitive column, or was masked then."""
        if not condition:
            return False
        try:
            columns = named_columns(condition)
        except WhereError:
            return True
        return not columns.isdisjoint(name.lower() for name in self.sensitive)


def publication_facts(
    catalog: Catalog, target: Target, publication: Publication, entry: Entry | None, session: Session
) -> PublicationFacts:
    """Return the facts of a publication.

    A column is sensitive if the definition that was published or the one of today says so, or if no
    definition of it is known (BR-206).
    """
    scope = recorded_scope(catalog, target.warehouse, publication.record, session)
    return facts_of(
        catalog, target, publication.dataset, publication.version, publication.record, scope, entry
    )


def facts_of(
    catalog: Catalog,
    target: Target,
    stem: str,
    table_version: int,
    record: Record,
    scope: Scope,
    entry: Entry | None,
) -> PublicationFacts:
    """Return the facts of the publication with this record; `scope` has its sources as they were then."""
    scopes = [scope, *([catalog.scope(entry)] if entry and entry.dataset else [])]
    current = scopes[-1].dataset
    sensitive = sensitive_names(scopes, [each["name"] for each in record["columns"]])
    known = {each.name.lower(): each for each in scope.outputs}
    statistics = Statistics.model_validate(record["statistics"]).columns
    return PublicationFacts(
        stem=stem,
        table_version=table_version,
        record=record,
        dataset=scope.dataset,
        current=current,
        columns=tuple(
            _column(each, known.get(each["name"].lower()), each["name"] in sensitive, statistics)
            for each in record["columns"]
        ),
        owner=catalog.users.find(current.owner),
        table_name=target.warehouse.table_name(stem),
        location=target.warehouse.location(stem),
    )


def _column(
    stored: Mapping[str, Any],
    output: OutputColumn | None,
    sensitive: bool,
    statistics: Mapping[str, ColumnStatistics],
) -> ColumnFacts:
    reference = output.reference if output else None
    found = statistics.get(stored["name"])
    return ColumnFacts(
        name=stored["name"],
        type=ColumnType(stored["type"]),
        nullable=stored["nullable"],
        description=output.definition.description if output else "",
        sensitive=sensitive,
        source=reference.source.reads if reference else "",
        source_column=reference.column.name if reference else "",
        statistics=counts_only(found) if found and sensitive else found,
    )


def counts_only(statistics: ColumnStatistics) -> ColumnStatistics:
    """Return the counts of a column's statistics, without its values (BR-206)."""
    counts = {"type", "cardinality", "null_count", "null_percent"}
    return ColumnStatistics(sensitive=True, **statistics.model_dump(include=counts))
