"""Time zones by the rules of the pinned package `tzdata`, never by those of the machine.

Python prefers the machine's rules to the package's, and DuckDB has rules of its own. Rows and Periods must
follow the same ones: `pyproject.toml` pins the release of `tzdata` whose rules are those of DuckDB.
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
"""What the package calls the zone of a machine that was never set up. Engines do not know it."""
_LONGEST = 60
"""Characters of an unknown name that are compared with the known ones: no zone has a longer name."""


class PinnedZone(ZoneInfo):
    """A time zone that was read from the package. It equals every other zone with the same name."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ZoneInfo) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __reduce__(self) -> tuple[Any, ...]:  # type: ignore[override]
        return find_zone, (self.key,)


@cache
def known_zones() -> frozenset[str]:
    """Return the names of all IANA time zones of the package; DuckDB knows each of them."""
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
"""An IANA time zone name."""
