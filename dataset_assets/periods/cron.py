"""Check that a text is a cron expression of five fields that can fire."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_ITEM = re.compile(
    r"(?P<any>\*)(/(?P<every>\d{1,4}))?|(?P<low>\w{1,3})(-(?P<high>\w{1,3})(/(?P<step>\d{1,4}))?)?"
)
_LONGEST_MONTHS = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}


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
