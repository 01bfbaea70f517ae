"""Copy sources that the target's engine cannot read itself into that engine's session (BR-004).

Only the columns that the selection uses are transferred, and of the main table only the rows of the window.
"""

from collections import Counter
from dataclasses import dataclass, field, replace

from sqlglot import exp

from dataset_assets.compiler.cast_failures import cast_failures
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.source_columns import source_query
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.scope import Source
from dataset_assets.errors import DataError, ResolveError, raise_all
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.publishing.source_locator import TransferSource, as_logical
from dataset_assets.text.progress import Progress
from dataset_assets.text.wording import size_text

FIRST_REPORT = 1_000_000
"""Rows after which a transfer reports its progress for the first time; then each time they have doubled."""


@dataclass
class SourceTransfer:
    """Transfers sources to `session`; an instance is a `TransferSource`.

    `usage` counts `rows_moved`, `bytes_moved` (as Arrow), and the counters of the sources' own engines.
    """

    session: Session
    report: Progress
    usage: Counter[str] = field(default_factory=Counter)

    def __call__(self, inputs: SelectionInput, source: Source, reader: Session) -> Relation:
        """Transfer one source, and return its relation in the session. `inputs` locates it for `reader`.

        Raises ResolveError with each column whose values do not fit the declared type.
        """
        query, used = source_query(inputs, source), Counter(reader.usage)
        columns, progress = inputs.needed(source), _TransferProgress(source.name, self.report)
        try:
            reads = reader.estimate(query)
            cost = "" if reads is None else f", for which {size_text(reads)} are read"
            self.report(f"moving {source.name}{cost}")
            loaded = self.session.load_arrow(source.name, columns, reader.batches(query), progress.received)
        except DataError:
            raise_all(ResolveError, cast_failures(inputs, reader, [source]))
            raise
        self.report(f"moved {progress}")
        self.usage.update(rows_moved=progress.rows, bytes_moved=progress.size)
        self.usage.update(Counter(reader.usage) - used)
        version = inputs.relations[source.name].version
        return Relation(loaded, self.session.describe(loaded), version, progress.rows)


@dataclass
class _TransferProgress:
    """Counts and reports the rows of one transfer."""

    name: str
    report: Progress
    rows: int = 0
    size: int = 0
    next_report: int = FIRST_REPORT

    def received(self, rows: int, size: int) -> None:
        self.rows, self.size = rows, size
        if rows >= self.next_report:
            self.next_report = 2 * rows
            self.report(f"moving {self}")

    def __str__(self) -> str:
        return f"{self.name}: {self.rows:,} rows, {size_text(self.size)}"


def estimated_transfer(sizes: dict[str, int | None]) -> TransferSource:
    """Return a transfer that transfers nothing: it estimates the bytes and returns a table without rows."""

    def carry(inputs: SelectionInput, source: Source, reader: Session) -> Relation:
        sizes[source.name] = reader.estimate(source_query(inputs, source))
        named = as_logical(inputs, source, reader)
        return replace(named, source=_no_rows(source))

    return carry


def _no_rows(source: Source) -> exp.Subquery:
    columns = (
        exp.alias_(exp.cast(exp.null(), SQL_TYPES[each.type]), each.name, quoted=True)
        for each in source.stored_columns
    )
    return exp.select(*columns).limit(0).subquery()
