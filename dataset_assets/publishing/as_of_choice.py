"""Choose the instant that the query of a requested run looks back from (BR-106)."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.errors import Fault, PeriodError
from dataset_assets.model import YEARS, Instant
from dataset_assets.periods.period import Period
from dataset_assets.text.wording import shown

_INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


@dataclass(frozen=True)
class AsOfChoice:
    """The instant that a query looks back from, its Period, and the reason why it was chosen."""

    as_of: datetime
    period: Period | None
    reason: str = ""

    def __str__(self) -> str:
        of = f", Period {self.period}" if self.period else ""
        return f"as of {self.as_of:%Y-%m-%dT%H:%M:%SZ}{of}{self.reason}"


def default_as_of(period: Period | None, now: datetime) -> AsOfChoice:
    """Return the end of a Period, or the current instant without one (BR-106)."""
    return AsOfChoice(period.end if period else now, period)


def choose_as_of(
    catalog: Catalog, entry: Entry, as_of: str | None, period: str | None, now: datetime
) -> AsOfChoice:
    """Return the as-of of a query (BR-106): a given instant, else the end of a Period, else now.

    If no Period is given, a partitioned dataset uses the last one that is complete at as-of.
    Raises PeriodError if the instant or the Period does not exist, or if both are given.
    """
    schedule = schedule_of(catalog, entry)
    if period is not None and as_of is not None:
        message = "a Period decides its own as-of"
        raise PeriodError(Fault(message, hint="leave out --as-of or --partition"))
    if period is not None and schedule is None:
        message = f"{entry.stem} is not published by Period"
        raise PeriodError(Fault(message, hint="leave out --partition"))
    moment = parse_as_of(as_of) if as_of is not None else now.replace(microsecond=0)
    if schedule is None:
        return AsOfChoice(moment, None, "" if as_of else " (now; --as-of says another)")
    chosen = schedule.period(period) if period is not None else schedule.last_complete(moment)
    reason = "" if period else " (the last that is complete; --partition says another)"
    return AsOfChoice(chosen.end, chosen, reason)


def parse_as_of(text: str) -> datetime:
    """Parse an as-of: a date or an instant, in UTC by default.

    Raises PeriodError if the text is not an instant, or if its year is out of range.
    """
    try:
        as_of = _INSTANT.validate_python(text)
    except ValidationError:
        hint = "write it as 2018-01-01 or 2018-01-01T12:00:00Z"
        raise PeriodError(Fault(f"as-of {shown(text)} is not an instant", hint=hint)) from None
    if as_of.year not in YEARS:
        hint = f"use one of the years {YEARS[0]} to {YEARS[-1]}"
        raise PeriodError(Fault(f"as-of {shown(text)} is out of range", hint=hint))
    return as_of
