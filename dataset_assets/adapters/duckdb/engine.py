"""DuckDB on this machine: one in-memory database a session, locked down (BR-205).

Supported: DuckDB 1.5.x.
"""

import shutil
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import duckdb
from filelock import FileLock, Timeout
from sqlglot import exp

from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.adapters.duckdb.errors import plain, streamed
from dataset_assets.adapters.duckdb.settings import DuckDBSettings
from dataset_assets.adapters.duckdb.types import physical_type
from dataset_assets.adapters.shared.arrow_stream import CountedBatches
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef
from dataset_assets.ports.engine import Engine, JobContext, Session, TransferCallback
from dataset_assets.ports.relation import PhysicalColumn
from dataset_assets.sql.dialect import DUCKDB

_T = TypeVar("_T")

BATCH_ROWS = 100_000
OWN_FUNCTIONS = frozenset(
    {"epoch_ns", "error", "isfinite", "lower", "regexp_full_match", "replace", "strptime"}
)
"""Functions that sources on this machine are read with, and sqlglot has no node for."""


@dataclass(frozen=True)
class Written:
    """A Parquet file that was written. `nulls` counts NULLs by column, top-level columns only."""

    path: Path
    rows: int
    size_bytes: int
    nulls: dict[str, int]


@dataclass(eq=False)
class DuckDBEngine(Engine):
    """Opens sessions that reach `directories`, `files` and their own spill, and nothing else."""

    settings: DuckDBSettings
    directories: tuple[Path, ...]
    spill: Path
    files: tuple[Path, ...] = ()
    dialect = replace(DUCKDB, functions=DUCKDB.functions | OWN_FUNCTIONS)

    @contextmanager
    def connect(self, job: JobContext | None = None) -> Generator["DuckDBSession", None, None]:  # noqa: ARG002
        """A session; its spill is removed at the end, and so is that of sessions that were killed."""
        with self._scratch() as folder, duckdb.connect(":memory:") as connection:
            session = DuckDBSession(connection, self, folder)
            try:
                for name, value in self._configuration(folder):
                    session.run(duckdb_nodes.setting(name, value))
                yield session
            finally:
                session.close()

    @contextmanager
    def _scratch(self) -> Generator[Path]:
        """The session's spill: below the system's temporary folder where the warehouse may only be read.

        Raises OSError if a folder that the target names cannot be written.
        """
        with ExitStack() as opened:
            try:
                folder = opened.enter_context(_spill_folder(self.spill))
            except OSError:
                if self.settings.spill:
                    raise
                folder = Path(opened.enter_context(TemporaryDirectory(prefix="dataset-assets-spill-")))
            yield folder

    def _configuration(self, folder: Path) -> Iterator[tuple[str, Any]]:
        """In this order: what is set after the lock is refused."""
        yield "TimeZone", "UTC"
        yield "memory_limit", self.settings.memory_limit
        if self.settings.threads:
            yield "threads", self.settings.threads
        yield "preserve_insertion_order", False
        yield "temp_directory", str(folder)
        yield "autoinstall_known_extensions", False
        yield "autoload_known_extensions", False
        yield "allowed_directories", [str(path) for path in (*self.directories, folder)]
        if self.files:
            yield "allowed_paths", [str(path) for path in self.files]
        yield "enable_external_access", False
        yield "lock_configuration", True


