"""List the loads of a bitemporal table for people: rows, changes in words, instants and run of each."""

from collections.abc import Iterator, Mapping
from typing import Any

from dataset_assets.model import Model
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.loaded_periods import loads_of

_CHANGES = ("added", "changed", "removed")
_UNCHANGED = "none: the table said so before"


class LoadLine(Model):
    """The load of one Period: the rows of its snapshot, and which rows of the table it changed, in words.

    `confirmed_at` is the instant of the last run that found the same snapshot again; empty without one.
    """

    period: str
    rows: int
    changes: str
    loaded_at: str
    confirmed_at: str
    run_id: str


def load_lines(record: Record) -> Iterator[LoadLine]:
    """Yield the loads of a bitemporal table in the order of their Periods; none of another table."""
    for period, load in loads_of(record).items():
        yield LoadLine(
            period=period,
            rows=load["rows"],
            changes=_in_words(load["changes"]),
            loaded_at=load["loaded_at"],
            confirmed_at=load.get("confirmed_at", ""),
            run_id=load["run_id"],
        )


def _in_words(changes: Mapping[str, Any]) -> str:
    return ", ".join(f"{changes[name]:,} {name}" for name in _CHANGES if changes[name]) or _UNCHANGED
