"""The history of a published Delta table, beside its log: what was published, and what expired since.

Retention removes old files of the log. Before that, it writes each commit as a line of
`_ledger/publications.jsonl`, so that a version has the same rows and record as before.
`_ledger/expired.jsonl` says since when a publication's rows are gone; its record is then in
`_ledger/records.jsonl`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from dataset_assets.adapters.delta.folder import DatasetFolder, read_json
from dataset_assets.adapters.delta.lines import append_lines, last_lines, read_line, read_lines
from dataset_assets.adapters.delta.log_commits import Commit, read_commit
from dataset_assets.cached_property import cached_property
from dataset_assets.errors import Fault, ResolveError
from dataset_assets.ports.retention import ExpiredPublication
from dataset_assets.ports.warehouse import Record


@dataclass(frozen=True)
class PastPublication:
    """A publication whose commit is in the history. `schema` is the name of the table's schema then."""

    version: int
    timestamp: int
    period: str | None
    token: str
    run_id: str
    path: str
    rows: int | None
    schema: str

    @property
    def committed_at(self) -> datetime:
        """Time of the commit."""
        return datetime.fromtimestamp(self.timestamp / 1000, UTC)


@dataclass(frozen=True)
class _NewCommits:
    """Publications in the log that the history lacks, and the schemas that they name."""

    publications: list[PastPublication]
    schemas: dict[str, str]


