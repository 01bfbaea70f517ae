"""Write files that replace earlier ones once they are complete."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Generator[Path]:
    """Yield the path of a file beside `path`, which replaces it once the block ends without an error."""
    partial = path.with_name(f".{path.name[:200]}.{os.getpid()}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
