"""The loads of a bitemporal table: one publication, whose record says what each Period was loaded from.

All other code reads the record of one load as if the Period had a publication of its own.
"""

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from dataset_assets.checks.results import CheckResult
from dataset_assets.contract.model import Dataset
from dataset_assets.ports.record_marks import CONFIRMATION, LOADED_PERIODS
from dataset_assets.ports.warehouse import Record
from dataset_assets.rows.visible_rows import deleted_rows

INPUTS = ("as_of", "window", "sources", "periods", "gone", "selection")
"""The keys of a record, and of a load, that say what the rows were selected from."""
TABLE_ROWS = "table_rows"
"""The record's key for the number of all rows of the table, those of earlier knowledge included."""


def stored_period(dataset: Dataset, period: str | None) -> str | None:
    """Return the Period under which a warehouse stores a publication: None for a bitemporal table."""
    return None if dataset.main_table.bitemporal else period


def loads_of(record: Record | None) -> Mapping[str, Mapping[str, Any]]:
    """Return what a record says of each load, by the id of the Period; empty if there was none."""
    return record.get(LOADED_PERIODS, {}) if record else {}


def record_of_load(record: Record | None, period: str | None) -> Record | None:
    """Return the record of the load of one Period; None if it was not loaded.

    It is the record of the table with the inputs of that load, and the number of rows of its snapshot.
    """
    found = loads_of(record).get(period or "")
    if record is None or found is None:
        return None
    counts = {**record["counts"], "rows": found["rows"]}
    own = {**found, "period": period, "counts": counts, "published_at": found["loaded_at"]}
    # a record that reads its large parts only when they are accessed continues to do so
    return ChainMap({**own, CONFIRMATION: None}, cast("dict[str, Any]", record))


def records_of_loads(records: Mapping[str | None, Record]) -> Mapping[str | None, Record]:
    """Return the records of a dataset by Period, those of a bitemporal table by the Periods of its loads."""
    record = records.get(None)
    if record is None or LOADED_PERIODS not in record:
        return records
    return {period: load for period in loads_of(record) if (load := record_of_load(record, period))}


def visible_row_count(record: Record) -> int:
    """Return how many rows of a publication are not deleted; of a bitemporal table those of all knowledge."""
    if TABLE_ROWS in record:
        return int(record[TABLE_ROWS]) - deleted_rows(record)
    return int(record["counts"]["rows"])


def with_inputs_of_loads(record: Record, present: Record) -> dict[str, Any]:
    """Return the record of a bitemporal table whose loads are due when those of `present` would be due."""
    now = loads_of(present)
    loads = {
        period: {**facts, **{name: now[period][name] for name in INPUTS}} if period in now else facts
        for period, facts in loads_of(record).items()
    }
    return {**record, LOADED_PERIODS: loads}


def with_load(record: Record, period: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record whose list of loads has this one, in the order of the ids."""
    loads = {**loads_of(record), period: facts}
    return {**record, LOADED_PERIODS: dict(sorted(loads.items()))}


def with_confirmed_load(record: Record, period: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record in which a load of the same snapshot was confirmed, or a further one changed no row.

    A confirmed load stays the one that it was, with its instant, its run and the rows that it changed.
    """
    earlier = loads_of(record).get(period)
    if earlier is None or earlier["digest"] != facts["digest"]:
        return with_load(record, period, facts)
    kept = {name: earlier[name] for name in ("run_id", "loaded_at", "changes")}
    return with_load(record, period, {**facts, **kept, "confirmed_at": facts["loaded_at"]})


def known_as_of(record: Record) -> str:
    """Return the instant that a publication looks back from: of a bitemporal table that of its last load.

    The last load is that of the last Period, whenever it was made.
    """
    *_, last = (record, *loads_of(record).values())
    return last["as_of"]


def stored_checks(checks: tuple[CheckResult, ...]) -> dict[str, Any]:
    """Return what the list of loads keeps of checks: the results that failed, and the names of the others."""
    return {
        "failed_checks": [asdict(each) for each in checks if not each.passed],
        "passed_checks": {each.name: each.blocking for each in checks if each.passed},
    }


def checks_of_load(record: Record, period: str) -> tuple[CheckResult, ...]:
    """Return the results of the checks of a load; those that passed are without figures."""
    facts = loads_of(record)[period]
    passed = (
        CheckResult(name, True, blocking, f"passed when {period} was loaded")
        for name, blocking in facts["passed_checks"].items()
    )
    return (*passed, *(CheckResult(**each) for each in facts["failed_checks"]))
