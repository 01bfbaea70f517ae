"""The tables of samples in a BigQuery warehouse, whose records are their descriptions.

A table is `_sample_<dataset>--<period>--<share>`, in which the share has `_` for the decimal point. BigQuery
itself removes it when its days are over.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlglot import exp

from dataset_assets.adapters.bigquery.names import create_with_expiration
from dataset_assets.ports.samples import SampleRecord, StoredSample
from dataset_assets.sql.build import text

if TYPE_CHECKING:
    from dataset_assets.adapters.bigquery.tables import Tables

PREFIX = "_sample_"


def sample_name(record: SampleRecord) -> str:
    """Return the name of the table of a sample."""
    share = record.sample.removesuffix("%").replace(".", "_")
    return PREFIX + "--".join(each for each in (record.dataset, record.period, share) if each)


def create_sample(table: exp.Table, query: exp.Query, record: SampleRecord, hours: int) -> exp.Create:
    """Return the statement that creates or replaces the table of a sample."""
    create = create_with_expiration(table, query, hours)
    description = exp.Property(this=exp.var("description"), value=text(record.model_dump_json()))
    create.args["properties"].append("expressions", description)
    return create


def stored_sample(table: exp.Table, record: SampleRecord, size: int | None) -> StoredSample:
    """Return the sample in a table."""
    location = ".".join(part.name for part in table.parts)
    return StoredSample(table.name, location, record, size)


def stored_samples(
    table: Callable[[str], exp.Table], names: Iterable[str], tables: "Tables"
) -> Iterator[StoredSample]:
    """Yield the samples among the tables of a warehouse. A table without a record is none."""
    for name in sorted(each for each in names if each.startswith(PREFIX)):
        found = tables.find(table(name))
        try:
            record = SampleRecord.model_validate_json(found.description or "") if found else None
        except ValidationError:
            continue
        if found and record:
            yield stored_sample(table(name), record, found.num_bytes)
