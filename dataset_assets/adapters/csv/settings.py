"""Declare the format of CSV files in a target; no part of it is guessed from the files."""

import codecs
import re
from encodings import normalize_encoding
from encodings.aliases import aliases
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from dataset_assets.adapters.csv.time_formats import checked_date_format, checked_timestamp_format
from dataset_assets.model import Boolean, Integer, Model

UTF_8 = frozenset({"utf-8", "utf_8", "utf-8-sig", "utf_8_sig"})
_NOT_FOR_FILES = {"base64_codec", "bz2_codec", "hex_codec", "mbcs", "quopri_codec", "rot_13", "uu_codec"}
_ENCODINGS = (set(aliases.values()) | {"utf_8_sig"}) - _NOT_FOR_FILES - {"zlib_codec", "tactis"}
_LINE_ENDS = frozenset("\r\n\0")


def _tab(value: object) -> object:
    r"""Return a tab for `\t`, which YAML leaves as it is without double quotes."""
    return "\t" if value == "\\t" else value


def _delimiter(value: str) -> str:
    if not 1 <= len(value.encode()) <= 4:
        raise ValueError("is not 1 to 4 bytes long; the readers of CSV files take no longer delimiter")
    if _LINE_ENDS & set(value) or value.isalnum():
        raise ValueError('is no delimiter; write a character such as ",", ";", "|" or "\\t"')
    return value


def _mark(value: str) -> str:
    if len(value) != 1 or not value.isascii() or value.isalnum() or value in _LINE_ENDS | set(" \t"):
        raise ValueError("is not one ASCII character other than a letter, a digit, a space or a line end")
    return value


def _mark_or_none(value: str) -> str:
    return _mark(value) if value else value


def _encoding(value: str) -> str:
    name = normalize_encoding(value.lower())
    if aliases.get(name, name) not in _ENCODINGS:
        raise ValueError("is no known encoding; write one such as utf-8, utf-16, latin-1 or cp1252")
    return codecs.lookup(value).name


def _null(value: str) -> str:
    if _LINE_ENDS & set(value):
        raise ValueError("holds a line end or a NUL character, which no text for NULL can hold")
    return value


class CsvFormat(Model):
    """The format of a CSV file. The default is RFC 4180: comma, double quote and a header.

    `delimiter`: 1 to 4 bytes. `quote`: one character; empty where values are never quoted. `escape`: the
    character before a quote inside a quoted value; by default the quote itself. `comment`: lines that begin
    with this character are left out. `skip`: the number of lines before the header. `encoding`: a name that
    Python knows. `decimal`, `thousands`: the separators in numbers. `date_format`, `timestamp_format`: as in
    `strptime`; by default ISO 8601. `nulls`: texts that mean NULL. `extra_decimals`: whether a tenth decimal
    place and exponents are an error or are rounded to nine places.
    """

    delimiter: Annotated[str, BeforeValidator(_tab), AfterValidator(_delimiter)] = ","
    quote: Annotated[str, AfterValidator(_mark_or_none)] = '"'
    escape: Annotated[str, AfterValidator(_mark)] | None = None
    comment: Annotated[str, AfterValidator(_mark)] | None = None
    header: Boolean = True
    skip: Annotated[Integer, Field(ge=0, le=1_000_000)] = 0
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8"
    decimal: Literal[".", ","] = "."
    thousands: Literal[",", ".", " ", "'", "_", "\u00a0", "\u202f", "\u2019"] | None = None
    date_format: Annotated[str, AfterValidator(checked_date_format)] | None = None
    timestamp_format: Annotated[str, AfterValidator(checked_timestamp_format)] | None = None
    nulls: Annotated[tuple[Annotated[str, AfterValidator(_null)], ...], Field(min_length=1)] = ("",)
    extra_decimals: Literal["error", "round"] = "error"

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        own = {"quote": self.quote, "escape": self.escape, "comment": self.comment}
        for name, mark in own.items():
            if mark and mark in self.delimiter:
                raise ValueError(f"`{name}` is {mark!r}, which the `delimiter` {self.delimiter!r} holds")
        if self.comment and self.comment in (self.quote, self.escape):
            raise ValueError(f"`comment` is {self.comment!r}, and so is `quote` or `escape`")
        if self.escape and not self.quote:
            raise ValueError("`escape` needs a `quote`: it stands before quotes inside quoted values")
        if self.thousands == self.decimal:
            raise ValueError(f"`thousands` and `decimal` are both {self.decimal!r}")
        return self

    @property
    def doubles_quotes(self) -> bool:
        """Whether a quote inside a quoted value is written twice."""
        return self.escape in (None, self.quote)

    @property
    def is_rewritten(self) -> bool:
        """Whether DuckDB reads a copy of the file, in UTF-8 and without comments and skipped lines."""
        return self.encoding not in UTF_8 or bool(self.comment) or self.skip > 0

    def whole_number(self) -> str:
        """Return the pattern of a number's whole part, with groups of three where `thousands` is given."""
        grouped = rf"[0-9]{{1,3}}(?:{re.escape(self.thousands)}[0-9]{{3}})+|" if self.thousands else ""
        return f"(?:{grouped}[0-9]+)"
