"""When the publication before stands: rows that would be the same are not published again (decision 0010)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from dataset_assets.checks.audit import CheckResult
from dataset_assets.contract.model import ColumnDef, Dataset
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Publication, Record
from dataset_assets.publishing.prepared_run import PreparedRun
from dataset_assets.publishing.snapshot import made_from, selection_digest, sources_of
from dataset_assets.stats.statistics import Statistics


@dataclass(frozen=True)
class RefreshCounts:
    """Rows of the publication, by what became of them since the one before (BR-118)."""

    rows: int
    added: int
    changed: int
    unchanged: int
    removed: int

    @property
    def moved(self) -> bool:
        """Whether there was a change to any row."""
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True)
class PublishOutcome:
    """What was found out about the rows, and where they stand."""

    counts: RefreshCounts
    statistics: Statistics
    checks: tuple[CheckResult, ...]
    digest: str
    record: Record
    table_version: int
    size_bytes: int | None


def can_reuse(work: PreparedRun) -> bool:
    """Whether the publication before is good enough to stay, should its rows turn out to be the same.

    Its structure has to be that of now; its number may be another, where a structure came back.
    """
    before = work.before
    if before is None or before.record["sha256"] != work.version.sha256:
        return False
    return not any(reuse_blockers(before.record, work.inputs.dataset, work.definitions))


def reuse_blockers(record: Record, dataset: Dataset, columns: Iterable[ColumnDef]) -> Iterator[str]:
    """Why a publication of this structure must not stay, whatever its rows. `columns`: the user columns."""
    if record["counts"]["rows"] == 0 and not dataset.allow_empty:
        yield "it is empty"
    known = record["statistics"]["columns"]
    # Statistics of then would tell what must not be told any more (BR-206).
    told = [each.name for each in columns if each.sensitive and not known[each.name]["sensitive"]]
    if told:
        yield f"its statistics tell of {', '.join(told)}, sensitive now"


def same_inputs(work: PreparedRun, target: Target) -> bool:
    """Whether the publication before was made by the same query from the same versions of its sources."""
    if work.before is None or not can_reuse(work):
        return False
    record, sources = made_from(work.before.record), sources_of(work, target)
    same_query = record.get("selection") == selection_digest(work, target)
    return same_query and all(sources.values()) and record["sources"] == sources


def unchanged_outcome(before: Publication) -> PublishOutcome:
    """The publication before, since this one would hold the same rows of the same structure."""
    record = before.record
    row_count = record["counts"]["rows"]
    return PublishOutcome(
        counts=RefreshCounts(row_count, 0, 0, row_count, 0),
        statistics=Statistics.model_validate(record["statistics"]),
        checks=tuple(CheckResult(**check) for check in record["checks"]),
        digest=record["digest"],
        record=record,
        table_version=before.version,
        size_bytes=None,
    )
