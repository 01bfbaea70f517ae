"""Check whether a dataset's file can continue what is published: by Period or not, bitemporal or not."""

from collections.abc import Iterator, Mapping

from dataset_assets.contract.model import ColumnDef, Dataset
from dataset_assets.errors import Fault
from dataset_assets.ports.record_marks import LOADED_PERIODS
from dataset_assets.ports.warehouse import Record
from dataset_assets.text.wording import listed

_HINT = "move the table away and load its Periods again, or give the dataset's file another name"
_MOST_LISTED = 12
_PLAIN = Fault("what is published was published without `bitemporal: true`", hint=_HINT)


def continuity_faults(
    dataset: Dataset, columns: tuple[ColumnDef, ...], records: Mapping[str | None, Record]
) -> Iterator[Fault]:
    """Yield why a run of a dataset with these columns would be refused, by the records of each Period.

    A table is partitioned by Period or not, and a bitemporal one holds its loads: a file that says otherwise
    does not describe it.
    """
    whole = records.get(None)
    if dataset.main_table.bitemporal:
        if whole:
            yield from discontinuities(whole, columns, dataset)
        elif records:
            yield _PLAIN
    elif whole and LOADED_PERIODS in whole:
        message = "what is published is a bitemporal table, and the file does not say `bitemporal: true`"
        hint = "restore it; for a dataset of its own give the file another name"
        yield Fault(message, "dataset.main_table", hint)
    elif records and (None in records) != (dataset.partitions is None):
        was, now = ("as one piece", "is by Period") if None in records else ("by Period", "has none")
        hint = "move the table away and publish anew, or give the dataset's file another name"
        yield Fault(f"what is published was published {was}, and the file {now}", "dataset.partitions", hint)


def column_conflicts(
    columns: tuple[ColumnDef, ...], records: Mapping[str | None, Record], period: str | None
) -> Iterator[Fault]:
    """Yield a fault for each column that has another type in other Periods, which keep their rows."""
    hint = "give the column another name, or move the table away and publish its Periods anew"
    others = {id_: _types(record) for id_, record in records.items() if record and id_ != period}
    for column in columns:
        kinds = {id_: types.get(column.name.lower(), column.type) for id_, types in others.items()}
        differing = {str(id_): kind for id_, kind in kinds.items() if kind != column.type}
        if differing:
            was = " or ".join(sorted(set(differing.values())))
            message = f"the column {column.name} is {column.type} now, and {was} in the published Periods"
            yield Fault(f"{message} {listed(differing, _MOST_LISTED)}", hint=hint)


def _types(record: Record) -> Mapping[str, str]:
    """Return the type of each column of a publication, by its name in lower case."""
    return {each["name"].lower(): each["type"] for each in record["columns"]}


def discontinuities(record: Record, columns: tuple[ColumnDef, ...], dataset: Dataset) -> Iterator[Fault]:
    """Yield why a snapshot of a dataset with these columns cannot be loaded into the published table."""
    if LOADED_PERIODS not in record:
        yield _PLAIN
        return
    types = {each.name.lower(): each.type.value for each in columns}
    for each in record["columns"]:
        now = types.get(each["name"].lower())
        if now != each["type"]:
            became = f"is {now} now" if now else "is no longer published"
            message = f"the column {each['name']} was {each['type']} when Periods were loaded, and {became}"
            yield Fault(message, hint=_HINT)
    known = {each["name"].lower() for each in record["columns"]}
    for each in columns:
        if each.name.lower() not in known and not each.nullable:
            message = (
                f"the new column {each.name} is `nullable: false`, and earlier loads have no value for it"
            )
            yield Fault(message, hint=f"let it be nullable, or {_HINT}")
    key, period = dataset.natural_key_columns, dataset.partitions.period if dataset.partitions else None
    then = record["definition"]["natural_key_columns"]
    if sorted(map(str.lower, then)) != sorted(map(str.lower, key)):
        message = f"the natural key was ({', '.join(then)}) when Periods were loaded, and is another one now"
        yield Fault(message, hint=_HINT)
    # ids of different grains do not sort by time: 2026-02-15 would be after 2026-02
    cadence = record["definition"]["partitions"]["period"]
    if cadence != period:
        yield Fault(f"the table was loaded by {cadence}, and its Periods are by {period} now", hint=_HINT)
