"""Store the selected rows of a refresh in the session, so that the selection runs once.

They are compared with the publication before; if they differ, they are published from there.
"""

from dataclasses import dataclass, replace

from sqlglot import exp

from dataset_assets.ports.engine import Session
from dataset_assets.publishing.prepared_run import PreparedRun
from dataset_assets.rows.encoding import counted_digest
from dataset_assets.sql.build import CTE, assemble


@dataclass(frozen=True)
class SelectedRows:
    """Stored rows: the expression for FROM that reads them, their number, and the digest of their content."""

    source: exp.Expr
    rows: int
    digest: str

    def selected_by(self, run: PreparedRun) -> PreparedRun:
        """Return the run with a selection that reads the stored rows."""
        stored = CTE(run.selection[-1].name, exp.select("*").from_(self.source.copy()))
        return replace(run, selection=(stored,))


def store_selected_rows(run: PreparedRun, session: Session) -> SelectedRows:
    """Run the selection and store its rows for the lifetime of the session."""
    source = session.store("selected_rows", assemble(run.selection))
    return SelectedRows(source, *counted_digest(session, source, run.published.digested))
