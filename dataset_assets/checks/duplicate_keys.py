"""Keys that are there more than once, where each should be there once."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from dataset_assets.ports.engine import Session
from dataset_assets.sql.build import column, number
from dataset_assets.sql.internal_names import Names
from dataset_assets.text.wording import shown

SAMPLE = 5
MASKED = "(sensitive)"


def repeated(
    session: Session, source: exp.Expr, keys: Sequence[exp.Expr], sensitive: set[str], names: Names
) -> tuple[int, list[dict[str, Any]]]:
    """How many keys are there more than once, and a sample of them, which is looked for only then.

    The first item of each entry of the sample is how often its key is there.
    """
    times, n = names.free("times"), names.free("n")
    repeated = exp.select(exp.alias_(exp.Count(this=exp.Star()), times)).from_(source)
    repeated = repeated.group_by(*keys).having(exp.GT(this=exp.Count(this=exp.Star()), expression=number(1)))
    several = repeated.subquery(names.free("repeated"))
    counted = exp.select(exp.alias_(exp.Count(this=exp.Star()), n)).from_(several)
    count = int(session.rows(counted)[0][n])
    if not count:
        return 0, []
    most_first = exp.Ordered(this=column(times), desc=True, nulls_first=False)
    then_by_key = (exp.Ordered(this=key.copy(), nulls_first=True) for key in keys)
    sample = repeated.select(*(key.copy() for key in keys)).order_by(most_first, *then_by_key)
    rows = session.rows(sample.limit(SAMPLE))
    return count, [
        {k: MASKED if k.lower() in sensitive else _plain(v) for k, v in row.items()} for row in rows
    ]


def such(sample: Sequence[Mapping[str, Any]]) -> str:
    """The first of a sample of keys: `order_id 17, item 'a' (3 times)`."""
    (_, times), *key = sample[0].items()
    return f"{', '.join(f'{name} {shown(value)}' for name, value in key)} ({times:,} times)"


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | str | bool | None) else str(value)
