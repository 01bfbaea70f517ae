"""Locate the records and values in a block of a CSV file by its bytes, and find its format faults."""

import re
from typing import Any

import numpy as np

from dataset_assets.adapters.csv.settings import CsvFormat
from dataset_assets.cached_property import cached_property

RecordFault = tuple[int, str, str]
"""The index of a record, what is wrong with it, and a hint."""

_LINE_FEED, _CARRIAGE_RETURN = 10, 13


class Records:
    """The records of a block that begins at the start of a record and can end within one.

    `ends` are the positions of the line feeds that end a record, `quotes` the positions of the quotes that
    open or close a value.
    """

    def __init__(self, block: bytes, csv_format: CsvFormat) -> None:
        self._form = csv_format
        self._block = block
        self._plain, self._delimiter = self._as_single_bytes(block)
        self._bytes = np.frombuffer(self._plain, np.uint8)
        self._escaped = np.empty(0, np.int64)
        quote = csv_format.quote.encode()
        marks = self._without_escapes(self._plain) if quote and not csv_format.doubles_quotes else self._plain
        self._marks = np.frombuffer(marks, np.uint8)
        self.quotes = self._places(quote, self._marks)
        line_ends = self._places(b"\n", self._bytes)
        self.ends = self._outside(line_ends)
        self.quotes_line_ends = self.ends.size < line_ends.size
        self.fault = self._quote_fault() or self._escape_fault() or self._return_fault()

    def _as_single_bytes(self, block: bytes) -> tuple[bytes, bytes]:
        """Return block and delimiter; an unused byte replaces a delimiter of several bytes."""
        delimiter = self._form.delimiter.encode()
        if len(delimiter) == 1:
            return block, delimiter
        free = next(each for each in range(1, 256) if each not in (10, 13) and bytes([each]) not in block)
        return block.replace(delimiter, bytes([free])), bytes([free])

    def _without_escapes(self, text: bytes) -> bytes:
        """Return the text with spaces for each escape and the byte after it, which closes no value."""
        escape = re.escape((self._form.escape or "").encode())
        found = re.compile(escape + rb"[\s\S]")
        self._escaped = np.array([match.start() for match in found.finditer(text)], np.int64)
        return found.sub(b"  ", text)

    @staticmethod
    def _places(mark: bytes, text: Any) -> Any:
        return np.flatnonzero(text == mark[0]) if mark else np.empty(0, np.int64)

    def is_quoted(self, positions: Any) -> Any:
        """Return for each byte position whether it is inside a quoted value."""
        return (np.searchsorted(self.quotes, positions) & 1).astype(bool)

    def _outside(self, places: Any) -> Any:
        return places[~self.is_quoted(places)] if self.quotes.size else places

    @cached_property
    def _delimiters(self) -> Any:
        found = self._outside(self._places(self._delimiter, self._bytes))
        return found[: np.searchsorted(found, self.ends[-1])]

    @property
    def longest(self) -> int:
        """Return the length of the longest record in bytes."""
        return int(np.diff(self.ends, prepend=-1).max()) * len(self._form.delimiter.encode())

    def values_of(self, record: int) -> int:
        """Return the number of values in a record."""
        begin = self.ends[record - 1] if record else -1
        found = np.searchsorted(self._delimiters, [begin, self.ends[record]])
        return int(found[1] - found[0]) + 1

    def record(self, record: int) -> bytes:
        """Return a record with its line end."""
        begin = int(self.ends[record - 1]) + 1 if record else 0
        end = int(self.ends[record]) + 1 if record < self.ends.size else len(self._plain)
        return self._plain[begin:end].replace(self._delimiter, self._form.delimiter.encode())

    @property
    def lines(self) -> int:
        """Return the number of lines of the complete records in the block."""
        return self._plain.count(b"\n", 0, int(self.ends[-1]) + 1)

    @property
    def rest(self) -> bytes:
        """Return the bytes after the last complete record."""
        return self.record(self.ends.size)

    def line_of(self, record: int) -> int:
        """Return the line of the block in which a record begins, from 1."""
        begin = int(self.ends[record - 1]) + 1 if record else 0
        return self._plain.count(b"\n", 0, begin) + 1

    def find(self, text: bytes, *, after: bool) -> int | None:
        """Return the index of the first record equal to `text`; `after` excludes record 0."""
        plain = text.replace(self._form.delimiter.encode(), self._delimiter)
        if not after and self._plain.startswith(plain):
            return 0
        at = self._plain.find(b"\n" + plain)
        while at >= 0:
            record = int(np.searchsorted(self.ends, at))
            if record < self.ends.size - 1 and self.ends[record] == at:
                return record + 1
            at = self._plain.find(b"\n" + plain, at + 1)
        return None

    def _record_at(self, place: int) -> int:
        return int(np.searchsorted(self.ends, place))

    def _around(self, places: Any, step: int, text: Any) -> Any:
        """Return the byte at `step` from each position; outside of the block it is a line feed."""
        beside = places + step
        within = (beside >= 0) & (beside < text.size)
        return np.where(within, text[np.clip(beside, 0, max(text.size - 1, 0))], _LINE_FEED)

    def _quote_fault(self) -> RecordFault | None:
        """Return a fault for a quote that is neither at the start or end of a value nor doubled."""
        if not self.quotes.size:
            return None
        quote, doubles = self._form.quote.encode()[0], self._form.doubles_quotes
        opening, closing = self.quotes[::2], self.quotes[1::2]
        before, after = self._around(opening, -1, self._marks), self._around(closing, 1, self._marks)
        begins = (before == self._delimiter[0]) | (before == _LINE_FEED)
        ends = np.isin(after, [self._delimiter[0], _LINE_FEED, _CARRIAGE_RETURN])
        if doubles:  # a quote beside a quote: one value goes on
            again = np.zeros(opening.size, bool)
            again[1:] = opening[1:] == closing[: opening.size - 1] + 1
            begins |= again
            ends |= after == quote
        wrong = [*opening[~begins][:1], *closing[~ends][:1]]
        if not wrong:
            return None
        hint = 'double a quote that is a part of a value, or say another `quote` ("" for none) in the target'
        return self._record_at(min(wrong)), f"has a quote ({self._form.quote}) in the midst of a value", hint

    def _escape_fault(self) -> RecordFault | None:
        """Return a fault for an escape outside of quotes, or before neither a quote nor an escape."""
        if not self._escaped.size:
            return None
        csv_format = self._form
        following = self._around(self._escaped, 1, self._bytes)
        marks = [csv_format.quote.encode()[0], (csv_format.escape or csv_format.quote).encode()[0]]
        is_fine = self.is_quoted(self._escaped) & np.isin(following, marks)
        for place in self._escaped[~is_fine]:
            if not self._is_null(int(place)):
                hint = "an escape stands before a quote or itself, inside a quoted value"
                return self._record_at(place), f"has an escape ({csv_format.escape}) where none can be", hint
        return None

    def _is_null(self, place: int) -> bool:
        r"""Return whether the whole value at a position is a text for NULL, such as `\N`."""
        begins = place == 0 or self._plain[place - 1 : place] in (b"\n", self._delimiter)
        texts = (each.encode() for each in self._form.nulls if each)
        ends = (self._delimiter, b"\n", b"\r")
        return begins and any(self._plain.startswith(text + end, place) for text in texts for end in ends)

    def _return_fault(self) -> RecordFault | None:
        """Return a fault for a carriage return that is outside of quotes and not part of a line end."""
        if b"\r" not in self._plain:
            return None
        returns = self._outside(self._places(b"\r", self._bytes))
        stray = returns[self._around(returns, 1, self._bytes) != _LINE_FEED]
        if not stray.size:
            return None
        hint = "end lines in LF or CRLF, and quote values that hold a carriage return"
        return self._record_at(stray[0]), "has a carriage return in the midst of it", hint

    def line_end_fault(self, ends_with: bytes, width: int) -> RecordFault | None:  # noqa: ARG002
        """Return a fault for a line whose end differs from that of the first line."""
        before = self._around(self.ends, -1, self._bytes) == _CARRIAGE_RETURN
        wrong = np.flatnonzero(before != (ends_with == b"\r\n"))
        if not wrong.size:
            return None
        kinds = ("CRLF", "LF") if ends_with == b"\r\n" else ("LF", "CRLF")
        message = f"ends in {kinds[1]}, and the first line in {kinds[0]}"
        return int(wrong[0]), message, "let all lines end alike"

    def width_fault(self, ends_with: bytes, width: int) -> RecordFault | None:
        """Return a fault for a record whose number of values differs from that of the first one."""
        empty = len(ends_with) if width == 1 else 0
        if empty and (blank := np.flatnonzero(np.diff(self.ends, prepend=-1) == empty)).size:
            hint = 'write a row without a value as "", or remove the line'
            return int(blank[0]), "is empty, which leaves open whether it is a row", hint
        if self._is_even(width):
            return None
        counts = np.diff(np.searchsorted(self._delimiters, self.ends), prepend=0) + 1
        record = int(np.flatnonzero(counts != width)[0])
        if not self.record(record).strip(b"\r\n"):
            return record, "is empty", "remove it"
        found = int(counts[record])
        values = "one value" if found == 1 else f"{found:,} values"
        return record, f"has {values}, and the first line {width:,}", "each line has a value for each column"

    def _is_even(self, width: int) -> bool:
        places, ends = self._delimiters, self.ends
        if places.size != ends.size * (width - 1):
            return False
        if width == 1:
            return True
        begins_after = places[width - 1 :: width - 1] > ends[:-1]
        return bool((places[width - 2 :: width - 1] < ends).all() and begins_after.all())
