"""Encode a row as canonical text, and many rows as one digest, so that rows can be compared by hash.

The text is the same on every engine, so row hashes and digests are too.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.sql.build import alias, column, text
from dataset_assets.sql.nodes import DecimalText, Fingerprint, FingerprintPart, Joined

_NULL = "n"


def _as_text(value: exp.Expr) -> exp.Expr:
    return exp.cast(value, "TEXT")


def _or_null(value: exp.Expr) -> list[exp.Expr]:
    return [exp.Coalesce(this=value, expressions=[text(_NULL)])]


def _string(value: exp.Expr) -> list[exp.Expr]:
    """Write the length first, so that no text can look like the end of a field."""
    length = _as_text(exp.Length(this=value))
    return [*_or_null(length), text(":"), exp.Coalesce(this=value.copy(), expressions=[text("")])]


_FIELDS: Mapping[ColumnType, tuple[str, Callable[[exp.Expr], list[exp.Expr]]]] = {
    ColumnType.STRING: ("s", _string),
    ColumnType.INTEGER: ("i", lambda value: _or_null(_as_text(value))),
    ColumnType.DECIMAL: ("d", lambda value: _or_null(DecimalText(this=value))),
    ColumnType.BOOLEAN: ("b", lambda value: _or_null(_as_text(value))),
    ColumnType.DATE: ("D", lambda value: _or_null(_as_text(value))),
    ColumnType.TIMESTAMP: ("t", lambda value: _or_null(_as_text(exp.UnixMicros(this=value)))),
}
"""Maps a type to its tag and the function that writes a value of it."""


def row_text(columns: Sequence[tuple[exp.Expr, ColumnType]]) -> exp.Expr:
    """Return the canonical text of a row: fields joined by `|`, each a type's tag and the value or `n`.

    NULL is `n`, strings are `s<characters>:<text>`, decimals have nine places, timestamps are UTC
    microseconds. Two rows have the same text only if their types and values are the same.
    """
    pieces: list[exp.Expr] = []
    for place, (value, kind) in enumerate(columns):
        tag, write = _FIELDS[kind]
        pieces += [text(f"|{tag}" if place else tag), *write(value.copy())]
    return Joined(expressions=pieces)


def digest_parts(columns: Sequence[PublishedColumn], table: str | None = None) -> dict[str, exp.Expr]:
    """Return the aggregates that `fold_digest` combines to a digest; `table` qualifies the columns."""
    fields = [(column(each.name, table), each.type) for each in columns]
    fingerprint = Fingerprint(this=row_text(fields))
    sums = {
        f"digest_{part}": exp.Sum(
            this=FingerprintPart(this=fingerprint.copy(), part=exp.Literal.number(part))
        )
        for part in (0, 1)
    }
    return {"digest_rows": exp.Count(this=exp.Star()), **sums}


def fold_digest(columns: Sequence[PublishedColumn], parts: Mapping[str, object]) -> str:
    """Return the digest: the hexadecimal SHA-256 of the columns' names and types, the count and two sums."""
    numbers = {name: int(Decimal(str(value or 0))) for name, value in sorted(parts.items())}
    shape = [[each.name, each.type.value] for each in columns]
    return hashlib.sha256(json.dumps([shape, numbers]).encode()).hexdigest()


def content_digest(session: Session, source: exp.Expr, columns: Sequence[PublishedColumn]) -> str:
    """Return the digest of the rows of `source` (BR-116).

    It does not depend on the order of rows or on threads; duplicates count. It consists of sums of slices
    of the MD5 of each row's text, exact on every engine up to 8e10 rows. It detects accidental changes, not
    forgery.
    """
    return counted_digest(session, source, columns)[1]


def counted_digest(session: Session, source: exp.Expr, columns: Sequence[PublishedColumn]) -> tuple[int, str]:
    """Return the number of rows of `source` and their `content_digest`, from one scan."""
    parts = digest_parts(columns)
    query = exp.select(*(alias(exp.cast(part, "TEXT"), name) for name, part in parts.items()))
    answer = session.rows(query.from_(source.copy()))[0]
    return int(answer["digest_rows"]), fold_digest(columns, answer)
