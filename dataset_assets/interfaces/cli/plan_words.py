"""Describe in words the result of `plan --against` for a dataset."""

from collections import Counter
from collections.abc import Iterable, Iterator

from dataset_assets.lifecycle.target_change import DatasetChange, PlanAgainst
from dataset_assets.text.wording import listed, size_text

STATES = ("changed", "new", "removed", "affected", "broken", "unchanged")


def headline(found: PlanAgainst) -> str:
    """Return the counts of the states: `1 changed, 1 new, 5 unchanged against production`."""
    counts = Counter(each.state for each in found.datasets)
    words = [f"{counts[state]} {state}" for state in STATES if counts[state]]
    return f"{', '.join(words) or 'no datasets'} against {found.against}"


def version_words(change: DatasetChange) -> str:
    """Return the version now and the one that results: `1 → 2`."""
    before, after = change.version_before, change.version_after
    if change.state == "removed" or before == after or after is None:
        return "" if before is None else str(before)
    return str(after) if before is None else f"{before} → {after}"


def row_words(change: DatasetChange) -> str:
    """Return the rows of the last publication, and how those of the own target differ."""
    if change.row_count is None:
        return ""
    period = f" ({change.last_period})" if change.last_period else ""
    here = change.rows_here
    if here is None:
        return f"{change.row_count:,}{period}"
    counts = (("added", here.added), ("removed", here.removed), ("changed", here.changed))
    parts = [f"{count:,} {word}" for word, count in counts if count]
    of = f" of {here.period}" if here.period and here.period != change.last_period else ""
    return f"{change.row_count:,}{period}; here{of} {', '.join(parts) or 'the same rows'}"


def period_words(change: DatasetChange) -> str:
    """Return the publications that would be published again: `2: 2017-11 to 2017-12`."""
    if not change.publications:
        return ""
    if not change.periods:
        return str(change.publications)
    first, last = change.periods[0], change.periods[-1]
    return f"{change.publications}: {first if first == last else f'{first} to {last}'}"


def cost_words(change: DatasetChange) -> str:
    """Return the estimated bytes and rows of publishing, as far as they are known."""
    if change.bytes_estimated is not None:
        return f"{size_text(change.bytes_estimated)} read"
    if not change.publications or change.row_estimate is None:
        return "unknown" if change.publications else ""
    size = f", {size_text(change.size_estimate)}" if change.size_estimate is not None else ""
    return f"about {change.row_estimate:,} rows{size}"


def column_words(change: DatasetChange) -> Iterator[str]:
    """Yield a sentence for each published column that is added, removed or has another type."""
    for each in change.columns:
        if each.type_before is None:
            yield f"published column `{each.name}` ({each.type_after}) is added"
        elif each.type_after is None:
            yield f"published column `{each.name}` ({each.type_before}) is removed"
        else:
            yield f"published column `{each.name}` is {each.type_after} instead of {each.type_before}"


def remark_words(change: DatasetChange) -> Iterator[str]:
    """Yield sentences on fields that are not structural, causes, readers, a new name, and obstacles."""
    if change.state == "new":
        yield f"{len(change.columns)} columns: {_names((each.name for each in change.columns), 12)}"
    if change.settings:
        yield f"changed without a new version: {_names(change.settings)}"
    if change.because_of:
        yield f"reads {_names(change.because_of)}, whose rows may change"
    if change.renamed_to:
        yield f"its file is `{change.renamed_to}` now; published rows stay in the table of the old name"
    elif change.state == "removed":
        yield "it has no file any more; published rows stay"
    if change.readers and change.state in {"changed", "removed", "broken"}:
        yield f"read by {_names(change.readers)}"
    yield from change.obstacles


def _names(names: Iterable[str], most: int = 6) -> str:
    return listed((f"`{each}`" for each in names), most)
