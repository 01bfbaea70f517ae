"""Read time zones from the pinned package `tzdata`, never from the machine.

Python prefers the rules of the machine, and DuckDB has rules of its own. Rows and Periods must follow the
same rules, so `pyproject.toml` pins the release of `tzdata` whose rules are those of DuckDB.
"""

from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator

from dataset_assets.text.wording import shown

_PACKAGE = "tzdata"
_NO_ZONE = "Factory"
"""The name of the zone of a machine without settings, which no engine has."""
_LONGEST = 60
"""The number of characters of an unknown name that are compared; no zone has a longer name."""


class PinnedZone(ZoneInfo):
    """A time zone that was read from the package; it equals every zone with the same name."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ZoneInfo) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __reduce__(self) -> tuple[Any, ...]:  # type: ignore[override]
        return find_zone, (self.key,)


@cache
def known_zones() -> frozenset[str]:
    """Return the names of all IANA time zones of the package; DuckDB has each of them."""
    return frozenset(files(_PACKAGE).joinpath("zones").read_text().split()) - {_NO_ZONE}


@cache
def find_zone(name: str) -> PinnedZone:
    """Return the time zone of this name. Raises ValueError with the nearest name if there is none."""
    if name not in known_zones():
        near = get_close_matches(name[:_LONGEST], sorted(known_zones()), 1)
        hint = f"did you mean '{near[0]}'?" if near else "use one like 'Europe/Berlin'"
        raise ValueError(f"{shown(name)} is not a time zone; {hint}")
    with files(_PACKAGE).joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return PinnedZone.from_file(file, key=name)


def _pinned(value: Any) -> Any:
    name = value.key if isinstance(value, ZoneInfo) else value
    return find_zone(name) if isinstance(name, str) else value


Zone = Annotated[ZoneInfo, BeforeValidator(_pinned)]
"""A time zone, written as its IANA name."""
