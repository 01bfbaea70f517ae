"""Report that another run took over, instead of the error that this caused."""

from collections.abc import Generator
from contextlib import contextmanager

from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Claim, Warehouse


@contextmanager
def report_superseded(warehouse: Warehouse, claim: Claim, session: Session) -> Generator[None]:
    """Raise SupersededError instead of the error that it caused.

    A newer run that claims the Period removes what the run of this claim staged and transferred.
    """
    try:
        yield
    except Exception:
        warehouse.confirm(claim, session)
        raise
