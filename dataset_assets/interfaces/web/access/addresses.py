"""Refuse addresses that mean another path to one program than to the next, and headers that come twice."""

import re

from starlette.types import Scope

from dataset_assets.interfaces.web.access.headers import single_header
from dataset_assets.interfaces.web.access.refusal import RefusedError

ONCE = (
    "host", "authorization", "content-type", "content-length", "transfer-encoding", "if-match", "origin",
    "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "x-goog-iap-jwt-assertion",
)  # fmt: skip
"""Headers that decide something: a request with two of one is refused, whichever is meant."""
_ENCODED = re.compile(rb"%(2f|5c|00)", re.IGNORECASE)


def check_address(scope: Scope) -> None:
    """Raise RefusedError (404) for a path with dots, empty steps, backslashes or control characters."""
    path, raw = scope["path"], scope.get("raw_path") or b""
    steps = path.split("/")
    odd = "\\" in path or not path.startswith("/") or not path.replace("/", "x").isprintable()
    empty = any(not step for step in steps[1:-1])
    if odd or empty or not {".", ".."}.isdisjoint(steps) or _ENCODED.search(raw):
        raise RefusedError(404, "there is no such address")


def check_headers(scope: Scope) -> None:
    """Raise RefusedError (400) if a header of ONCE was sent twice."""
    for name in ONCE:
        single_header(scope, name)