class History:
    """The history of one table as it was when this object was created; each property is read once."""

    def __init__(self, folder: DatasetFolder) -> None:
        self.folder = folder
        self._ledger = folder.path / "_ledger"
        self._publications = self._ledger / "publications.jsonl"
        self._unwritten_schemas: Mapping[str, str] = {}

    @cached_property
    def _lines(self) -> tuple[dict[int, PastPublication], int]:
        found: dict[int, PastPublication] = {}
        until = -1
        for line in read_lines(self._publications):
            if "until" in line:
                until = max(until, line["until"])
            else:
                found[line["version"]] = PastPublication(**line)
        return {version: found[version] for version in sorted(found)}, until

    @property
    def publications(self) -> dict[int, PastPublication]:
        """All publications by version, in order."""
        return self._lines[0]

    @cached_property
    def until(self) -> int:
        """The last version of the table that the history has; -1 if it is empty."""
        ends = [line["until"] for line in last_lines(self._publications) if "until" in line]
        return max(ends) if ends else self._lines[1]

    @cached_property
    def expiries(self) -> Mapping[int, dict[str, Any]]:
        """The line of each expired publication by version: `expired_at`, and `record`, a position."""
        found: dict[int, dict[str, Any]] = {}
        for line in read_lines(self._ledger / "expired.jsonl"):
            if line.get("expired_at"):
                found[line["version"]] = line
            else:
                found.pop(line["version"], None)
        return found

    def visible(self, version: int, periods: Sequence[str | None]) -> Iterator[PastPublication]:
        """Yield the publication of each Period that is visible in a version of the table."""
        newest: dict[str | None, PastPublication] = {}
        for number, each in self.publications.items():
            if number <= version:
                newest[each.period] = each
        yield from (newest[period] for period in periods if period in newest)

    def newest_first(self, period: str | None) -> Iterator[PastPublication]:
        """Yield the publications of a Period, the newest first."""
        return (each for each in reversed(self.publications.values()) if each.period == period)

    def expired(self, each: PastPublication) -> ExpiredPublication | None:
        """Return since when a publication is expired; None if it is not."""
        line = self.expiries.get(each.version)
        if line is None:
            return None
        return ExpiredPublication(
            dataset=self.folder.path.name,
            period=each.period,
            table_version=each.version,
            replaced_at=line["replaced_at"],
            expired_at=line["expired_at"],
            erasure=line.get("erasure"),
        )

    def record(self, each: PastPublication) -> Record:
        """Return a publication's record, with the key `expired_at` if it is expired; empty if it is lost."""
        line = self.expiries.get(each.version)
        if line is None:
            return read_json(self.folder.record_path(self.data_path(each)))
        record = read_line(self._ledger / "records.jsonl", line["record"])
        return {**record, "expired_at": line["expired_at"]} if record else {}

    def data_path(self, each: PastPublication) -> Path:
        """Return the path of a publication's rows."""
        return self.folder.path / each.path

    def schema(self, each: PastPublication) -> str:
        """Return the table's schema at the publication, as Delta writes it."""
        unwritten = self._unwritten_schemas.get(each.schema)
        return unwritten or (self._ledger / "schemas" / f"{each.schema}.json").read_text("utf-8")

    def with_commits(self, version: int) -> "History":
        """Return the history with the commits of the log up to `version`, without writing them."""
        commits = self._commits_until(version)
        extended = History(self.folder)
        extended._unwritten_schemas = commits.schemas
        new = {each.version: each for each in commits.publications}
        extended.__dict__.update(_lines=({**self.publications, **new}, version), until=version)
        return extended

    def write_commits(self, version: int) -> "History":
        """Write the commits of the log up to `version` to the history, and return it.

        The caller holds the lock. Raises ResolveError as `_commits_until` does.
        """
        if version <= self.until:
            return self
        commits = self._commits_until(version)
        for name, schema in commits.schemas.items():
            self._write_schema(name, schema)
        lines = [vars(each) for each in commits.publications]
        append_lines(self._publications, [*lines, {"until": version}])
        return History(self.folder)

    def _commits_until(self, version: int) -> "_NewCommits":
        """Return the commits after the end of the history. Raises ResolveError if the log lacks one."""
        schema = next((each.schema for each in reversed(self.publications.values())), "")
        found, schemas = [], {}
        for number in range(self.until + 1, version + 1):
            commit = read_commit(self.folder.path / "_delta_log", number)
            if commit is None:
                message = f"the log of {self.folder.path.name!r} lacks version {number}"
                hint = "another tool removed it; move the table's folder away and publish again"
                raise ResolveError(Fault(f"{message}: what was published before is unknown", hint=hint))
            if commit.schema:
                schema = _schema_name(commit.schema)
                schemas[schema] = commit.schema
            if commit.token and commit.path:
                found.append(past_publication(commit, schema))
        return _NewCommits(found, schemas)

    def _write_schema(self, name: str, schema: str) -> None:
        path = self._ledger / "schemas" / f"{name}.json"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            part.write_text(schema, "utf-8")
            part.replace(path)

    def write_expired(
        self,
        expired: Iterable[tuple[PastPublication, datetime, datetime]],
        kept_records: Sequence[Record] | None = None,
        erasure: str | None = None,
    ) -> None:
        """Write since when publications are expired, and copy their records; the caller holds the lock.

        The items are a publication, the time at which it was replaced, and the time of its expiry. `erasure`
        is the id of the erasure that removes the rows; it gives other records to keep.
        """
        items = list(expired)
        records = kept_records or [self.record(each) for each, _, _ in items]
        positions = append_lines(self._ledger / "records.jsonl", records)
        lines = [
            {
                "version": each.version,
                "replaced_at": replaced_at.isoformat(),
                "expired_at": expired_at.isoformat(),
                "record": position,
                **({"erasure": erasure} if erasure else {}),
            }
            for (each, replaced_at, expired_at), position in zip(items, positions, strict=True)
        ]
        append_lines(self._ledger / "expired.jsonl", lines)

    def write_moved(self, moved: PastPublication) -> None:
        """Write that a publication has another file than before; the caller holds the lock."""
        append_lines(self._publications, [vars(moved)])

    def write_kept(self, versions: Iterable[int]) -> None:
        """Write that publications are not expired after all; the caller holds the lock."""
        lines = [{"version": version, "expired_at": None} for version in versions]
        append_lines(self._ledger / "expired.jsonl", lines)


def past_publication(commit: Commit, schema: str = "") -> PastPublication:
    """Return the publication of a commit that has a token and a data file."""
    return PastPublication(
        version=commit.version,
        timestamp=commit.timestamp,
        period=commit.period,
        token=commit.token or "",
        run_id=commit.run_id,
        path=commit.path or "",
        rows=commit.rows,
        schema=schema,
    )


def _schema_name(schema: str) -> str:
    return sha256(schema.encode()).hexdigest()[:16]
