"""The checks of the valid times of a bitemporal snapshot; both block (BR-121)."""

from collections.abc import Sequence

from sqlglot import exp

from dataset_assets.checks.results import CheckResult
from dataset_assets.contract.system_columns import VALID_FROM, VALID_TO
from dataset_assets.errors import Fault
from dataset_assets.ports.engine import Session
from dataset_assets.rows.valid_time import Snapshot
from dataset_assets.sql.build import alias, assemble, column

VALID_TIME_BOUNDS = "valid_time_bounds"
VALID_TIME_OVERLAPS = "valid_time_overlaps"

VALID_TIME_CHECKS = (
    (VALID_TIME_BOUNDS, "The valid time of each row begins before it ends", True),
    (VALID_TIME_OVERLAPS, "No two values of a key are true at the same time", True),
)
"""Name, description and `blocking` of the checks that run for a bitemporal dataset."""


def check_valid_times(
    snapshot: Snapshot, session: Session
) -> tuple[tuple[CheckResult, ...], exp.Expr | None]:
    """Return the results of both checks and the segments of the snapshot, which the session keeps.

    Without a valid time in every row there are no segments, and nothing says which of them overlap.
    """
    bounds = valid_time_bounds(snapshot, session)
    if not bounds.passed:
        return (bounds,), None
    segments = session.store("segments", assemble(snapshot.segments()))
    return (bounds, valid_time_overlaps(snapshot, segments, session)), segments


def valid_time_bounds(snapshot: Snapshot, session: Session) -> CheckResult:
    """Check that the valid time of each row is an interval."""
    faults = snapshot.faults(session.rows(snapshot.unusable()), [])
    message = _words(faults) or "the valid time of every row begins before it ends"
    return CheckResult(VALID_TIME_BOUNDS, not faults, True, message)


def valid_time_overlaps(snapshot: Snapshot, segments: exp.Expr, session: Session) -> CheckResult:
    """Check that different values of a key are true at different times; count the gaps between them."""
    faults = snapshot.faults([], session.rows(snapshot.overlaps(segments)))
    figures = {} if faults else _figures(snapshot, segments, session)
    counted = "none overlap; keys: {keys:,}, valid times: {segments:,}, gaps between them: {gaps:,}"
    message = _words(faults) or counted.format(**figures)
    return CheckResult(VALID_TIME_OVERLAPS, not faults, True, message, figures)


def _figures(snapshot: Snapshot, segments: exp.Expr, session: Session) -> dict[str, int]:
    """Count the keys, their valid times, and the gaps: valid times that begin after the one before ended."""
    key = [column(name) for name in snapshot.key]
    order = exp.Order(expressions=[exp.Ordered(this=column(VALID_FROM), nulls_first=True)])
    ended = exp.Window(this=exp.Lag(this=column(VALID_TO)), partition_by=key, order=order)
    place = exp.Window(this=exp.RowNumber(), partition_by=[each.copy() for each in key], order=order.copy())
    ordered = exp.select(column(VALID_FROM), exp.alias_(ended, "_ended"), exp.alias_(place, "_place")).from_(
        segments.copy()
    )
    is_first = exp.EQ(this=column("_place"), expression=exp.Literal.number(1))
    is_gap = exp.LT(this=column("_ended"), expression=column(VALID_FROM))
    counts = {
        "keys": exp.CountIf(this=is_first),
        "segments": exp.Count(this=exp.Star()),
        "gaps": exp.CountIf(this=is_gap),
    }
    shown = (alias(each, f"{name}_count") for name, each in counts.items())
    query = exp.select(*shown).from_(ordered.subquery(snapshot.names.free("ordered_segments")))
    [answer] = session.rows(query)
    return {name: int(answer[f"{name}_count"] or 0) for name in counts}


def _words(faults: Sequence[Fault]) -> str:
    """Return the faults in one sentence, each hint once."""
    hints = dict.fromkeys(each.hint for each in faults if each.hint)
    return "; ".join([*(each.message for each in faults), *hints])
