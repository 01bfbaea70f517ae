"""Forget rows in a Delta warehouse: the list of erasures, and the files of publications without the rows.

`_ledger/erasures.jsonl` is the list. `_ledger/erased/<erasure>.parquet` has all erased keys of the dataset up
to an erasure, as `kind` and `erased_key`.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock, Timeout
from sqlglot import exp
from typing_extensions import override

from dataset_assets.adapters.delta import periods as delta_periods
from dataset_assets.adapters.delta.folder import LOCK_SECONDS, DatasetFolder, move, write_json
from dataset_assets.adapters.delta.history import History, PastPublication
from dataset_assets.adapters.delta.keeper import DeltaKeeper, append_pin, pinned_versions
from dataset_assets.adapters.delta.lines import append_lines, read_lines
from dataset_assets.adapters.delta.past_rows import past_rows
from dataset_assets.adapters.delta.record_rewrites import read_all_records, rewrite_all_records
from dataset_assets.adapters.delta.remains import remove_remains
from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.adapters.duckdb.engine import duckdb_session
from dataset_assets.errors import Fault, PublishError
from dataset_assets.ports.engine import Session
from dataset_assets.ports.erasure import KEY, EarlierPublication, Erasure, RewriteRecord, merged_erasures
from dataset_assets.ports.uses import PinRequest
from dataset_assets.sql.build import alias, column, identifier, text


@dataclass(frozen=True)
class DeltaErasures(DeltaKeeper):
    """The part of a warehouse of Delta tables that forgets rows."""

    @override
    @contextmanager
    def erasing(self) -> Generator[None]:
        """Hold a lock in the warehouse's folder, which the kernel releases if the process dies."""
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.root / ".erasing", timeout=LOCK_SECONDS):
                yield
        except Timeout:
            message = f"another erasure has been running in {self.root} for {LOCK_SECONDS:.0f} seconds"
            raise PublishError(Fault(message, hint="wait for it, then run the same command again")) from None

    @override
    def erasures(self, dataset: str, session: Session) -> list[Erasure]:
        return _read(DatasetFolder.of(self.root, dataset))

    @override
    def tables_with_erasures(self, session: Session) -> list[str]:
        return sorted(path.parents[1].name for path in self.root.glob("*/_ledger/erasures.jsonl"))

    @override
    def erasures_mark(self, session: Session) -> str:
        """Return the sizes of the lists, which only grow."""
        lists = sorted(self.root.glob("*/_ledger/erasures.jsonl"))
        return " ".join(f"{path.parents[1].name}:{path.stat().st_size}" for path in lists)

    @override
    def erased_keys(self, erasure: Erasure, session: Session) -> exp.Query:
        folder = DatasetFolder.of(self.root, erasure.dataset)
        return _keys_in(_keys_path(folder, _read(folder)[-1].id), erasure.kind)

    @override
    def begin_erasure(self, erasure: Erasure, keys: Sequence[exp.Query], session: Session) -> None:
        folder = DatasetFolder.of(self.root, erasure.dataset)
        with folder.locked():
            known = _read(folder)
            files = [path for each in known if (path := _keys_path(folder, each.id)).exists()]
            is_listed = erasure.id in {each.id for each in known}
            path = _keys_path(folder, known[-1].id if is_listed else erasure.id)
            part = path.with_suffix(".part")
            path.parent.mkdir(parents=True, exist_ok=True)
            kind = alias(text(erasure.kind), "kind")
            new = [
                exp.select(kind.copy(), column(KEY)).from_(each.subquery(f"keys_{n}"))
                for n, each in enumerate(keys)
            ]
            old = [exp.select("*").from_(duckdb_nodes.read_parquet(files))] if files else []
            rows = reduce(lambda left, right: exp.union(left, right, distinct=True), [*new, *old])
            duckdb_session(session).write_parquet(
                exp.select("*").distinct().from_(rows.subquery("keys")), part
            )
            move(part, path)
            if not is_listed:
                append_lines(_list_path(folder), [erasure.model_dump(mode="json")])

    @override
    def finish_erasure(self, erasure: Erasure, session: Session) -> None:
        folder = DatasetFolder.of(self.root, erasure.dataset)
        with folder.locked():
            append_lines(_list_path(folder), [erasure.model_dump(mode="json")])

    @override
    def published_tables(self, session: Session) -> list[str]:
        return sorted(each.parent.name for each in self.root.glob("*/_delta_log"))

    @override
    def all_records(self, dataset: str, session: Session) -> list[Mapping[str, Any]]:
        return list(read_all_records(DatasetFolder.of(self.root, dataset)))

    @override
    def claimed_periods(self, dataset: str, session: Session) -> list[str | None]:
        return [each.period for each in DatasetFolder.of(self.root, dataset).claims()]

    @override
    def earlier_publications(self, dataset: str, session: Session) -> list[EarlierPublication]:
        folder = DatasetFolder.of(self.root, dataset)
        table = self.table(folder)
        if table is None:
            return []
        history = History(folder).with_commits(table.version())
        current, pinned = delta_periods.file_names(table), pinned_versions(folder)
        return [
            EarlierPublication(
                dataset=dataset,
                period=each.period,
                table_version=each.version,
                record=history.record(each),
                source=past_rows(history, each, session).source,
                pinned=each.version in pinned,
            )
            for each in history.publications.values()
            if each.path not in current and not history.expired(each) and history.data_path(each).exists()
        ]

    @override
    def remove_earlier(
        self, removed: Sequence[EarlierPublication], at: datetime, erasure: str, session: Session
    ) -> None:
        """Expire the publications, keep their records without values, and remove their files."""
        if not removed:
            return
        folder = DatasetFolder.of(self.root, removed[0].dataset)
        with folder.locked():
            history, pinned = self._history(folder), pinned_versions(folder)
            removed = [each for each in removed if each.table_version not in pinned]  # pinned meanwhile
            known = [history.publications[each.table_version] for each in removed]
            items = [(each, _replaced_at(history, each), at) for each in known]
            history.write_expired(items, [each.record for each in removed], erasure)
            for each in known:
                _unlink(folder, history.data_path(each))

    @override
    def rewrite_earlier(
        self, rewritten: EarlierPublication, rows: exp.Query, note: PinRequest, session: Session
    ) -> None:
        """Write a new file, and then to the history that it is the publication's."""
        folder = DatasetFolder.of(self.root, rewritten.dataset)
        with folder.locked():
            history = self._history(folder)
            past = history.publications[rewritten.table_version]
            old = history.data_path(past)
            new = old.with_name(f"{old.stem[:100]}-{uuid4().hex[:8]}.parquet")
            part = new.with_suffix(".part")
            stored = exp.select(
                exp.Star(except_=[identifier(each) for each in delta_periods.constants(past.period)] or None)
            )
            written = duckdb_session(session).write_parquet(stored.from_(rows.subquery("kept")), part)
            write_json(folder.record_path(new), {**rewritten.record, "size_bytes": written.size_bytes})
            move(part, new)
            path = new.relative_to(folder.path).as_posix()
            history.write_moved(replace(past, path=path, rows=written.rows))
            append_pin(folder, note.pinned(rewritten.dataset, past.period, past.version))
            _unlink(folder, old)

    @override
    def rewrite_records(self, dataset: str, rewrite: RewriteRecord, session: Session) -> int:
        folder = DatasetFolder.of(self.root, dataset)
        with folder.locked():
            return rewrite_all_records(folder, rewrite)

    @override
    def remove_remains(self, dataset: str, session: Session) -> int:
        folder = DatasetFolder.of(self.root, dataset)
        with folder.locked():
            table = self.table(folder)
            current = delta_periods.file_names(table) if table else set()
            for each in _read(folder)[:-1]:
                _keys_path(folder, each.id).unlink(missing_ok=True)
            return remove_remains(folder, self._history(folder), current)

    @override
    def beyond_reach(self, dataset: str) -> Sequence[str]:
        return ()

    def _history(self, folder: DatasetFolder) -> History:
        """Return the history with all commits; the caller holds the lock."""
        table = self.table(folder)
        history = History(folder)
        return history.write_commits(table.version()) if table else history


def _replaced_at(history: History, each: PastPublication) -> datetime:
    """Return when the next publication of the Period was committed."""
    later = (
        other.committed_at
        for other in history.publications.values()
        if other.period == each.period and other.version > each.version
    )
    return next(later, each.committed_at)


def _unlink(folder: DatasetFolder, data: Path) -> None:
    data.unlink(missing_ok=True)
    folder.record_path(data).unlink(missing_ok=True)


def _read(folder: DatasetFolder) -> list[Erasure]:
    return merged_erasures(list(read_lines(_list_path(folder))))


def _keys_in(path: Path, kind: str) -> exp.Select:
    of_kind = exp.EQ(this=column("kind"), expression=text(kind))
    return exp.select(column(KEY)).from_(duckdb_nodes.read_parquet([path])).where(of_kind)


def _list_path(folder: DatasetFolder) -> Path:
    return folder.path / "_ledger" / "erasures.jsonl"


def _keys_path(folder: DatasetFolder, erasure: str) -> Path:
    return folder.path / "_ledger" / "erased" / f"{erasure}.parquet"
