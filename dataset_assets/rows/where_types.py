"""The types of the columns that a `where` on the rows of a publication can read."""

from dataset_assets.contract.system_columns import recorded_system_columns
from dataset_assets.contract.where_types import where_types
from dataset_assets.ports.warehouse import Record


def recorded_where_types(record: Record) -> dict[str, str]:
    """Return the columns of the publication with this record for `parse_where`: name to type."""
    published = ((each["name"], each["type"]) for each in record["columns"])
    return where_types(published, recorded_system_columns(record))
