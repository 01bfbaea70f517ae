"""Read a CSV file as blocks of whole lines in UTF-8, without comments and skipped lines."""

import codecs
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from dataset_assets.adapters.csv.errors import CsvFault
from dataset_assets.adapters.csv.settings import UTF_8, CsvFormat

BLOCK = 1 << 22
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
"""Suffix of a file → the name that DuckDB and Arrow give its compression."""
_LOOKS_LIKE = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def compression_of(path: Path) -> str | None:
    """Return the compression of a file by its suffix; None if it is not compressed."""
    return COMPRESSIONS.get(path.suffix.lower())


@dataclass
class Lines:
    """Reads the lines of one file in its format.

    `comments` has the numbers of the comment lines read so far.
    """

    path: Path
    format: CsvFormat
    comments: list[int] = field(default_factory=list)

    def number(self, kept: int) -> int:
        """Return the number in the file of the `kept`th line that `blocks` yields, both from 1."""
        number = first = kept + self.format.skip
        while (shifted := first + bisect_right(self.comments, number)) != number:
            number = shifted
        return number

    def blocks(self) -> Iterator[bytes]:
        """Yield blocks that end at a line end, except the last one.

        Raises CsvFault for bytes that are not text.
        """
        raw = _chunks(self.path)
        is_utf_8 = self.format.encoding in UTF_8
        text = raw if is_utf_8 else _decoded(raw, self.format.encoding)
        kept = _after(self.format.skip, _whole_lines(_without_bom(text)))
        kept = self._without_comments(kept) if self.format.comment else kept
        return self._checked(kept) if is_utf_8 else kept

    def _checked(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the blocks unchanged. Raises CsvFault for bytes that are not UTF-8."""
        before = 0
        for block in blocks:
            if not block.isascii():
                try:
                    block.decode()
                except UnicodeDecodeError as error:
                    line = self.number(before + block.count(b"\n", 0, error.start) + 1)
                    raise _undecodable(line, "utf-8", block[error.start : error.start + 1]) from None
            before += block.count(b"\n")
            yield block

    def _without_comments(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the blocks without comment lines. A line inside a quoted value is never a comment."""
        mark, quote = (self.format.comment or "").encode(), self.format.quote.encode()
        escaped = None if self.format.doubles_quotes else re.compile(re.escape(_escape(self.format)) + b".")
        is_inside, line = False, self.format.skip
        for block in blocks:
            kept = []
            for text in _split(block):
                line += 1
                if not is_inside and text.startswith(mark):
                    self.comments.append(line)
                    continue
                kept.append(text)
                if quote and quote in text:
                    is_inside ^= (escaped.sub(b"", text) if escaped else text).count(quote) % 2 == 1
            yield b"".join(kept)


def _escape(csv_format: CsvFormat) -> bytes:
    return (csv_format.escape or csv_format.quote).encode()


def _split(block: bytes) -> list[bytes]:
    """Split a block at line feeds only: a lone carriage return does not end a line."""
    *ended, last = block.split(b"\n")
    return [*(each + b"\n" for each in ended), *([last] if last else [])]


def _chunks(path: Path) -> Iterator[bytes]:
    """Yield the decompressed bytes of a file. Raises CsvFault if it cannot be read."""
    import pyarrow as pa  # noqa: PLC0415 - a target is read without it

    try:
        with pa.input_stream(str(path), compression=compression_of(path)) as stream:
            while chunk := stream.read(BLOCK):
                yield chunk
    except (OSError, pa.ArrowException) as error:
        message = f"cannot be read: {str(error).splitlines()[0]}"
        raise CsvFault(0, message, "load the file again, or check its permissions") from None


def _decoded(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield the chunks converted to UTF-8. Raises CsvFault for bytes that are invalid in the encoding."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 0
    for chunk in _with_end(chunks):
        try:
            text = decoder.decode(chunk or b"", final=chunk is None).encode()
        except UnicodeError as error:
            start = error.start if isinstance(error, UnicodeDecodeError) else 0
            read = error.object[:start] if isinstance(error, UnicodeDecodeError) else b""
            line = lines + read.decode(encoding, "replace").count("\n") + 1
            found = error.object[start : start + 1] if isinstance(error, UnicodeDecodeError) else b""
            raise _undecodable(line, encoding, found) from None
        lines += text.count(b"\n")
        yield text


def _with_end(chunks: Iterable[bytes]) -> Iterator[bytes | None]:
    yield from chunks
    yield None


def _undecodable(line: int, encoding: str, found: bytes) -> CsvFault:
    what = f" (the byte 0x{found.hex()})" if found else ""
    hint = "say its `encoding` in the target, such as latin-1, cp1252 or utf-16"
    return CsvFault(line, f"is not {encoding}{what}", hint)


def _without_bom(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks without a byte order mark of UTF-8.

    Raises CsvFault for a byte order mark of UTF-16.
    """
    first = True
    for chunk in chunks:
        if first:
            for mark, encoding in _LOOKS_LIKE:
                if chunk.startswith(mark):
                    hint = f"say `encoding: {encoding}` in the target"
                    raise CsvFault(1, f"begins with the mark of {encoding}, and is not UTF-8", hint)
        yield chunk.removeprefix(codecs.BOM_UTF8) if first else chunk
        first = False


def _whole_lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield blocks that end at a line end. The last block ends where the file ends."""
    rest: list[bytes] = []
    for chunk in chunks:
        begun, end, after = chunk.rpartition(b"\n")
        if end:
            yield b"".join([*rest, begun, end])
            rest = []
        rest.append(after)
    if last := b"".join(rest):
        yield last


def _after(lines: int, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the blocks without the first `lines` lines."""
    for block in blocks:
        kept = block
        while lines and kept:
            kept = kept.partition(b"\n")[2]
            lines -= 1
        if kept:
            yield kept
