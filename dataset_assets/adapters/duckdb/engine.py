"""Run queries in DuckDB on this machine.

A session is an in-memory database without access to other files (BR-205).

Supported: DuckDB 1.5.x.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import duckdb
from sqlglot import exp
from typing_extensions import override

from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.adapters.duckdb.errors import stream_error, user_error
from dataset_assets.adapters.duckdb.settings import DuckDBSettings
from dataset_assets.adapters.duckdb.spill import spill_folder
from dataset_assets.adapters.duckdb.types import physical_type
from dataset_assets.adapters.shared.arrow_stream import CountedBatches
from dataset_assets.compiler.typing import SQL_TYPES
from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import Fault, UnsupportedError
from dataset_assets.ports.engine import Engine, JobContext, Session, TransferCallback
from dataset_assets.ports.relation import PhysicalColumn
from dataset_assets.sql.dialect import DUCKDB

_T = TypeVar("_T")

BATCH_ROWS = 100_000
SOURCE_FUNCTIONS = frozenset(
    {"epoch_ns", "error", "isfinite", "lower", "regexp_full_match", "replace", "strptime"}
)
"""DuckDB functions that read files of a source and for which sqlglot has no node."""


@dataclass(frozen=True)
class WrittenFile:
    """A Parquet file that was written. `nulls` is the number of NULLs by top-level column."""

    path: Path
    rows: int
    size_bytes: int
    nulls: dict[str, int]


@dataclass(eq=False)
class DuckDBEngine(Engine):
    """Opens sessions that access only `directories`, `files` and their own spill folder (BR-205)."""

    settings: DuckDBSettings
    directories: tuple[Path, ...]
    spill: Path
    files: tuple[Path, ...] = ()
    dialect = replace(DUCKDB, functions=DUCKDB.functions | SOURCE_FUNCTIONS)

    @override
    @contextmanager
    def connect(self, job: JobContext | None = None) -> Generator["DuckDBSession", None, None]:
        """Open a session. Its spill folder is removed at the end, like those of sessions that were killed."""
        with self._session_folder() as folder, duckdb.connect(":memory:") as connection:
            session = DuckDBSession(connection, self, folder)
            try:
                for name, value in self._configuration(folder):
                    session.run(duckdb_nodes.setting(name, value))
                yield session
            finally:
                session.close()

    @contextmanager
    def _session_folder(self) -> Generator[Path]:
        """Create the session's spill folder, in the system's temporary folder if the warehouse is read-only.

        Raises OSError if a folder that the target names cannot be written.
        """
        with ExitStack() as opened:
            try:
                folder = opened.enter_context(spill_folder(self.spill))
            except OSError:
                if self.settings.spill:
                    raise
                folder = Path(opened.enter_context(TemporaryDirectory(prefix="dataset-assets-spill-")))
            yield folder

    def _configuration(self, folder: Path) -> Iterator[tuple[str, Any]]:
        """Yield DuckDB's settings in order: DuckDB rejects a setting after `lock_configuration`."""
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
    """One connection to DuckDB.

    Queries run on a second thread, so that an interrupted caller stops its query.

    DuckDB's own handling of signals can hang; its `interrupt`, called from the waiting thread, does not.
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, engine: DuckDBEngine, folder: Path | None = None
    ) -> None:
        self.folder = folder or engine.spill
        """The session's spill folder, which is removed when the session ends."""
        self._connection = connection
        self._engine = engine
        self._worker = ThreadPoolExecutor(1, "duckdb")
        self._attached: dict[Path, str] = {}
        self._numbers = count()

    @override
    def rows(self, query: exp.Query) -> list[dict[str, Any]]:
        """Return the rows of a query. Times are aware datetimes in UTC, decimals are Decimal."""
        return self.arrow(query).to_pylist()

    @override
    def arrow(self, query: exp.Query) -> Any:
        return self._execute(query, lambda connection: connection.to_arrow_table())

    @override
    def batches(self, query: exp.Query) -> Any:
        """Return a pyarrow RecordBatchReader that holds only a few batches in memory."""
        import pyarrow as pa  # noqa: PLC0415 - most sessions stream no rows

        reader = self._execute(query, lambda connection: connection.to_arrow_reader(BATCH_ROWS))
        return pa.RecordBatchReader.from_batches(reader.schema, self._pull(reader))

    @override
    def load_arrow(
        self, name: str, columns: Sequence[ColumnDef], batches: Any, moved: TransferCallback
    ) -> exp.Expr:
        """Create a table of the session from Arrow batches; it can spill to disk."""
        table, view = (exp.to_table(f"{prefix}_{name}") for prefix in ("moved", "moving"))
        typed = [
            exp.alias_(exp.cast(duckdb_nodes.quoted(each.name), SQL_TYPES[each.type]), each.name, quoted=True)
            for each in columns
        ]
        create = exp.Create(this=table, kind="TABLE", expression=exp.select(*typed).from_(view))
        counted = CountedBatches(batches, moved)
        self._on_worker(lambda: self._connection.register(view.name, counted.reader))
        try:
            self.run(create)
        except Exception as error:  # noqa: BLE001 - the source's error is the cause
            raise counted.failure or error from None
        finally:
            self._on_worker(lambda: self._connection.unregister(view.name))
        return table.copy()

    @override
    def store(self, name: str, query: exp.Query) -> exp.Expr:
        """Create a table of the session, which can spill to disk."""
        table = exp.to_table(f"stored_{next(self._numbers)}_{name}")
        self.run(exp.Create(this=table, kind="TABLE", expression=query.copy()))
        return table.copy()

    @override
    def describe(self, source: exp.Expr) -> tuple[PhysicalColumn, ...]:
        described = self.run(exp.Describe(this=exp.select("*").from_(source.copy())))
        return tuple(PhysicalColumn(name, physical_type(native), native) for name, native, *_ in described)

    def write_parquet(
        self, query: exp.Query, path: Path, metadata: Mapping[str, str] | None = None
    ) -> WrittenFile:
        """Write the rows of a query to a new file that keeps `metadata`.

        A failed write leaves an incomplete file.
        """
        ((_, rows, size, _, columns, *_),) = self.run(duckdb_nodes.copy_to_parquet(query, path, metadata))
        # DuckDB lists the leaves of a nested column, `"labels"."element"."key"`, and not the column itself.
        statistics = {name[1:-1]: values for name, values in columns.items() if '"."' not in name}
        nulls = {name: int(each["null_count"]) for name, each in statistics.items() if "null_count" in each}
        return WrittenFile(path, rows, size, nulls)

    def attach(self, path: Path) -> str:
        """Attach a .duckdb file read-only and return the name of its catalog."""
        if path not in self._attached:
            name = f"attached_{len(self._attached)}"
            self.run(duckdb_nodes.attach(path, name))
            self._attached[path] = name
        return self._attached[path]

    def run(self, statement: exp.Expr) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows.

        Raises DatasetAssetsError if data, disk or limits cause an error.
        """
        return self._execute(statement, lambda connection: connection.fetchall())

    def close(self) -> None:
        """Stop the session's thread."""
        self._worker.shutdown()

    def _execute(self, statement: exp.Expr, fetch: Callable[[duckdb.DuckDBPyConnection], _T]) -> _T:
        text = self._engine.dialect.render(statement, pretty=False)
        return self._on_worker(lambda: fetch(self._connection.execute(text)))

    def _pull(self, reader: Any) -> Iterator[Any]:
        while (batch := self._on_worker(lambda: next(reader, None))) is not None:
            yield batch

    def _on_worker(self, action: Callable[[], _T]) -> _T:
        """Run an action on the session's thread and return its result.

        Raises DatasetAssetsError as `run` does.
        """
        future = self._worker.submit(action)
        try:
            return future.result()
        except duckdb.Error as error:
            raise user_error(error, self._engine.settings.memory_limit) from None
        except OSError as error:  # an Arrow stream raises errors of DuckDB as OSError
            raise user_error(stream_error(error), self._engine.settings.memory_limit) from None
        except BaseException:
            self._interrupt(future)
            raise

    def _interrupt(self, future: Future[Any]) -> None:
        # DuckDB ignores an interrupt that arrives before the query has begun, so it is repeated.
        while not future.done():
            self._connection.interrupt()
            wait([future], timeout=0.02)


def duckdb_session(session: Session) -> DuckDBSession:
    """Return the session itself. Raises UnsupportedError if it belongs to another engine."""
    if not isinstance(session, DuckDBSession):
        raise UnsupportedError(Fault("only the DuckDB engine publishes to a Delta warehouse"))
    return session
