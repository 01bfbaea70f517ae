"""Answers about publications: what was published from what, with which counts and checks."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from pydantic import Field

from dataset_assets.checks.results import CheckResult
from dataset_assets.model import Instant, Model
from dataset_assets.ports.erasure import ERASED_ROWS
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.loaded_periods import known_as_of, loads_of
from dataset_assets.publishing.materialize import Materialization
from dataset_assets.publishing.snapshot import READ_FROM, latest_inputs
from dataset_assets.rows.visible_rows import deleted_rows
from dataset_assets.stats.statistics import Duplicates, PartSize

_CHANGES = ("added", "changed", "unchanged", "removed")


class CheckResultAnswer(Model):
    """The result of one check. A blocking check that fails stops the publication."""

    name: str
    passed: bool
    blocking: bool
    message: str


class LoadAnswer(Model):
    """The load of one Period into a bitemporal table.

    `row_count` is that of its snapshot; `added` to `removed` count rows of the table. `confirmed_at` is the
    instant of a later run that found the same snapshot, if any.
    """

    period: str
    row_count: int
    added: int
    changed: int
    unchanged: int
    removed: int
    loaded_at: Instant
    run_id: str
    confirmed_at: Instant | None = None


class PublicationAnswer(Model):
    """One publication. `table_version` is the version of the warehouse's table, if it is known.

    `added` to `removed` count rows against the publication before (BR-118); `splits` counts rows by split.
    `parts`, `folds` and `duplicates` are those of its statistics; earlier records lack them.
    `expired_at` is the time since which the rows are gone by the target's retention. No figure counts the
    `deleted` rows, nor the `erased` ones that the run left out. `operation` is the change of rows by hand
    that made the publication, if any. `read_from` names the other targets that nested datasets were read
    from, by source. `loads` are those of a bitemporal table, whose `row_count` is that of what is known now,
    as of the last loaded Period.
    """

    dataset: str
    period: str | None
    version: int
    table_version: int | None
    as_of: Instant
    published_at: Instant
    run_id: str
    row_count: int
    added: int
    changed: int
    unchanged: int
    removed: int
    splits: Mapping[str, int]
    parts: Mapping[str, PartSize] = {}
    folds: tuple[PartSize, ...] = ()
    duplicates: Duplicates | None = None
    digest: str
    size_bytes: int | None
    sources: Mapping[str, str]
    checks: tuple[CheckResultAnswer, ...]
    expired_at: Instant | None = None
    deleted: int = 0
    erased: int = 0
    operation: Mapping[str, Any] | None = None
    read_from: Mapping[str, str] = Field(default_factory=dict)
    loads: tuple[LoadAnswer, ...] = ()

    @classmethod
    def of_record(cls, record: Record, table_version: int | None = None) -> Self:
        """Return the answer for a publication's record."""
        counts: Mapping[str, Any] = record["counts"]
        return cls(
            dataset=record["dataset"],
            period=record["period"],
            version=record["version"],
            table_version=table_version,
            as_of=known_as_of(record),
            published_at=record["published_at"],
            run_id=record["run_id"],
            row_count=counts["rows"],
            **{name: counts[name] for name in _CHANGES},
            splits=record["statistics"]["splits"],
            parts=record["statistics"].get("parts", {}),
            folds=tuple(record["statistics"].get("folds", ())),
            duplicates=record["statistics"].get("duplicates"),
            digest=record["digest"],
            size_bytes=record["size_bytes"],
            sources=record["sources"],
            checks=_results(CheckResult(**each) for each in record["checks"]),
            expired_at=record.get("expired_at"),
            deleted=deleted_rows(record),
            erased=int(record.get(ERASED_ROWS, 0)),
            operation=record.get("operation"),
            read_from=latest_inputs(record).get(READ_FROM, {}),
            loads=tuple(_loads(record)),
        )

    @classmethod
    def of_run(cls, result: Materialization) -> Self:
        """Return the answer for a run: counts and checks are those of the run, also if nothing changed."""
        answer = cls.of_record(result.record, result.table_version)
        counts = vars(result.counts)
        update: dict[str, Any] = {name: counts[name] for name in _CHANGES}
        update |= {"as_of": result.as_of} if answer.loads else {}
        update |= {"period": result.period, "digest": result.digest, "checks": _results(result.checks)}
        return answer.model_copy(update=update)


class PublicationsAnswer(Model):
    """Publications in the order in which they were made, or the newest first in a history."""

    publications: tuple[PublicationAnswer, ...]


def _loads(record: Record) -> Iterator[LoadAnswer]:
    for period, facts in loads_of(record).items():
        yield LoadAnswer(
            period=period,
            row_count=facts["rows"],
            **facts["changes"],
            loaded_at=facts["loaded_at"],
            run_id=facts["run_id"],
            confirmed_at=facts.get("confirmed_at"),
        )


def _results(checks: Iterable[CheckResult]) -> tuple[CheckResultAnswer, ...]:
    return tuple(
        CheckResultAnswer(name=each.name, passed=each.passed, blocking=each.blocking, message=each.message)
        for each in checks
    )
