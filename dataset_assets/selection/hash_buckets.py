"""Choose a share of units by a hash of their key: the same units each time, on both engines.

The first 32 bits of the MD5 of `seed:key` are compared as text of eight hexadecimal digits.
"""

from decimal import Decimal
from math import ceil

from sqlglot import exp

from dataset_assets.sql.build import number, text

_BUCKETS = 2**32


def seeded(seed: str, key: exp.Expr) -> exp.Expr:
    """Return the text that is hashed: the seed, then the key."""
    return exp.Concat(expressions=[text(seed), key], safe=False, coalesce=False)


def bucket(seed: str, key: exp.Expr) -> exp.Expr:
    """Return the 32-bit bucket of a key, in hexadecimal digits."""
    return exp.Substring(this=exp.MD5(this=seeded(seed, key)), start=number(1), length=number(8))


def is_below(found: exp.Expr, percent: Decimal | int) -> exp.Expr:
    """Return whether a bucket is among the first `percent` hundredths, which is below 100."""
    first_after = f"{ceil(Decimal(percent) * _BUCKETS / 100):08x}"
    return exp.LT(this=found.copy(), expression=text(first_after))
