"""Search for a text in every byte of a folder, however a file hides it."""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from pyarrow import parquet

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")


def files_with(root: Path, *texts: str) -> list[str]:
    """Return the files below a folder in whose name or content one of the texts is, in any form."""
    forms = [form for text in texts for form in _forms(text)]
    return [
        path.relative_to(root).as_posix()
        for path in sorted(root.rglob("*"))
        if path.is_file() and any(form in content for content in _contents(path) for form in forms)
    ]


def contains(content: bytes, *texts: str) -> bool:
    """Return whether one of the texts is in a content, in any form."""
    return any(form in each for each in _decoded(content) for text in texts for form in _forms(text))


def _forms(text: str) -> list[bytes]:
    """Return a text as UTF-8, UTF-16, JSON, JSON within JSON, and percent-encoded."""
    once = json.dumps(text)[1:-1]
    twice = json.dumps(once)[1:-1]
    forms = (text.encode(), text.encode("utf-16-le"), once.encode(), twice.encode(), quote(text).encode())
    return list(dict.fromkeys(forms))


def _contents(path: Path) -> Iterator[bytes]:
    yield path.name.encode()
    content = path.read_bytes()
    yield from _decoded(content)
    if content.startswith(b"\x1f\x8b"):
        yield from _decoded(gzip.decompress(content))
    if content.startswith(b"PAR1"):
        yield from _parquet(path)


def _decoded(content: bytes) -> Iterator[bytes]:
    """Yield a content as it is, percent-decoded, without HTML entities, and what is in it as base64."""
    yield content
    if b"%" in content:
        yield unquote_to_bytes(content)
    if b"&" in content:
        yield unescape(content.decode("utf-8", "replace")).encode()
    for found in _BASE64.findall(content):
        try:
            yield base64.b64decode(found[: len(found) // 4 * 4])
        except ValueError:
            continue


def _parquet(path: Path) -> Iterator[bytes]:
    """Yield the rows of a Parquet file, whatever their pages are compressed with, and its statistics."""
    file = parquet.ParquetFile(path)
    yield repr(file.metadata.metadata).encode()
    for batch in file.iter_batches():
        yield json.dumps(batch.to_pylist(), default=str, ensure_ascii=False).encode()
    for group in range(file.metadata.num_row_groups):
        for place in range(file.metadata.num_columns):
            found = file.metadata.row_group(group).column(place).statistics
            if found and found.has_min_max:
                yield f"{found.min}\n{found.max}".encode()
