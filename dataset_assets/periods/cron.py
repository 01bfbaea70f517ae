"""Check that a text is a cron expression of five fields that can fire, and compute when it last fired."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo

from dataset_assets.periods.period import instant_of

_ITEM = re.compile(
    r"(?P<any>\*)(/(?P<every>\d{1,4}))?|(?P<low>\w{1,3})(-(?P<high>\w{1,3})(/(?P<step>\d{1,4}))?)?"
)
_LONGEST_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
_MOST_DAYS = 8 * 366
"""Days between two times at which an expression fires, at most: of 29 February around a year such as 2100."""


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    words: Mapping[str, int] = field(default_factory=dict)

    def values(self, text: str) -> set[int]:
        """Return the numbers that the text matches. Raises ValueError if it is no such field."""
        return {value for item in text.split(",") for value in self._item(item)}

    def _item(self, item: str) -> Iterator[int]:
        match = _ITEM.fullmatch(item)
        if not match:
            raise ValueError(f"`{item}` is no {self.name}")
        low = self.low if match["any"] else self._number(match["low"])
        high = self.high if match["any"] else self._number(match["high"] or match["low"])
        step = int(match["every"] or match["step"] or 1)
        if low > high or step < 1:
            raise ValueError(f"`{item}` holds no {self.name}")
        yield from range(low, high + 1, step)

    def _number(self, text: str) -> int:
        word = text.lower()
        value = self.words.get(word, int(text) if text.isdecimal() else None)
        if value is None or not self.low <= value <= self.high:
            raise ValueError(f"`{text}` is no {self.name} from {self.low} to {self.high}")
        return value


def _words(text: str, first: int) -> dict[str, int]:
    return {word: number for number, word in enumerate(text.split(), first)}


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _words("jan feb mar apr may jun jul aug sep oct nov dec", 1)),
    _Field("day of the week", 0, 7, _words("sun mon tue wed thu fri sat", 0)),
)


def check_cron(text: str) -> None:
    """Raise ValueError that names the wrong field if the text is no cron expression or can never fire."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"it has {len(fields)} fields, not {len(_FIELDS)}")
    *_, days, months, _ = [rule.values(part) for rule, part in zip(_FIELDS, fields, strict=True)]
    if fields[4] == "*" and min(days) > max(_LONGEST_MONTHS.get(month, 31) for month in months):
        raise ValueError(f"no month of `{fields[3]}` has a day {min(days)}")


def last_tick(text: str, zone: ZoneInfo, now: datetime) -> datetime | None:
    """Return the last instant up to `now` at which a valid expression fired; None for one that never fires.

    Clocks are those of `zone`. A time that they skip fires right after the skip, a time that they show twice
    fires once. If both the day of the month and the day of the week are limited, either of them suffices.
    """
    parts = text.split()
    minutes, hours, days, months, weekdays = (
        rule.values(part) for rule, part in zip(_FIELDS, parts, strict=True)
    )
    times = [time(*each) for each in sorted(product(hours, minutes), reverse=True)]
    either = "*" not in (parts[2], parts[4])
    day = now.astimezone(zone).date()
    for _ in range(_MOST_DAYS):
        on_day, on_weekday = (
            day.day in days,
            not weekdays.isdisjoint({day.isoweekday(), day.isoweekday() % 7}),
        )
        if day.month in months and ((on_day or on_weekday) if either else (on_day and on_weekday)):
            instants = (instant_of(datetime.combine(day, each), zone) for each in times)
            found = next((instant for instant in instants if instant <= now), None)
            if found:
                return found.astimezone(UTC)
        day -= timedelta(days=1)
    return None
