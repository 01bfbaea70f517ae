"""Uses and pins of publications: which training run read which rows, and which rows are kept for good.

The field names are those of the Domain specification's DatasetVersion where it has them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dataset_assets.model import Instant, Model

UseKey = tuple[str | None, int, str]


class Use(Model):
    """One training run that read one publication.

    `version_number` is the version of the dataset's definition, `table_version` the version of the
    warehouse's table that the publication wrote. `config_sha256` identifies the structure of the definition
    (BR-116), whose full text is in the publication's record. Counts are None if the record lacks them.
    """

    dataset: str
    dataset_id: str | None
    version_number: int
    config_sha256: str
    period: str | None
    table_version: int
    digest: str
    actual_row_count: int
    actual_unique_users: int | None = None
    actual_unique_products: int | None = None
    training_run: str
    used_at: Instant
    used_by: str | None = None

    @property
    def key(self) -> UseKey:
        """Identity of a use: the same training run uses the same publication once."""
        return self.period, self.table_version, self.training_run


class Pin(Model):
    """A publication whose rows no retention removes. `reasons` are those given since it was last unpinned.

    `snapshot` is the name of the table that holds its rows, if the warehouse copies pinned rows.
    """

    dataset: str
    period: str | None
    table_version: int
    reasons: tuple[str, ...]
    pinned_at: Instant
    pinned_by: str | None = None
    snapshot: str | None = None


class PinEvent(Model):
    """One line of a warehouse's append-only list of pins; `pinned` is false for an unpin."""

    dataset: str
    period: str | None
    table_version: int
    pinned: bool
    reason: str = ""
    at: Instant
    by: str | None = None
    snapshot: str | None = None


@dataclass(frozen=True)
class PinRequest:
    """What to write into the list of pins: why, when and by whom."""

    reason: str
    at: datetime
    by: str | None = None

    def pinned(
        self, dataset: str, period: str | None, table_version: int, snapshot: str | None = None
    ) -> PinEvent:
        """Return the event that pins a publication."""
        return PinEvent(
            dataset=dataset,
            period=period,
            table_version=table_version,
            pinned=True,
            reason=self.reason,
            at=self.at,
            by=self.by,
            snapshot=snapshot,
        )

    def unpinned(self, pin: Pin) -> PinEvent:
        """Return the event that removes a pin."""
        event = self.pinned(pin.dataset, pin.period, pin.table_version, pin.snapshot)
        return event.model_copy(update={"pinned": False})


def distinct_uses(uses: Iterable[Use]) -> list[Use]:
    """Return the first use of each key, in the order given."""
    first: dict[UseKey, Use] = {}
    for each in uses:
        first.setdefault(each.key, each)
    return list(first.values())


def current_pins(events: Sequence[PinEvent]) -> list[Pin]:
    """Return the pins that hold after all events, by table version; events are ordered by time."""
    pins: dict[tuple[str | None, int], Pin] = {}
    for event in events:
        key = event.period, event.table_version
        if not event.pinned:
            pins.pop(key, None)
        elif key in pins:
            reasons = tuple(dict.fromkeys((*pins[key].reasons, event.reason)))
            pins[key] = pins[key].model_copy(update={"reasons": reasons})
        else:
            pins[key] = _pin_of(event)
    return sorted(pins.values(), key=lambda each: (each.table_version, each.period or ""))


def _pin_of(event: PinEvent) -> Pin:
    return Pin(
        dataset=event.dataset,
        period=event.period,
        table_version=event.table_version,
        reasons=(event.reason,),
        pinned_at=event.at,
        pinned_by=event.by,
        snapshot=event.snapshot,
    )


def adds_to(event: PinEvent, pins: Iterable[Pin]) -> bool:
    """Return whether an event pins a publication that is not pinned yet, or gives a new reason."""
    pin = pins_by_version(pins).get((event.period, event.table_version))
    return pin is None or event.reason not in pin.reasons


def pins_by_version(pins: Iterable[Pin]) -> Mapping[tuple[str | None, int], Pin]:
    """Return pins by their Period and table version."""
    return {(each.period, each.table_version): each for each in pins}
