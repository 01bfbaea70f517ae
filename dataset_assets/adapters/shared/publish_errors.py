"""Errors that every warehouse reports alike when rows cannot be published."""

from collections.abc import Collection, Iterator

from dataset_assets.errors import Fault, PublishError
from dataset_assets.ports.warehouse import Claim


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
