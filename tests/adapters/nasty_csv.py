"""Seeded sets of nasty files of one table, with an oracle that says in plain Python what they hold.

A set is a contract, the settings of the table in a target, files, and the rows that are right: each text
is made together with the `Decimal`, `date` or `datetime` that it means, with none of the code under test.
Further kinds of files are further functions in `KINDS`.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

TYPES = ("string", "integer", "decimal", "boolean", "date", "timestamp")


@dataclass
class FileSet:
    """Files by name, what a target says of them, and what is right.

    `refused` names the file at fault where none of the rows may be read; `rows` are the values otherwise.
    """

    columns: list[dict[str, Any]]
    settings: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    refused: str = ""
    story: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Style:
    """How one table's CSV files are written: what the target says of them."""

    delimiter: str
    quote: str
    encoding: str
    decimal: str
    thousands: str | None
    date_format: str | None
    timestamp_format: str | None
    nulls: list[str]
    comment: str | None
    skip: int
    header: bool
    escape: str | None

    def settings(self) -> dict[str, Any]:
        """The keys of the target that are not the defaults."""
        defaults = Style(",", '"', "utf-8", ".", None, None, None, [""], None, 0, True, None)
        return {name: value for name, value in vars(self).items() if value != getattr(defaults, name)}


def style(rng: random.Random) -> Style:
    """Draw a format. `\\N` as NULL beside `\\` as escape is refused as ambiguous, and is not drawn."""
    found = _any_style(rng)
    return replace(found, escape=None) if "\\N" in found.nulls else found


def _any_style(rng: random.Random) -> Style:
    decimal = rng.choice("..,")
    quote = rng.choice('"""\'')
    return Style(
        delimiter=rng.choice([",", ",", ";", "\t", "|", "||", "§"]),
        quote=quote,
        encoding=rng.choice(
            ["utf-8", "utf-8", "utf-8", "utf-16", "latin-1", "cp1252", "utf-16-le", "iso8859-15"]
        ),
        decimal=decimal,
        thousands=rng.choice([None, None, ".,"[decimal == "."], " "]) if quote else None,
        date_format=rng.choice([None, None, "%d.%m.%Y", "%m/%d/%Y", "%Y%m%d", "%d %b %Y", "%d/%m/%y"]),
        timestamp_format=rng.choice(
            [None, None, "%d.%m.%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p", "%Y%m%d%H%M%S.%f"]
        ),
        nulls=rng.choice([[""], [""], ["", "NA"], ["\\N"], ["NULL", "", "-"]]),
        comment=rng.choice([None, None, None, "#"]),
        skip=rng.choice([0, 0, 0, 2]),
        header=rng.random() > 0.1,
        escape=rng.choice([None, None, None, "\\"]),
    )


_LETTERS = [
    "a",
    "Z",
    " ",
    "0",
    "1",
    ",",
    ";",
    "|",
    "\t",
    "'",
    '"',
    "\n",
    "\r\n",
    "#",
    "-",
    ".",
    "é",
    "ß",
    "漢",
    "😀",
    "€",
]


def _text(rng: random.Random, it: Style) -> str:
    special = [
        "007",
        "10115",
        "1e3",
        "true",
        "NaN",
        "2026-01-01",
        " a ",
        it.quote * 2,
        it.delimiter,
        "x" * 3000,
    ]
    if rng.random() < 0.3:
        return rng.choice(special)
    found = "".join(rng.choice(_LETTERS) for _ in range(rng.randrange(1, 9)))
    if len(it.delimiter.encode()) > 1:  # DuckDB cannot read some of these, and the file is refused
        found = found.replace("\r\n", "").replace("\n", "")
    return found.encode(it.encoding, "ignore").decode(it.encoding)


def _digits(rng: random.Random, whole: int, it: Style) -> str:
    text = str(whole)
    if it.thousands and rng.random() < 0.5:
        text = f"{whole:,}".replace(",", it.thousands)
    return text


