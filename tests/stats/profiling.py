"""Compute the expected statistics of rows in plain Python."""

import math
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction

from sqlglot import exp

from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.stats.profile import profile

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROWS = exp.to_table("staged_rows")


def profiled(bench, columns, rows, split=None, told_of=None, extra=None):
    """Profile rows on an engine."""
    return profile(bench.session, bench.hold(columns, rows), told_of or published(columns), split, extra)


def published(columns, sensitive=()):
    return [PublishedColumn(name, kind, True, sensitive=name in sensitive) for name, kind in columns.items()]


def shown(value):
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    return value.isoformat() if isinstance(value, date) else value


def order(value):
    return value.encode() if isinstance(value, str) else value


def point(value):
    if isinstance(value, datetime):
        return (value.date() - EPOCH.date()).days
    return (value - EPOCH.date()).days if isinstance(value, date) else value


def summary(kind, values):
    known = [value for value in values if value is not None]
    numeric, ranged = kind in ("integer", "decimal"), kind not in ("string", "boolean")
    return {
        "cardinality": len(set(known)),
        "null_percent": 100 * (len(values) - len(known)) / len(values),
        "min": shown(min(known)) if known and ranged else None,
        "max": shown(max(known)) if known and ranged else None,
        "mean": float(sum(known)) / len(known) if known and numeric else None,
    }


def bins(kind, values, splits):
    """Return (rows, rows by split) of each bin of equal width, edges included."""
    points = [None if value is None else point(value) for value in values]
    known = [each for each in points if each is not None]
    if not known or kind in ("string", "boolean"):
        return []
    low, high = min(known), max(known)
    width = math.ceil(Decimal(high - low + 1) / 20)
    if kind == "decimal":
        width = max(((high - low) / 20).quantize(Decimal("1e-9"), "ROUND_HALF_UP"), Decimal("1e-9"))
    count = min(20, int((high - low) // width) + 1)
    places = [None if each is None else min(int((each - low) // width), count - 1) for each in points]
    found = []
    for place in range(count):
        held = [split for at, split in zip(places, splits, strict=True) if at == place]
        names = {name: held.count(code) for code, name in enumerate(("train", "eval", "test"))}
        ends = [low + width * place, low + width * (place + 1)]
        if kind == "decimal" and place == count - 1:
            ends[1] = high
        if kind in ("date", "timestamp"):
            ends = [EPOCH.date() + timedelta(days=end) for end in ends]
        found.append(
            {
                "low": shown(ends[0]),
                "high": shown(ends[1]),
                "rows": len(held),
                "splits": {name: rows for name, rows in names.items() if rows},
            }
        )
    return found


def middle(ordered):
    """Return the exact PERCENTILE_CONT(0.5), as text if it is not a value of the column's type."""
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    total = Fraction(low) + Fraction(high)
    if isinstance(low, int) and total % 2 == 0:
        return int(total / 2)
    with localcontext(prec=80):
        return shown(Decimal(total.numerator) / (2 * total.denominator))


def expected(kind, values, splits):
    known = [value for value in values if value is not None]
    ordered = sorted(known, key=order)
    counted = sorted(Counter(known).items(), key=lambda item: (-item[1], order(item[0])))[:10]
    numeric = known and kind in ("integer", "decimal")
    by_split = {
        name: summary(kind, [value for value, split in zip(values, splits, strict=True) if split == code])
        for code, name in enumerate(("train", "eval", "test"))
        if code in splits
    }
    return {
        "type": kind,
        "sensitive": False,
        "null_count": len(values) - len(known),
        **summary(kind, values),
        "median": middle(ordered) if numeric else None,
        "top_values": [{"value": shown(value), "rows": rows} for value, rows in counted],
        "histogram": bins(kind, values, splits),
        "splits": by_split,
        "split_deviation": deviation(kind, values, splits),
    }


def deviation(kind, values, splits):
    """Return the value whose shares of the parts differ most; the first of several, NULL before others."""
    sizes = Counter(splits)
    if kind not in ("string", "boolean") or len(sizes) < 2 or len(set(values)) > 50:
        return None
    counts = Counter(zip(values, splits, strict=True))
    found = []
    for value in sorted(set(values), key=lambda each: (each is not None, order(each or ""))):
        shares = {code: Fraction(100 * counts[value, code], sizes[code]) for code in sorted(sizes)}
        found.append((max(shares.values()) - min(shares.values()), value, shares))
    points, value, shares = max(found, key=lambda each: each[0])
    names = ("train", "eval", "test")
    percents = {names[code]: float(share) for code, share in shares.items()}
    return {"value": value, "percents": percents, "points": float(points)}
