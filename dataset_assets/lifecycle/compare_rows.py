"""Compare the rows of two publications by identity: which were added, removed and changed, and in what.

One query counts inside the engine; only counts and a few examples leave it.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from dataset_assets.catalog.catalog import Catalog, PublishedName
from dataset_assets.catalog.structures import structure
from dataset_assets.checks.duplicate_keys import MASKED
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.structural_diff import Kind, difference
from dataset_assets.lifecycle.compare import sensitive_columns
from dataset_assets.lifecycle.compared_rows import ComparedRows, Identified
from dataset_assets.lifecycle.compared_side import ComparedSide, Side, find_side
from dataset_assets.lifecycle.diff import ChangeInWords, changes_in_words
from dataset_assets.model import Model
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.target import Target
from dataset_assets.rows.difference import ADDED, CHANGED, REMOVED, ComparedField, CountedDifference, Pair
from dataset_assets.system_errors import system_errors_as_faults
from dataset_assets.text.values import json_value

DEFAULT_EXAMPLES, MOST_EXAMPLES = 3, 100


class RowCount(Model):
    """A number of rows, and its percentage: of the rows of `after` if they were added, else of `before`."""

    rows: int
    percent: float


class RowExample(Model):
    """A row, or its key and one column, before and after; None for a side that does not have it.

    A decimal, date or instant is text, sensitive values are masked.
    """

    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


class ColumnComparison(Model):
    """A column: in how many changed rows it differs, with examples.

    A type is None where the column is missing. Columns of two types that cannot be compared have no counts.
    """

    name: str
    type_before: str | None
    type_after: str | None
    sensitive: bool
    changed: RowCount | None
    examples: tuple[RowExample, ...] = ()


class RowComparison(Model):
    """The rows of two publications. `identified_by` says how rows are paired, `key` by which columns.

    Without any identity equal rows are counted: then none is changed. `kind` and `changes` are the
    differences of the definitions. `equal` says whether rows and columns are the same.
    """

    before: ComparedSide
    after: ComparedSide
    equal: bool
    identified_by: Identified
    key: tuple[str, ...]
    same: RowCount
    added: RowCount
    removed: RowCount
    changed: RowCount
    columns: tuple[ColumnComparison, ...]
    examples: Mapping[Literal["added", "removed", "changed"], tuple[RowExample, ...]]
    kind: Kind
    changes: tuple[ChangeInWords, ...]


@dataclass(frozen=True)
class SideRequest:
    """Which rows to compare: those that `reference` names, of a dataset or an output in a target."""

    published: PublishedName
    target: Target
    reference: str = ""


@system_errors_as_faults()
def compare_rows(
    catalog: Catalog, before: SideRequest, after: SideRequest, examples: int = DEFAULT_EXAMPLES
) -> RowComparison:
    """Compare the rows of two publications.

    If both sides name nothing but the same dataset, the last version of its table is compared with the one
    before it. Raises ResolveError if there are no such rows, or no column of both.
    """
    with _sides(before, after) as (old, new):
        hidden = {
            name
            for side in (old, new)
            for publication in side.publications
            for name in sensitive_columns(catalog, side.published.entry, publication.record)
        }
        rows = ComparedRows(old, new, frozenset(each.lower() for each in hidden), examples)
        found = rows.counted()
        return _comparison(rows, found)


@contextmanager
def _sides(before: SideRequest, after: SideRequest) -> Generator[tuple[Side, Side]]:
    """Find both sides, in one session if they are in one target."""
    with after.target.engine.connect(JobContext(after.published.stem)) as session:
        new = find_side(after.published, after.target, session, after.reference)
        if before.target.name == after.target.name:
            earlier = before == after and not after.reference
            yield find_side(before.published, after.target, session, before.reference, earlier=earlier), new
            return
        with before.target.engine.connect(JobContext(before.published.stem)) as other:
            yield find_side(before.published, before.target, other, before.reference), new


def _comparison(rows: ComparedRows, found: CountedDifference) -> RowComparison:
    old, new = rows.before, rows.after
    added, removed, changed = (found.counts.get(each, 0) for each in (ADDED, REMOVED, CHANGED))
    definitions = [Dataset.model_validate(each.last.record["definition"]) for each in (old, new)]
    structural = difference(*map(structure, definitions))
    columns = tuple(_columns(rows, found))
    return RowComparison(
        before=old.described,
        after=new.described,
        equal=not (added or removed or changed)
        and all(each.type_before == each.type_after for each in columns),
        identified_by=rows.identified_by,
        key=tuple(field.name for field in rows.fields if field.identifies),
        same=_count(old.row_count - removed - changed, old.row_count),
        added=_count(added, new.row_count),
        removed=_count(removed, old.row_count),
        changed=_count(changed, old.row_count),
        columns=columns,
        examples={
            state: tuple(_examples(rows.fields, found.examples.get(state, ()), state))
            for state in (ADDED, REMOVED, CHANGED)
        },
        kind=structural.kind,
        changes=changes_in_words(structural),
    )


def _count(rows: int, of: int) -> RowCount:
    return RowCount(rows=rows, percent=round(100 * rows / of, 4) if of else 0.0)


def _columns(rows: ComparedRows, found: CountedDifference) -> Iterator[ColumnComparison]:
    """Yield the compared columns that are no key, then those that cannot be compared."""
    key = [field for field in rows.fields if field.identifies]
    for place, field in enumerate(rows.fields):
        if rows.identified_by == "content" or field.identifies:
            continue
        types = [
            side.types.get(rows.name_in(side, field.name), field.type) for side in (rows.before, rows.after)
        ]
        yield ColumnComparison(
            name=field.name,
            type_before=types[0],
            type_after=types[1],
            sensitive=not field.shown,
            changed=_count(found.changes.get(place, 0), rows.before.row_count),
            examples=tuple(_examples([*key, field], found.column_examples.get(place, ()), CHANGED)),
        )
    for name, type_before, type_after in rows.not_compared:
        yield ColumnComparison(
            name=name,
            type_before=type_before,
            type_after=type_after,
            sensitive=name.lower() in rows.hidden,
            changed=None,
        )


def _examples(fields: Sequence[ComparedField], pairs: Iterable[Pair], state: str) -> Iterator[RowExample]:
    for before, after in pairs:
        yield RowExample(
            before=None if state == ADDED else _shown(fields, before),
            after=None if state == REMOVED else _shown(fields, after),
        )


def _shown(fields: Sequence[ComparedField], values: Mapping[str, Any]) -> dict[str, Any]:
    return {each.name: json_value(values[each.name]) if each.shown else MASKED for each in fields}
