"""The bytes of a CSV file as blocks of whole lines in UTF-8, with comments and skipped lines left out."""

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
"""Suffix of a file → what DuckDB and Arrow call its compression."""
_LOOKS_LIKE = ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def compression_of(path: Path) -> str | None:
    """Return the compression that a file's suffix names."""
    return COMPRESSIONS.get(path.suffix.lower())


@dataclass
class Lines:
    """Reads one file as its format says. `comments` holds the numbers of the comment lines so far."""

    path: Path
    format: CsvFormat
    comments: list[int] = field(default_factory=list)

    def number(self, kept: int) -> int:
        """Return the number in the file of the line that is the `kept`th of those handed out, from 1."""
        number = first = kept + self.format.skip
        while (shifted := first + bisect_right(self.comments, number)) != number:
            number = shifted
        return number

    def blocks(self) -> Iterator[bytes]:
        """Yield blocks that end at a line end, but for the last. Raises CsvFault for what is not text."""
        raw = _chunks(self.path)
        is_utf_8 = self.format.encoding in UTF_8
        text = raw if is_utf_8 else _decoded(raw, self.format.encoding)
        kept = _after(self.format.skip, _whole_lines(_without_bom(text)))
        kept = self._without_comments(kept) if self.format.comment else kept
        return self._checked(kept) if is_utf_8 else kept

    def _checked(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass on what is UTF-8."""
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
        """Leave out lines that begin with the comment's character, unless they are inside a quoted value."""
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
    """Split at line feeds alone: a lone carriage return ends no line."""
    *ended, last = block.split(b"\n")
    return [*(each + b"\n" for each in ended), *([last] if last else [])]


def _chunks(path: Path) -> Iterator[bytes]:
    """Read a file, decompressed."""
    import pyarrow as pa  # noqa: PLC0415 - a target is checked without it

    try:
        with pa.input_stream(str(path), compression=compression_of(path)) as stream:
            while chunk := stream.read(BLOCK):
                yield chunk
    except (OSError, pa.ArrowException) as error:
        message = f"cannot be read: {str(error).splitlines()[0]}"
        raise CsvFault(0, message, "load the file anew, or check its permissions") from None


def _decoded(chunks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Turn text of another encoding into UTF-8."""
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
    """Leave out the mark that a file in UTF-8 may begin with. Raises CsvFault for that of UTF-16."""
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
    """Cut at line ends. The last block ends as the file does."""
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
    """Leave out the first lines, whatever they hold."""
    for block in blocks:
        kept = block
        while lines and kept:
            kept = kept.partition(b"\n")[2]
            lines -= 1
        if kept:
            yield kept
