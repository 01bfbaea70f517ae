"""The types of the columns that a `where` on the rows of a publication can read."""

from dataset_assets.contract.system_columns import BITEMPORAL_COLUMNS, SYSTEM_COLUMNS
from dataset_assets.contract.where_types import where_types
from dataset_assets.ports.warehouse import Record


def recorded_where_types(record: Record) -> dict[str, str]:
    """Return the columns of the publication with this record for `parse_where`: name to type."""
    is_bitemporal = record["definition"]["main_table"].get("bitemporal", False)
    system = BITEMPORAL_COLUMNS if is_bitemporal else SYSTEM_COLUMNS
    return where_types(((each["name"], each["type"]) for each in record["columns"]), system)
