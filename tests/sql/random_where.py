"""Random conditions as text, each with its three-valued meaning in plain Python (True, False or None)."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from dataset_assets.contract.model import ColumnType

Row = Mapping[str, Any]
COLUMNS = {
    "n": ColumnType.INTEGER,
    "count": ColumnType.INTEGER,
    "price": ColumnType.DECIMAL,
    "name": ColumnType.STRING,
    "other": ColumnType.STRING,
    "gift": ColumnType.BOOLEAN,
    "day": ColumnType.DATE,
    "timestamp": ColumnType.TIMESTAMP,
}
TEXTS = [
    "",
    "a",
    "A",
    "it's",
    '"',
    "\\",
    "a%",
    "a_b",
    "100%",
    "Ω",
    "e\u0301",
    "é",
    "😀",
    "a\nb",
    "z'--",
    "NULL",
]
NUMBERS = [0, 1, -1, 7, 2**53 + 1, 2**63 - 1, -(2**63)]
PRICES = [Decimal(each) for each in ("0", "1", "-1", "0.1", "7.000000001", "99999999999999999999.999999999")]
DAYS = [date(1, 1, 1), date(2017, 12, 31), date(2018, 1, 1), date(9999, 12, 31)]
INSTANTS = [datetime(2017, 12, 31, 23, 59, 59, 999999, UTC), datetime(2018, 1, 1, tzinfo=UTC)]
VALUES = {"integer": NUMBERS, "decimal": PRICES, "string": TEXTS, "boolean": [True, False], "date": DAYS,
          "timestamp": INSTANTS}  # fmt: skip
LABELS = [{}, {"k": "a"}, {"k": "it's", "Ω": ""}, {"it's": "100%"}]
OPERATORS = {"=": operator.eq, "<>": operator.ne, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
             ">": operator.gt, ">=": operator.ge}  # fmt: skip


def rows(number: int = 40) -> list[dict[str, Any]]:
    """Return rows in which every value, and NULL, occurs in every column."""
    return [
        {
            "n": place,
            **{
                name: None
                if (place + shift) % 5 == 0
                else VALUES[kind][place * (shift + 1) % len(VALUES[kind])]
                for shift, (name, kind) in enumerate(COLUMNS.items())
                if name != "n"
            },
            "_labels": LABELS[place % len(LABELS)],
        }
        for place in range(number)
    ]


@dataclass(frozen=True)
class Meant:
    """A part of a condition: how it is written, and its value for a row."""

    text: str
    of: Callable[[Row], Any]


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def written(value: Any) -> str:
    match value:
        case bool():
            return str(value).upper()
        case str():
            return quoted(value)
        case datetime():
            return f"TIMESTAMP '{value.replace(tzinfo=None).isoformat()}Z'"
        case date():
            return f"DATE '{value.isoformat()}'"
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def constant(value: Any) -> Meant:
    return Meant(written(value), lambda _: value)


def column(name: str) -> Meant:
    return Meant(name, lambda row: row[name])


def label(key: str) -> Meant:
    return Meant(f"label({quoted(key)})", lambda row: row["_labels"].get(key))


def strict(function: Callable[..., bool], *parts: Meant) -> Callable[[Row], bool | None]:
    """Return the function of the values of the parts that is NULL if any of them is."""

    def of(row: Row) -> bool | None:
        values = [part.of(row) for part in parts]
        return None if None in values else function(*values)

    return of


def both(left: bool | None, right: bool | None) -> bool | None:
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def opposite(value: bool | None) -> bool | None:
    return None if value is None else not value


def like(value: str, pattern: str) -> bool:
    """Match a pattern character by character, as the documentation defines it."""
    form = ""
    places = iter(pattern)
    for char in places:
        wild = {"%": ".*", "_": "."}.get(char)
        form += wild or re.escape(next(places) if char == "\\" else char)
    return re.fullmatch(form, value, re.DOTALL) is not None


@st.composite
def operands(draw: st.DrawFn, kinds: tuple[str, ...]) -> Meant:
    columns = [column(name) for name, kind in COLUMNS.items() if kind in kinds]
    labels = [label(key) for key in ("k", "Ω", "it's", "x")] if "string" in kinds else []
    constants = [constant(value) for kind in kinds for value in VALUES[kind]]
    return draw(st.one_of(st.sampled_from(columns + labels), st.sampled_from(constants)))


@st.composite
def patterns(draw: st.DrawFn) -> str:
    return "".join(
        draw(st.lists(st.sampled_from(["%", "_", "a", "'", "\\%", "\\_", "\\\\", "é", "\n"]), max_size=4))
    )


KINDS = (("integer", "decimal"), ("string",), ("boolean",), ("date",), ("timestamp",))


@st.composite
def predicates(draw: st.DrawFn) -> Meant:
    kinds = draw(st.sampled_from(KINDS))
    first = draw(operands(kinds))
    form = draw(st.sampled_from(["compare", "in", "between", "like", "null", "truth"]))
    no = draw(st.booleans())
    word = "NOT " if no else ""
    if form == "null":
        return Meant(f"{first.text} IS {word}NULL", lambda row: (first.of(row) is None) != no)
    if form == "truth" or (form == "like" and "string" not in kinds):
        flag = draw(operands(("boolean",)))
        return Meant(flag.text, flag.of)
    if form == "compare" or (form == "between" and "boolean" in kinds):
        sign = draw(st.sampled_from(["=", "<>", "!="] if "boolean" in kinds else list(OPERATORS)))
        second = draw(operands(kinds))
        return Meant(f"{first.text} {sign} {second.text}", strict(OPERATORS[sign], first, second))
    if form == "like":
        pattern = draw(patterns())
        found, said = strict(lambda value: like(value, pattern), first), f"LIKE {quoted(pattern)}"
    elif form == "between":
        low, high = draw(operands(kinds)), draw(operands(kinds))
        ends = strict(operator.ge, first, low), strict(operator.le, first, high)
        found, said = lambda row: both(*(end(row) for end in ends)), f"BETWEEN {low.text} AND {high.text}"
    else:
        values = draw(
            st.lists(st.sampled_from([v for kind in kinds for v in VALUES[kind]]), min_size=1, max_size=4)
        )
        found, said = strict(lambda value: value in values, first), f"IN ({', '.join(map(written, values))})"
    return Meant(f"{first.text} {word}{said}", lambda row: opposite(found(row)) if no else found(row))


def joined(parts: list[Meant], word: str) -> Meant:
    """Join conditions by AND or OR; OR is the opposite of AND of the opposites."""

    def of(row: Row) -> bool | None:
        found: bool | None = True
        for part in parts:
            found = both(found, part.of(row) if word == "AND" else opposite(part.of(row)))
        return found if word == "AND" else opposite(found)

    return Meant(f" {word} ".join(f"({part.text})" for part in parts), of)


def negated(part: Meant) -> Meant:
    return Meant(f"NOT ({part.text})", lambda row: opposite(part.of(row)))


def unwrapped(left: Meant, right: Meant, third: Meant) -> Meant:
    """Join three conditions without parentheses: AND binds before OR, NOT before both."""
    inner = joined([negated(right), third], "AND")
    whole = joined([left, inner], "OR")
    return Meant(f"{left.text} OR NOT {right.text} AND {third.text}", whole.of)


conditions = st.recursive(
    st.one_of(predicates(), st.builds(unwrapped, predicates(), predicates(), predicates())),
    lambda inner: st.one_of(
        st.builds(negated, inner),
        st.builds(joined, st.lists(inner, min_size=2, max_size=4), st.sampled_from(["AND", "OR"])),
    ),
    max_leaves=6,
)
