"""Choose which of the due outputs are requested now, in which runs, and why the others wait."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from dataset_assets.periods.ranges import follows, ranges
from dataset_assets.staleness.due_outputs import DueOutput, OutputMemory
from dataset_assets.staleness.loads import Requested
from dataset_assets.staleness.refresh_requests import (
    MOST_REASONS,
    REQUESTED_BEFORE,
    Choice,
    InProgress,
    RunRequest,
    publication_label,
)
from dataset_assets.text.digest import digest
from dataset_assets.text.wording import listed


def with_outputs(
    choice: Choice, memory: OutputMemory, in_progress: InProgress, requested: Requested, most_runs: int
) -> Choice:
    """Return the choice of datasets with that of outputs.

    An output waits while a publication that it reads may be replaced soon, while it is in progress, and after
    a request until there is something else to make it of.
    """
    ready: dict[str, list[DueOutput]] = {}
    notes = [f"{stem}: {fault}" for stem, fault in memory.faults.items()]
    for stem, due in memory.due.items():
        for each in due:
            if _is_unsettled(each, choice.unsettled, in_progress):
                continue
            if requested.get(stem, {}).get(each.period_id or "") == each.state:
                notes.append(f"{publication_label(stem, each.period)}: {REQUESTED_BEFORE}")
            else:
                ready.setdefault(stem, []).append(each)
    left = most_runs - len(choice.runs)
    chosen = [*islice(_ranges(ready), max(left, 0))]
    runs = [_run(each) for each in chosen]
    return Choice(
        runs=[*choice.runs, *runs],
        requested={**choice.requested, **_requests_after(memory, requested, chosen)},
        notes=[*choice.notes, *notes],
        unsettled=choice.unsettled,
    )


def _is_unsettled(due: DueOutput, unsettled: Mapping[str, set[str | None]], in_progress: InProgress) -> bool:
    """Return whether a publication that is read may be replaced soon. None stands for all Periods."""
    own, read = in_progress.of(due.stem), unsettled.get(due.dataset, set())
    return not own.isdisjoint({due.period_id, None}) or not read.isdisjoint({*due.reads, None})


def _ranges(ready: Mapping[str, Sequence[DueOutput]]) -> Iterator[Sequence[DueOutput]]:
    """Yield the outputs of each range of consecutive Periods."""
    for due in ready.values():
        yield from ranges(due, lambda before, after: follows(before.period, after.period))


def _run(due: Sequence[DueOutput]) -> RunRequest:
    stem = due[0].stem
    key = digest([stem, *(part for each in due for part in (each.period_id or "", each.state))])
    reasons = dict.fromkeys(each.reason for each in due)
    return RunRequest(stem, tuple(each.period for each in due), key, listed([*reasons], MOST_REASONS, "; "))


def _requests_after(
    memory: OutputMemory, requested: Requested, chosen: Sequence[Sequence[DueOutput]]
) -> dict[str, dict[str, str]]:
    """Return the earlier requests of what is still due, and those of the runs."""
    found: dict[str, dict[str, str]] = {}
    for stem, due in memory.due.items():
        known = requested.get(stem, {})
        kept = {period: known[period] for each in due if (period := each.period_id or "") in known}
        if kept:
            found[stem] = kept
    for each in (each for due in chosen for each in due):
        found.setdefault(each.stem, {})[each.period_id or ""] = each.state
    return found
