"""A dataset as the API shows it: the fields of the Domain specification's model, and those of `show`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.contract.model import Dataset, Status
from dataset_assets.contract.scope import Source
from dataset_assets.errors import DatasetAssetsError, near
from dataset_assets.interfaces.answers.datasets import ColumnAnswer, VersionAnswer, dataset_answer
from dataset_assets.interfaces.answers.publications import PublicationAnswer
from dataset_assets.interfaces.web.api.numbers import with_numbers
from dataset_assets.interfaces.web.problems import ProblemFault, problem_of
from dataset_assets.interfaces.web.state import ServerState
from dataset_assets.lifecycle.compare import record_statistics, sensitive_columns
from dataset_assets.lifecycle.listing import listed_dataset
from dataset_assets.model import Instant, Model
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.warehouse import Record
from dataset_assets.stats.statistics import Statistics
from dataset_assets.system_errors import system_errors_as_faults

_LISTED = ("id", "name", "description", "ml_model", "status", "owner", "created_at", "updated_at")
"""The fields that a list of datasets shows as well."""


class DatasetResource(Model):
    """A dataset. The figures are those of its last publication; None without one.

    `transactions_table` is the main table; `products_table` and `customers_table` are the lookups that are
    joined on the product and on the user, empty if there are none. `definition` is the file without what it
    leaves to defaults, `text` the file as it is. A file with faults has no definition. `remarks` say why
    figures are missing.
    """

    dataset: str
    id: str | None = None
    name: str | None = None
    description: str = ""
    ml_model: str | None = None
    status: Status | None = None
    owner: str | None = None
    transactions_table: str = ""
    products_table: str = ""
    customers_table: str = ""
    column_mapping: Mapping[str, str] = Field(default_factory=dict)
    filters: Mapping[str, Any] = Field(default_factory=dict)
    split_config: Mapping[str, Any] = Field(default_factory=dict)
    row_count_estimate: int | None = None
    unique_users_estimate: int | None = None
    unique_products_estimate: int | None = None
    date_range_start: str | None = None
    date_range_end: str | None = None
    column_stats: Mapping[str, Any] = Field(default_factory=dict)
    created_at: Instant | None = None
    updated_at: Instant | None = None
    last_used_at: Instant | None = None
    file: str
    version: int | None = None
    pending: bool = False
    definition: Mapping[str, Any] = Field(default_factory=dict)
    text: str
    columns: tuple[ColumnAnswer, ...] = ()
    versions: tuple[VersionAnswer, ...] = ()
    publications: tuple[PublicationAnswer, ...] = ()
    statistics: Mapping[str, Any] = Field(default_factory=dict)
    faults: tuple[ProblemFault, ...] = ()
    remarks: tuple[str, ...] = ()


def dataset_resource(state: ServerState, catalog: Catalog, entry: Entry, text: str) -> DatasetResource:
    """Return a dataset whose file has this text, with what its target records of it."""
    file = near(entry.path)
    if not entry.ok or entry.dataset is None:
        faults = problem_of(DatasetAssetsError(*entry.faults)).faults
        name = entry.dataset.name if entry.dataset else None
        return DatasetResource(dataset=entry.stem, file=file, text=text, name=name, faults=faults)
    answer = dataset_answer(catalog, entry, (), {})
    found = {**_of_file(catalog, entry, entry.dataset), **_of_target(state, catalog, entry)}
    names = ("version", "pending", "definition", "columns", "versions")
    shown = {name: getattr(answer, name) for name in names}
    return DatasetResource(dataset=entry.stem, file=file, text=text, **shown, **found)


def _of_file(catalog: Catalog, entry: Entry, dataset: Dataset) -> dict[str, Any]:
    mapping, lookups = dataset.column_mapping, catalog.scope(entry).lookups
    listed = listed_dataset(catalog, entry)
    return {
        **{key: getattr(listed, key) for key in _LISTED},
        "transactions_table": dataset.main_table.name,
        "products_table": _joined_on(lookups, mapping.product_id if mapping else None),
        "customers_table": _joined_on(lookups, mapping.user_id if mapping else None),
        "column_mapping": dict(mapping.concepts()) if mapping else {},
        "filters": dataset.filters.model_dump(mode="json", exclude_defaults=True),
        "split_config": dataset.split_config.model_dump(mode="json") if dataset.split_config else {},
    }


def _joined_on(lookups: Sequence[Source], column: str | None) -> str:
    """Return the table of the first lookup that is joined on this column alone; empty if there is none."""
    for source in lookups:
        conditions = source.lookup.join_conditions if source.lookup else ()
        if [each.source_column for each in conditions] == [column]:
            return source.reads
    return ""


def _of_target(state: ServerState, catalog: Catalog, entry: Entry) -> dict[str, Any]:
    try:
        with system_errors_as_faults(), state.target.engine.connect(JobContext(entry.stem)) as session:
            warehouse = state.target.warehouse
            records = [each for each in warehouse.records(entry.stem, session).values() if each]
            used = warehouse.last_uses([entry.stem], session).get(entry.stem)
    except DatasetAssetsError as error:
        return {"remarks": tuple(f"what is published is unknown: {fault}" for fault in error.faults)}
    publications = tuple(map(PublicationAnswer.of_record, records))
    last = _of_record(catalog, entry, records[-1]) if records else {}
    return {"publications": publications, "last_used_at": used, **last}


def _of_record(catalog: Catalog, entry: Entry, record: Record) -> dict[str, Any]:
    statistics = published_statistics(catalog, entry, record)
    days, columns = statistics.date_range(), statistics.columns

    def distinct(concept: str) -> int | None:
        return columns[concept].cardinality if concept in columns else None

    return {
        "row_count_estimate": statistics.row_count,
        "unique_users_estimate": distinct("user_id"),
        "unique_products_estimate": distinct("product_id"),
        "date_range_start": days.start if days else None,
        "date_range_end": days.end if days else None,
        "column_stats": column_stats(statistics),
        "statistics": statistics.model_dump(mode="json"),
    }


def published_statistics(catalog: Catalog, entry: Entry, record: Record) -> Statistics:
    """Return the statistics of a publication; columns that are sensitive have only counts (BR-206)."""
    columns = record_statistics(record, sensitive_columns(catalog, entry, record))
    found = record["statistics"]
    return Statistics.model_validate({**found, "columns": {}}).model_copy(update={"columns": dict(columns)})


def column_stats(statistics: Statistics) -> dict[str, Any]:
    """Return the statistics of each column as the Domain specification shows them."""
    return dict(_column_stats(statistics))


def _column_stats(statistics: Statistics) -> Iterator[tuple[str, Any]]:
    for name, each in statistics.columns.items():
        yield name, with_numbers(each.model_dump(mode="json"), each.type)
