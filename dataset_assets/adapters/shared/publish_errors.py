"""Errors that every warehouse reports alike when rows cannot be published."""

from collections.abc import Collection, Iterator

from dataset_assets.errors import Fault, PublishError, SupersededError
from dataset_assets.ports.warehouse import Claim


def superseded(claim: Claim, newest_run: str | None) -> SupersededError:
    """Return the error of a claim that a newer run took over (BR-202). None if that run is unknown."""
    run = "another run" if newest_run is None else f"run {newest_run!r}"
    period = f" for {claim.period}" if claim.period else ""
    message = f"{run} took over {claim.dataset!r}{period}; run {claim.run_id!r} may not publish"
    return SupersededError(Fault(message, hint="wait for that run, or start this one anew"))


def partitioning_changed(claim: Claim, hint: str) -> PublishError:
    """Return the error of a dataset that was published by Period before and no longer is, or vice versa."""
    was = "by Period" if claim.period is None else "as one piece"
    return PublishError(Fault(f"{claim.dataset!r} was published {was} before, and no longer is", hint=hint))


def column_faults(expected: Collection[str], staged: Collection[str]) -> Iterator[Fault]:
    """Yield a fault for each expected column that the staged rows lack, and for each undeclared one."""
    yield from (Fault(f"the staged rows have no column {name!r}") for name in expected if name not in staged)
    yield from (
        Fault(f"the staged rows have an undeclared column {name!r}")
        for name in staged
        if name not in expected
    )
