"""The files of the pages, at addresses with a digest, so that browsers keep them until they change."""

import hashlib
from functools import cache
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from typing_extensions import override

FOLDER = Path(__file__).with_name("static")
_KEPT = "public, max-age=31536000, immutable"


@cache
def static_digest(name: str) -> str:
    """Return the digest of a file of the pages."""
    return hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()[:16]


def static_address(name: str) -> str:
    """Return the address of a file of the pages, with its digest."""
    return f"/static/{name}?{static_digest(name)}"


class DigestedFiles(StaticFiles):
    """Serves the files: an address with the right digest can be kept for a year."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    @override
    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        found = answer.status_code in (200, 304)
        kept = found and scope["query_string"].decode("latin-1") == static_digest(path)
        answer.headers["Cache-Control"] = _KEPT if kept else "no-cache"
        return answer