def value(rng: random.Random, kind: str, it: Style) -> tuple[str, Any]:
    """A text as a file has it, and the value that it means."""
    sign = rng.choice(["", "", "-"])
    if kind == "string":
        text = _text(rng, it)
        return text, text
    if kind == "integer":
        whole = rng.choice([0, 7, 1234, 2**63 - 1, rng.randrange(10**15)])
        return sign + _digits(rng, whole, it), -whole if sign else whole
    if kind == "decimal":
        whole, places = rng.choice([0, 5, 1234567, 12345678901234567890, 10**29 - 1]), rng.randrange(10)
        fraction = "".join(rng.choice("0123456789") for _ in range(places))
        zeros = "0" * rng.choice([0, 0, 3]) if places == 9 else ""
        text = f"{sign}{_digits(rng, whole, it)}{it.decimal if places else ''}{fraction}{zeros}"
        return text, Decimal(f"{sign}{whole}.{fraction or 0}")
    if kind == "boolean":
        text = rng.choice(["true", "false", "TRUE", "False", "t", "F", "1", "0"])
        return text, text.lower() in ("true", "t", "1")
    first = date(1970, 1, 1) if it.date_format == "%d/%m/%y" else date(1, 1, 1)
    last = date(2068, 12, 31) if it.date_format == "%d/%m/%y" else date(9999, 12, 31)
    near = rng.random() < 0.7
    day = date(2026, 1, 1) + timedelta(rng.randrange(400)) if near else rng.choice([first, last])
    if kind == "date":
        return _day(day, it.date_format or "%Y-%m-%d"), day
    return _instant(rng, day, it)


def _day(day: date, form: str) -> str:
    return day.strftime(form.replace("%Y", f"{day.year:04}"))


def _instant(rng: random.Random, day: date, it: Style) -> tuple[str, datetime]:
    moment = datetime(day.year, day.month, day.day, rng.randrange(24), rng.randrange(60), rng.randrange(60))  # noqa: DTZ001
    micros = rng.randrange(10**6)
    if it.timestamp_format:
        moment = moment.replace(microsecond=micros if "%f" in it.timestamp_format else 0)
        return _day(moment, it.timestamp_format), moment.replace(tzinfo=UTC)
    moment = moment.replace(microsecond=rng.choice([0, micros]))
    text = moment.isoformat(sep=rng.choice(" T")) + (
        "000" if moment.microsecond and rng.random() < 0.2 else ""
    )
    if 1 < day.year < 9999 and rng.random() < 0.5:
        hours = rng.choice([0, 2, -5, 14])
        text += "Z" if hours == 0 else f"{hours:+03}:30" if rng.random() < 0.5 else f"{hours:+03}"
        minutes = 60 * hours + (30 if ":30" in text[-3:] and hours else 0) * (1 if hours > 0 else -1)
        return text, moment.replace(tzinfo=timezone(timedelta(minutes=minutes))).astimezone(UTC)
    return text, moment.replace(tzinfo=UTC)


def _written(rng: random.Random, text: str, it: Style, *, always: bool) -> str:
    special = {
        it.quote,
        "\n",
        "\r",
        *([it.comment] if it.comment else []),
        *([it.escape] if it.escape else []),
    }
    needed = (
        it.delimiter in text
        or any(each in text for each in special)
        or (len(it.delimiter) > 1 and "|" in text)
    )
    if not (always or needed or rng.random() < 0.2) or (text in it.nulls and it.escape):
        return text
    mark = it.escape or it.quote
    inner = text.replace(it.escape, it.escape * 2) if it.escape else text
    return f"{it.quote}{inner.replace(it.quote, mark + it.quote)}{it.quote}"


def csv_set(rng: random.Random) -> FileSet:
    """One to three CSV files of one table, which are right or have one fault."""
    it = style(rng)
    kinds = [rng.choice(TYPES) for _ in range(rng.randrange(2, 5))]
    columns = [{"name": f"c{at}_{kind}", "type": kind} for at, kind in enumerate(kinds)]
    found = FileSet(columns, it.settings())
    for number in range(rng.randrange(1, 4)):
        _add_csv(rng, found, it, f"f{number}.csv")
    if rng.random() < 0.5:
        _break_csv(rng, found, it)
    return found


def _lines(rng: random.Random, rows: list[list[str]], it: Style, names: list[str], end: str) -> list[str]:
    always = rng.random() < 0.2
    table = [names, *rows] if it.header else rows
    lines = ['say "hi', "'x"][: it.skip]
    for row in table:
        if it.comment and rng.random() < 0.3:
            lines.append(f"# it's \"a comment{it.delimiter}")
        lines.append(it.delimiter.join(_written(rng, each, it, always=always) for each in row))
    return [line + end for line in lines]


