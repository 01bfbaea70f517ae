"""What the target's engine cannot read is moved to it (BR-004), when it is settled that it is needed.

Of each only the columns that are used, and of the main table only the rows of the window.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from dataset_assets.compiler.cast_failures import cast_failures
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.source_columns import source_query
from dataset_assets.contract.scope import Source
from dataset_assets.errors import DataError, ResolveError, raise_all
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.text.progress import Progress
from dataset_assets.text.wording import size_text

FIRST_TOLD = 1_000_000
"""Rows after which a move that goes on says how far it is; it says so again at twice as many, and so on."""


@dataclass
class SourceTransfer:
    """Moves sources to `session`.

    `usage` counts `rows_moved` and `bytes_moved`, these as Arrow, and what the sources' own engines used.
    """

    session: Session
    tell: Progress
    usage: Counter[str] = field(default_factory=Counter)

    def __call__(self, inputs: SelectionInput, source: Source, reader: Session) -> Relation:
        """The source as the session has it from now on. `inputs` tells where `reader` finds it.

        Raises ResolveError with each column that holds values which are not what it is declared as.
        """
        query, used = source_query(inputs, source), Counter(reader.usage)
        columns, way = inputs.needed(source), _TransferProgress(source.name, self.tell)
        try:
            reads = reader.estimate(query)
            told = "" if reads is None else f", for which {size_text(reads)} are read"
            self.tell(f"moving {source.name}{told}")
            place = self.session.load_arrow(source.name, columns, reader.batches(query), way.moved)
        except DataError:
            raise_all(ResolveError, cast_failures(inputs, reader, [source]))
            raise
        self.tell(f"moved {way}")
        self.usage.update(rows_moved=way.rows, bytes_moved=way.size)
        self.usage.update(Counter(reader.usage) - used)
        version = inputs.relations[source.name].version
        return Relation(place, self.session.describe(place), version, way.rows)


@dataclass
class _TransferProgress:
    """How far one move is."""

    name: str
    tell: Callable[[str], None]
    rows: int = 0
    size: int = 0
    next_told: int = FIRST_TOLD

    def moved(self, rows: int, size: int) -> None:
        self.rows, self.size = rows, size
        if rows >= self.next_told:
            self.next_told = 2 * rows
            self.tell(f"moving {self}")

    def __str__(self) -> str:
        return f"{self.name}: {self.rows:,} rows, {size_text(self.size)}"
