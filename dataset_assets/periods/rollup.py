"""Convert Periods to those of another cadence: `rollup` to a coarser one, `parts` to a finer one."""

from dataset_assets.errors import Fault, PeriodError
from dataset_assets.periods.cadence import Cadence
from dataset_assets.periods.period import Period


def rollup(period: Period, cadence: Cadence) -> Period:
    """Return the Period of a coarser or equal cadence that contains `period`.

    Raises PeriodError unless every boundary of `cadence` is a boundary of `period`'s cadence, in the same
    zone. So a week never rolls up to a month, even if it lies inside of one.
    """
    problem = f"{period} does not roll up to '{cadence.name}'"
    _check_nesting(period, cadence, problem, nest=period.boundaries.refine(cadence.boundaries))
    return cadence.containing(period.start_date)


def parts(period: Period, cadence: Cadence) -> list[Period]:
    """Return the Periods of a finer or equal cadence that roll up to `period`.

    Raises PeriodError if they do not nest, as `rollup` does.
    """
    problem = f"{period} is not made of '{cadence.name}'"
    _check_nesting(period, cadence, problem, nest=cadence.boundaries.refine(period.boundaries))
    periods = [cadence.containing(period.start_date)]
    while periods[-1].end_date < period.end_date:
        periods.append(cadence.next(periods[-1]))
    return periods


def _check_nesting(period: Period, cadence: Cadence, problem: str, *, nest: bool) -> None:
    if period.zone.key != cadence.zone.key:
        zones = f"{period.zone.key} and {cadence.zone.key}"
        raise PeriodError(Fault(f"{problem}: their zones differ ({zones})", hint="use calendars of one zone"))
    if not nest:
        hint = "days roll into all, months into quarters and years, weeks only into retail months"
        raise PeriodError(Fault(f"{problem}: their boundaries do not nest", hint=hint))