def _add_csv(rng: random.Random, found: FileSet, it: Style, name: str) -> None:
    names = [column["name"] for column in found.columns]
    if it.header and rng.random() < 0.2:
        names = [each.upper() for each in names]
    order = [*range(len(names))]
    rows, values = [], []
    for _ in range(rng.choice([0, 1, 5, 40])):
        cells = [value(rng, column["type"], it) for column in found.columns]
        cells = [(rng.choice(it.nulls), None) if rng.random() < 0.1 else cell for cell in cells]
        cells = [(text, None if text in it.nulls else what) for text, what in cells]
        rows.append([text for text, _ in cells])
        values.append(tuple(what for _, what in cells))
    if it.header:
        rng.shuffle(order)
        extra = rng.random() < 0.3
        names = [names[at] for at in order] + (["more"] if extra else [])
        rows = [[row[at] for at in order] + (["x"] if extra else []) for row in rows]
    end = rng.choice(["\n", "\n", "\r\n"])
    lines = _lines(rng, rows, it, names, end)
    text = "".join(lines)
    if rng.random() < 0.2 and rows:
        text = text.removesuffix(end)
    mark = "\ufeff" if it.encoding == "utf-8" and rng.random() < 0.3 else ""
    found.files[name] = (mark + text).encode(it.encoding)
    if not it.header and not rows:
        found.files[name] = b""
    if rng.random() < 0.05:
        found.files[name], values = b"", []
    found.rows += values


def _break_csv(rng: random.Random, found: FileSet, it: Style) -> None:
    """Put one fault into one file."""
    name = rng.choice(list(found.files))
    raw = found.files[name]
    if not raw:
        return
    text = raw.decode(it.encoding)
    end = "\r\n" if text.split("\n")[0].endswith("\r") else "\n"
    text = text if text.endswith("\n") else text + end
    row = it.delimiter.join("" for _ in found.columns)
    lines = [each for each in text.split(end)[it.skip :] if not (it.comment and each.startswith(it.comment))]
    line = lines[0] if it.header else row
    others: Mapping[str, str] = {
        "a long row": text + row + it.delimiter * 3 + "1" + end,
        "a short row": text + "x" + end,
        "a second header": text + line + end if it.header else text + "x" + end,
        "an open quote": text + it.quote + "x" + end,
        "a quote in a value": text + "a" + it.quote + "b" + row + end,
        "text after a quote": text + it.quote + "a" + it.quote + "b" + row + end,
        "another line end": text + line + ("\n" if end == "\r\n" else "\r\n"),
        "a lone return": text + "\r" + row + "x" + end,
    }
    story, broken = rng.choice(list(others.items()))
    found.files[name] = broken.encode(it.encoding)
    if it.encoding == "utf-8" and rng.random() < 0.1:
        story, found.files[name] = "a byte that is no UTF-8", raw + b"\xff"
    found.story.append(story)
    found.refused = name


BAD_VALUES: Mapping[str, tuple[str, ...]] = {
    "integer": (" 1 ", "1e3", "0x10", "1_000", "1.0", "9223372036854775808", "--1", "", "\u0661", "1 000"),
    "decimal": (
        "1.2345678901",
        "1e3",
        "inf",
        "nan",
        "0x1",
        "1_0.5",
        "1,5",
        ".",
        "",
        " 1",
        "100000000000000000000000000000",
    ),
    "boolean": ("yes", "no", "y", "on", "2", "", " true", "wahr", "T rue"),
    "date": (
        "03/04/2017",
        "2026-1-1",
        "2026-02-30",
        "0000-01-01",
        "10000-01-01",
        "2026-01-01 00:00:00",
        "20260101",
        "-2026-01-01",
        "infinity",
        "",
        "2026-01-01 (BC)",
        " 2026-01-01",
    ),
    "timestamp": (
        "2026-01-01",
        "2026-01-01 10:00:00.1234567",
        "2026-01-01 24:00:00",
        "2026-01-01 10:00:60",
        "2026-01-01 10:00:00 Europe/Berlin",
        "2026-01-01 10:00:00+99",
        "0001-01-01 00:00:00+01",
        "9999-12-31 23:59:59-01",
        "infinity",
        "",
        "1767225600",
        "2026-01-01 1:00:00",
        "2026-01-01 10:00Z",
    ),
}
"""Declared type → texts that are none of its values; the empty one where `nulls` has another."""

KINDS: Mapping[str, Callable[[random.Random], FileSet]] = {"csv": csv_set}
