"""Find the columns of a publication by its record: of a dataset, or of an output."""

from dataclasses import replace

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.project import Joins
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.publishing.output_sources import OUTPUT
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.publishing.recorded_columns import recorded_columns, recorded_scope


def publication_columns(
    catalog: Catalog, warehouse: Warehouse, record: Record, session: Session
) -> PublishedColumns:
    """Return the columns that a publication has. Raises PublishError if they are not all known."""
    if record.get(OUTPUT, {}).get("joins") == Joins.RUNTIME:
        columns = PublishedColumns(recorded_scope(catalog, warehouse, record, session))
        return replace(columns, without_lookups=True)
    return recorded_columns(catalog, warehouse, record, session)
