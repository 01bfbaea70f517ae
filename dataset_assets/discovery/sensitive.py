"""Find the columns of a stored table whose values are shown nowhere (BR-206)."""

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.model import Dataset, TableRef
from dataset_assets.discovery.sources import TableName, find_table
from dataset_assets.errors import ResolveError
from dataset_assets.ports.target import Target


def sensitive_columns(catalog: Catalog, target: Target, name: str) -> frozenset[str]:
    """Return the columns, in lower case, of a table that any dataset of the catalog declares sensitive.

    `name` is `table` or `resolver/table`. A declared column counts by its physical name as well as by its
    declared one. Raises ResolveError if the target has no such resolver.
    """
    wanted, found = find_table(target, name), set[str]()
    for dataset in (entry.dataset for entry in catalog.entries.values() if entry.dataset):
        for table in dataset.tables():
            if _is_same(dataset, table, target, wanted):
                declared = [each.name for each in table.columns if each.sensitive]
                stored = [wanted.resolver.stored_name(table.name, each) for each in declared]
                found |= {each.lower() for each in (*declared, *stored)}
    return frozenset(found)


def _is_same(dataset: Dataset, table: TableRef, target: Target, wanted: TableName) -> bool:
    """Return whether a dataset's table is the wanted one, also if the target lacks its resolver."""
    if table.name.lower() != wanted.table.lower():
        return False
    try:
        return target.resolver_of(dataset, table.name).name == wanted.resolver.name
    except ResolveError:
        return True
