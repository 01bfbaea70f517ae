"""Find the columns that a publication has, by the definition in its record."""

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope
from dataset_assets.errors import Fault, PublishError
from dataset_assets.lifecycle.recorded_sources import RecordedDatasets
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.text.wording import listed


def recorded_scope(catalog: Catalog, warehouse: Warehouse, session: Session, record: Record) -> Scope:
    """Return the sources that a publication was read from, and its columns."""
    datasets = RecordedDatasets(catalog, warehouse, session, record)
    return Scope(Dataset.model_validate(record["definition"]), datasets)


def recorded_columns(
    catalog: Catalog, warehouse: Warehouse, session: Session, record: Record
) -> PublishedColumns:
    """Return the columns that a publication has. Raises PublishError if its definition is not known."""
    columns = PublishedColumns(recorded_scope(catalog, warehouse, session, record))
    names, recorded = [each.name for each in columns.stored], [each["name"] for each in record["columns"]]
    if names != recorded:
        missing = listed([*sorted(set(recorded).symmetric_difference(names))], 5)
        message = f"the definition of the columns {missing} is not known"
        raise PublishError(Fault(message, hint="restore the datasets that this one nests, as they were"))
    return columns
