"""Samples in a Delta warehouse: single Parquet files below `_samples`, which hold their records.

A file is `_samples/<dataset>/_period=<period>/<share>.parquet`, with `_` for an unpartitioned dataset.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from pydantic import ValidationError
from sqlglot import exp

from dataset_assets.adapters.delta.folder import DatasetFolder, move, partition
from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.adapters.duckdb.engine import duckdb_session
from dataset_assets.ports.engine import Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.samples import SampleRecord, StoredSample, sample_gone
from dataset_assets.ports.warehouse import Leftover

FOLDER = "_samples"
_RECORD = "dataset_assets_sample"


def write_sample(root: Path, record: SampleRecord, query: exp.Query, session: Session) -> StoredSample:
    """Write the rows to a file of this run alone, then move it to its place."""
    path = _path(root, record)
    part = path.with_name(f"{path.stem}.{uuid4().hex}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        written = duckdb_session(session).write_parquet(query, part, {_RECORD: record.model_dump_json()})
        move(part, path)
    finally:
        part.unlink(missing_ok=True)
    return StoredSample(_name(root, path), str(path), record, written.size_bytes)


def stored_samples(root: Path) -> Iterator[StoredSample]:
    """Yield the samples below `root`."""
    for path in sorted((root / FOLDER).glob("*/*/*.parquet")):
        with suppress(FileNotFoundError):  # removed in this moment
            record = _record(path)
            if record:
                yield StoredSample(_name(root, path), str(path), record, path.stat().st_size)


def unfinished_samples(root: Path) -> Iterator[Leftover]:
    """Yield the files that killed runs left, and those of running ones."""
    for path in sorted((root / FOLDER).glob("*/*/*.part")):
        with suppress(FileNotFoundError):
            state = path.stat()
            written = datetime.fromtimestamp(state.st_mtime, UTC)
            yield Leftover(_name(root, path), written, state.st_size)


def sample_rows(root: Path, sample: StoredSample, session: Session) -> Relation:
    """Return the rows of a sample. Raises ResolveError if it was removed."""
    path = root / sample.name
    if not path.exists():
        raise sample_gone(sample)
    source = duckdb_nodes.read_parquet([path])
    return Relation(source, session.describe(source), "")


def remove_file(root: Path, name: str) -> bool:
    """Remove the file of a sample or a leftover by its name. Return whether the file existed."""
    path = root / name
    existed = path.exists()
    path.unlink(missing_ok=True)
    return existed


def is_of_samples(name: str) -> bool:
    """Return whether a leftover of this name is one of a sample."""
    return Path(name).parts[0] == FOLDER


def _path(root: Path, record: SampleRecord) -> Path:
    folder = DatasetFolder.of(root / FOLDER, record.dataset).path / (partition(record.period) or "_")
    return folder / f"{record.sample.removesuffix('%')}.parquet"


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def _record(path: Path) -> SampleRecord | None:
    """Return the record in a file; None if the file is not that of a sample."""
    from pyarrow import ArrowInvalid, parquet  # noqa: PLC0415 - heavy

    try:
        found = (parquet.read_metadata(path).metadata or {}).get(_RECORD.encode())
        return SampleRecord.model_validate_json(found) if found else None
    except (ArrowInvalid, ValidationError):
        return None
