"""Choose the datasets of an erasure, and check its condition against what is published of each."""

from collections.abc import Iterator, Mapping

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS
from dataset_assets.errors import Fault, WhereError, raise_all
from dataset_assets.lifecycle.erasure_report import EraseRequest
from dataset_assets.lifecycle.history import not_published
from dataset_assets.lifecycle.row_erasers import WhereEraser
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Record, Warehouse

_COMPUTED = frozenset({"split", *(each.name for each in SYSTEM_COLUMNS)})
"""Columns that no source has: a refresh could not know a row by them."""


def chosen_plans(
    warehouse: Warehouse, catalog: Catalog, request: EraseRequest, session: Session
) -> Mapping[str, WhereEraser]:
    """Return the datasets whose rows are erased. Without a name these are all that have the columns.

    Raises NotStoredError if nothing of a named dataset is published, and WhereError if the condition does not
    fit the publications, or reads a column that no source has.
    """
    eraser = WhereEraser(request.where)
    if not request.datasets:
        return _all_with_columns(warehouse, catalog, eraser, session)
    for stem in request.datasets:
        records = _records(warehouse, stem, session)
        if not records:
            raise not_published(stem)
        for record in records:
            raise_all(WhereError, _computed(eraser.parsed(record).columns))
    return dict.fromkeys(request.datasets, eraser)


def _all_with_columns(
    warehouse: Warehouse, catalog: Catalog, eraser: WhereEraser, session: Session
) -> Mapping[str, WhereEraser]:
    found: dict[str, WhereEraser] = {}
    refused: list[Fault] = []
    for stem in catalog.entries:
        records = _records(warehouse, stem, session)
        try:
            columns = {name for record in records for name in eraser.parsed(record).columns}
        except WhereError as error:
            refused += error.faults
            continue
        if records:
            raise_all(WhereError, _computed(columns))
            found[stem] = eraser
    if not found:
        raise WhereError(
            *(dict.fromkeys(refused) or [Fault("nothing is published", hint="publish a dataset first")])
        )
    return found


def _records(warehouse: Warehouse, stem: str, session: Session) -> list[Record]:
    return [each for each in warehouse.records(stem, session).values() if each]


def _computed(columns: "frozenset[str] | set[str]") -> Iterator[Fault]:
    for name in sorted(_COMPUTED.intersection(columns)):
        message = f"rows are not erased by {name}: no source has it, so a refresh would bring them back"
        yield Fault(message, hint="name columns that identify the person")