class DuckDBSession(Session):
    """One connection. A query runs on a thread of its own, so that what stops the caller stops the query.

    DuckDB's own reaction to signals was seen to hang; `interrupt` from the waiting thread was not.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, engine: DuckDBEngine, folder: Path | None = None
    ) -> None:
        self.folder = folder or engine.spill
        """A folder of the session's own, which is removed at its end."""
        self._connection = connection
        self._engine = engine
        self._worker = ThreadPoolExecutor(1, "duckdb")
        self._attached: dict[Path, str] = {}

    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        """Times come back as aware datetimes in UTC, decimals as Decimal."""
        return self.arrow(query).to_pylist()

    def arrow(self, query: exp.Query) -> Any:
        """The answer as a pyarrow Table."""
        return self._execute(query, lambda connection: connection.to_arrow_table())

    def batches(self, query: exp.Query) -> Any:
        """A pyarrow RecordBatchReader; no more than a few batches are in memory."""
        import pyarrow as pa  # noqa: PLC0415 - most sessions stream nothing

        reader = self._execute(query, lambda connection: connection.to_arrow_reader(BATCH_ROWS))
        return pa.RecordBatchReader.from_batches(reader.schema, self._pulled(reader))

    def load_arrow(
        self, name: str, columns: Sequence[ColumnDef], batches: Any, moved: TransferCallback
    ) -> exp.Expr:
        """As a table of the session, which spills like any other."""
        place, view = (exp.to_table(f"{prefix}_{name}") for prefix in ("moved", "moving"))
        typed = [
            exp.alias_(exp.cast(duckdb_nodes.quoted(each.name), SQL_TYPES[each.type]), each.name, quoted=True)
            for each in columns
        ]
        made = exp.Create(this=place, kind="TABLE", expression=exp.select(*typed).from_(view))
        coming = CountedBatches(batches, moved)
        self._work(lambda: self._connection.register(view.name, coming.reader))
        try:
            self.run(made)
        except Exception as error:  # noqa: BLE001 - one of the two is raised
            raise coming.failure or error from None
        finally:
            self._work(lambda: self._connection.unregister(view.name))
        return place.copy()

    def describe(self, source: exp.Expr) -> tuple[PhysicalColumn, ...]:
        """Column names, and types as DuckDB calls them."""
        found = self.run(exp.Describe(this=exp.select("*").from_(source.copy())))
        return tuple(PhysicalColumn(name, physical_type(native), native) for name, native, *_ in found)

    def write_parquet(self, query: exp.Query, path: Path) -> Written:
        """Writes the rows to a new file; half a file is left when it fails."""
        ((_, rows, size, _, columns, *_),) = self.run(duckdb_nodes.copy_to_parquet(query, path))
        # A nested column is told as its leaves, `"labels"."element"."key"`.
        own = {name[1:-1]: found for name, found in columns.items() if '"."' not in name}
        nulls = {name: int(found["null_count"]) for name, found in own.items() if "null_count" in found}
        return Written(path, rows, size, nulls)

    def attach(self, path: Path) -> str:
        """Opens a .duckdb file read-only; answers the name of its catalog."""
        if path not in self._attached:
            name = f"attached_{len(self._attached)}"
            self.run(duckdb_nodes.attach(path, name))
            self._attached[path] = name
        return self._attached[path]

    def run(self, statement: exp.Expr) -> list[tuple[Any, ...]]:
        """Runs any statement. Raises DatasetAssetsError for what the data or the disk is to blame for."""
        return self._execute(statement, lambda connection: connection.fetchall())

    def close(self) -> None:
        """Ends the thread."""
        self._worker.shutdown()

    def _execute(self, statement: exp.Expr, fetch: Callable[[duckdb.DuckDBPyConnection], _T]) -> _T:
        text = self._engine.dialect.render(statement, pretty=False)
        return self._work(lambda: fetch(self._connection.execute(text)))

    def _pulled(self, reader: Any) -> Iterator[Any]:
        while (batch := self._work(lambda: next(reader, None))) is not None:
            yield batch

    def _work(self, do: Callable[[], _T]) -> _T:
        """Does it on the session's thread. Raises plain errors."""
        future = self._worker.submit(do)
        try:
            return future.result()
        except duckdb.Error as error:
            raise plain(error, self._engine.settings.memory_limit) from None
        except OSError as error:  # what DuckDB raises while an answer is streamed
            raise plain(streamed(error), self._engine.settings.memory_limit) from None
        except BaseException:
            self._interrupt(future)
            raise

    def _interrupt(self, future: Future[Any]) -> None:
        # Once is not enough: an interrupt that comes before the query has begun is forgotten.
        while not future.done():
            self._connection.interrupt()
            wait([future], timeout=0.02)


@contextmanager
def _spill_folder(root: Path) -> Generator[Path, None, None]:
    """A folder of its own, held by a lock that the kernel releases when the process dies."""
    root.mkdir(parents=True, exist_ok=True)
    _sweep(list(root.glob("*.lock")))
    folder = root / uuid.uuid4().hex
    lock = FileLock(folder.with_suffix(".lock"))
    with lock:
        folder.mkdir()
        try:
            yield folder
        finally:
            _remove(folder)


def _sweep(locks: Sequence[Path]) -> None:
    for path in locks:
        try:
            with FileLock(path, timeout=0):
                _remove(path.with_suffix(""))
        except Timeout:
            continue


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.with_suffix(".lock").unlink(missing_ok=True)
