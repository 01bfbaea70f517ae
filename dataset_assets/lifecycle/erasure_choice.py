"""Choose the datasets of an erasure, and check its condition against what is published of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.system_columns import BITEMPORAL_COLUMNS, SYSTEM_COLUMNS
from dataset_assets.errors import Fault, PublishError, WhereError, raise_all
from dataset_assets.lifecycle.erasure_report import EraseRequest
from dataset_assets.lifecycle.history import not_published
from dataset_assets.lifecycle.row_erasers import WhereEraser
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.publishing.output_sources import OUTPUT
from dataset_assets.rows.where_types import recorded_where_types
from dataset_assets.selection.splits import FOLD_COLUMN, SPLIT_COLUMN
from dataset_assets.sql.where.where import named_columns

_SYSTEM = frozenset(each.name for each in (*SYSTEM_COLUMNS, *BITEMPORAL_COLUMNS))


def chosen_plans(
    warehouse: Warehouse, catalog: Catalog, request: EraseRequest, session: Session
) -> Mapping[str, WhereEraser]:
    """Return the tables whose rows are erased. Without a name these are all that have the columns.

    Tables that a named dataset published under an earlier name are among them, if the condition fits them.
    Raises NotStoredError if nothing of a named dataset is published, PublishError if it is an output, and
    WhereError if the condition does not fit the publications, reads no column, or one that no source has.
    """
    eraser = WhereEraser(request.where)
    if not request.datasets:
        return _all_with_columns(warehouse, catalog, eraser, session)
    for stem in request.datasets:
        records = _records(warehouse, stem, session)
        if not records:
            raise not_published(stem, catalog)
        raise_all(PublishError, _made_anew(stem, records))
        for record in records:
            raise_all(WhereError, _unfit(eraser.parsed(record).columns, [record]))
    former = (
        name
        for stem in request.datasets
        for name in _former_tables(warehouse, catalog, stem, eraser, session)
    )
    return dict.fromkeys([*request.datasets, *former], eraser)


def _former_tables(
    warehouse: Warehouse, catalog: Catalog, stem: str, eraser: WhereEraser, session: Session
) -> Iterator[str]:
    """Yield the tables of a dataset's earlier names that the condition fits."""
    ids = {record.get("dataset_id") for record in _records(warehouse, stem, session)}
    for dataset_id in filter(None, ids):
        for name in warehouse.published_by(dataset_id, session):
            records = _records(warehouse, name, session)
            if name != stem and name not in catalog.entries and _fits(eraser, records):
                yield name


def _fits(eraser: WhereEraser, records: Sequence[Record]) -> bool:
    try:
        return bool([eraser.parsed(record) for record in records])
    except WhereError:
        return False


def _all_with_columns(
    warehouse: Warehouse, catalog: Catalog, eraser: WhereEraser, session: Session
) -> Mapping[str, WhereEraser]:
    """Return the datasets that have a column of the condition, all or none: a fault of one is for all."""
    names = named_columns(eraser.where)
    found: dict[str, WhereEraser] = {}
    elsewhere: list[Fault] = []
    refused: list[Fault] = []
    without_file = set(warehouse.published_tables(session)).difference(catalog.entries)
    for stem in (*catalog.entries, *sorted(without_file)):
        records = _records(warehouse, stem, session)
        if any(OUTPUT in record for record in records):
            continue
        try:
            columns = {name for record in records for name in eraser.parsed(record).columns}
        except WhereError as error:
            faults = elsewhere if names and names.isdisjoint(_published(records)) else refused
            faults += [replace(each, message=f"{each.message} (in {stem})") for each in error.faults]
            continue
        if records:
            refused += _unfit(columns, records)
            found[stem] = eraser
    raise_all(WhereError, dict.fromkeys(refused))
    if not found:
        nothing = [Fault("nothing is published", hint="publish a dataset first")]
        raise WhereError(*(elsewhere or nothing))
    return found


def _published(records: Sequence[Record]) -> set[str]:
    """Return the columns that any of these publications has, in lower case."""
    return {name.lower() for record in records for name in recorded_where_types(record)}


def _records(warehouse: Warehouse, stem: str, session: Session) -> list[Record]:
    return [each for each in warehouse.records(stem, session).values() if each]


def _made_anew(stem: str, records: Sequence[Record]) -> Iterator[Fault]:
    """Yield a fault for an output: the next run of its project would bring back what its dataset has."""
    if dataset := next((each[OUTPUT]["dataset"] for each in records if OUTPUT in each), None):
        message = f"{stem} is an output, which each run of its project makes from {dataset}"
        yield Fault(message, hint=f"erase the rows of {dataset}: its outputs lose them as well")


def _computed(record: Record) -> frozenset[str]:
    """Return the columns of a publication that no source has: a refresh could not know a row by them."""
    config = record["definition"].get("split_config") or {}
    return _SYSTEM | ({SPLIT_COLUMN} if config else set()) | ({FOLD_COLUMN} if config.get("folds") else set())


def _unfit(columns: "frozenset[str] | set[str]", records: Sequence[Record]) -> Iterator[Fault]:
    """Yield the faults of a condition that reads these columns of publications."""
    if not columns:
        hint = "name columns that identify the person: user_id = 7"
        yield Fault("the condition reads no column, so it is about nobody", hint=hint)
    computed = frozenset[str]().union(*map(_computed, records))
    for name in sorted(computed.intersection(columns)):
        message = f"rows are not erased by {name}: no source has it, so a refresh would bring them back"
        yield Fault(message, hint="name columns that identify the person")
