"""Compare expected rows with found ones, in any order, and pair those that are most alike."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dataset_assets.checks.duplicate_keys import MASKED
from dataset_assets.contract.model import ColumnDef
from dataset_assets.definition_tests.report import RowDifference
from dataset_assets.text.values import json_value

Plain = tuple[Any, ...]
"""The values of a row in the order of the columns, as plain JSON values."""


def row_differences(
    columns: Sequence[ColumnDef],
    key: Sequence[str],
    expected: Iterable[Mapping[str, Any]],
    found: Iterable[Mapping[str, Any]],
) -> tuple[RowDifference, ...]:
    """Return the differences of two lists of rows; none if they have the same rows equally often.

    Rows with the same values of the columns `key` are paired, then those with most equal values.
    """
    wanted, given = _counted(columns, expected), _counted(columns, found)
    missing, unexpected = list((wanted - given).elements()), list((given - wanted).elements())
    names = {name.lower() for name in key}
    keys = [index for index, each in enumerate(columns) if each.name.lower() in names]
    differences = []
    for row in missing:
        other = max(unexpected, key=lambda each: _likeness(row, each, keys), default=None)
        if other is not None and any(_likeness(row, other, keys)):
            unexpected.remove(other)
            differences.append(_difference(columns, row, other))
        else:
            differences.append(_difference(columns, row, None))
    return (*differences, *(_difference(columns, None, row) for row in unexpected))


def _counted(columns: Sequence[ColumnDef], rows: Iterable[Mapping[str, Any]]) -> Counter[Plain]:
    return Counter(tuple(json_value(row[each.name]) for each in columns) for row in rows)


def _likeness(row: Plain, other: Plain, keys: Sequence[int]) -> tuple[bool, bool, int]:
    """Return whether two rows have the same key, whether half of their values are equal, and how many are."""
    equal = [one == two for one, two in zip(row, other, strict=True)]
    same_key = bool(keys) and all(equal[index] for index in keys)
    enough = same_key or 2 * sum(equal) >= len(equal)
    return same_key, enough, sum(equal) if enough else 0


def _difference(columns: Sequence[ColumnDef], expected: Plain | None, found: Plain | None) -> RowDifference:
    differing = (
        tuple(c.name for c, one, two in zip(columns, expected, found, strict=True) if one != two)
        if expected is not None and found is not None
        else ()
    )
    return RowDifference(
        expected=_shown(columns, expected), found=_shown(columns, found), differing=differing
    )


def _shown(columns: Sequence[ColumnDef], row: Plain | None) -> Mapping[str, Any] | None:
    if row is None:
        return None
    values = zip(columns, row, strict=True)
    return {each.name: MASKED if each.sensitive and value is not None else value for each, value in values}
