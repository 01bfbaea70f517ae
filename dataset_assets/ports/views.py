"""The part of a warehouse's interface that creates views, for warehouses that have them."""

from typing import ClassVar

from sqlglot import exp

from dataset_assets.errors import Fault, UnsupportedError
from dataset_assets.ports.engine import Session


class ViewCreator:
    """Creates views beside the published tables. A warehouse without views refuses both methods."""

    has_views: ClassVar[bool] = False

    def whole_table(self, dataset: str) -> exp.Expr:
        """Return a table with the rows of all Periods, deleted ones included, for the query of a view."""
        raise UnsupportedError(Fault(f"the warehouse of {dataset!r} has no views"))

    def create_view(self, name: str, query: exp.Query, session: Session) -> None:  # noqa: ARG002
        """Create a view, or replace one of another query. A view of the same query is left as it is."""
        raise UnsupportedError(Fault(f"the warehouse has no views, such as {name!r}"))
