"""Read what is published of a dataset in one session: records, past publications, uses and pins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dataset_assets.catalog.catalog import Entry
from dataset_assets.lifecycle.history import unknown_period
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.target import Target
from dataset_assets.ports.uses import Pin, Use, pins_by_version
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.dataset_ids import rename_notice
from dataset_assets.system_errors import system_errors_as_faults


@dataclass(frozen=True)
class PublishedFacts:
    """What is published of a dataset.

    `current` has the record of each published Period in order of time; `chosen` is the record of one of them,
    None if nothing is published. `past` are the publications of the chosen Period, the newest first, also
    those whose rows are gone. `uses` are the newest first. `pinned` names the pinned ones of `current` and
    `past` by Period and `published_at`. `renamed` is a sentence if the dataset is published under another
    name only.
    """

    current: Mapping[str | None, Record]
    chosen: Record | None = None
    past: tuple[Record, ...] = ()
    uses: tuple[Use, ...] = ()
    pins: tuple[Pin, ...] = ()
    pinned: frozenset[tuple[str | None, str]] = frozenset()
    renamed: str = ""
    location: str = ""

    @property
    def newest(self) -> Record | None:
        """The record that was published last, of whatever Period."""
        return max(self.current.values(), key=lambda each: each["published_at"], default=None)


@system_errors_as_faults()
def published_facts(
    target: Target, entry: Entry, period: str | None = None, last: int = 20
) -> PublishedFacts:
    """Return what is published of a dataset, and the newest `last` publications of one Period.

    The Period is the last one by default. Raises ResolveError for a Period that is not published.
    """
    warehouse, stem = target.warehouse, entry.stem
    with target.engine.connect(JobContext(stem)) as session:
        records = warehouse.records(stem, session)
        current = {each: record for each, record in records.items() if record}  # a lost record is empty
        if period is not None and period not in current:
            raise unknown_period(period, list(current))
        chosen = _chosen(current, period)
        pins = tuple(warehouse.pins(stem, session))
        return PublishedFacts(
            current=current,
            chosen=chosen,
            past=tuple(_past(target, stem, chosen, last, session)),
            uses=tuple(sorted(warehouse.uses(stem, session), key=lambda use: use.used_at, reverse=True)),
            pins=pins,
            pinned=_pinned(target, stem, chosen, pins, session),
            renamed="" if current else rename_notice(entry, warehouse, session),
            location=warehouse.location(stem) if current else "",
        )


def _chosen(current: Mapping[str | None, Record], period: str | None) -> Record | None:
    if period is not None:
        return current[period]
    return [*current.values()][-1] if current else None


def _past(target: Target, stem: str, chosen: Record | None, last: int, session: Session) -> Sequence[Record]:
    if chosen is None:
        return ()
    records = target.warehouse.recent(stem, [chosen["period"]], session, last)
    return sorted(records, key=lambda each: each["published_at"], reverse=True)


def _pinned(
    target: Target, stem: str, chosen: Record | None, pins: Sequence[Pin], session: Session
) -> frozenset[tuple[str | None, str]]:
    """Return Period and `published_at` of pinned publications: current ones, and all of the chosen Period.

    A record does not have the table version of a pin, and the digest stays if rows are labelled.
    """
    newest = target.warehouse.version(stem, session) if pins else None
    if newest is None or chosen is None:
        return frozenset()
    wanted: dict[int, list[str | None]] = {newest: list(dict.fromkeys(each.period for each in pins))}
    for each in pins:
        if each.period == chosen["period"] and each.table_version < newest:
            wanted[each.table_version] = [each.period]
    keys = pins_by_version(pins)
    return frozenset(
        (each.period, each.record["published_at"])
        for version, periods in wanted.items()
        for each in target.warehouse.recorded(stem, periods, version, session)
        if (each.period, each.table_version) in keys and each.record
    )
