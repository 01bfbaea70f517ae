"""Find duplicate keys, and a sample of them for the message of a check."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from dataset_assets.ports.engine import Session
from dataset_assets.sql.build import column, number
from dataset_assets.sql.internal_names import Names
from dataset_assets.text.wording import shown

SAMPLE = 5
"""Duplicate keys in a sample."""
MASKED = "(sensitive)"


def duplicate_keys(
    session: Session,
    source: exp.Expr,
    keys: Sequence[exp.Expr],
    sensitive: set[str],
    names: Names,
    at_least: int = 2,
) -> tuple[int, list[dict[str, Any]]]:
    """Return the number of keys with `at_least` as many rows, by default more than one, and a sample of them.

    The first item of each entry of the sample is the number of rows with its key. Values of `sensitive`
    columns are masked (BR-206).
    """
    times, n = names.free("times"), names.free("n")
    duplicates = exp.select(exp.alias_(exp.Count(this=exp.Star()), times)).from_(source)
    duplicates = duplicates.group_by(*keys).having(
        exp.GT(this=exp.Count(this=exp.Star()), expression=number(at_least - 1))
    )
    counted_keys = duplicates.subquery(names.free("repeated"))
    counted = exp.select(exp.alias_(exp.Count(this=exp.Star()), n)).from_(counted_keys)
    count = int(session.rows(counted)[0][n])
    if not count:
        return 0, []
    most_first = exp.Ordered(this=column(times), desc=True, nulls_first=False)
    then_by_key = (exp.Ordered(this=key.copy(), nulls_first=True) for key in keys)
    sample = duplicates.select(*(key.copy() for key in keys)).order_by(most_first, *then_by_key)
    rows = session.rows(sample.limit(SAMPLE))
    return count, [
        {k: MASKED if k.lower() in sensitive else _plain(v) for k, v in row.items()} for row in rows
    ]


def first_key(sample: Sequence[Mapping[str, Any]]) -> str:
    """Describe the first key of a sample: `order_id 17, item 'a' (3 times)`."""
    (_, times), *key = sample[0].items()
    return f"{', '.join(f'{name} {shown(value)}' for name, value in key)} ({times:,} times)"


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | str | bool | None) else str(value)
