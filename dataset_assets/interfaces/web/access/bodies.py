"""Read the body of a request before it is handled: whole, within a time and a size, and of one meaning."""

import asyncio
import json
from typing import Any

from starlette.types import Message, Receive, Scope

from dataset_assets.interfaces.web.access.headers import single_header
from dataset_assets.interfaces.web.access.refusal import RefusedError

MOST_BYTES = 1024 * 1024
SECONDS = 20.0
_CLOSE = {"Connection": "close"}


class GoneError(Exception):
    """The client closed its connection before the body was complete."""


async def read_body(scope: Scope, receive: Receive) -> bytes:
    """Return the body. Raises RefusedError (413, 408), and GoneError without a client."""
    length = single_header(scope, "content-length")
    if length.isdecimal() and int(length) > MOST_BYTES:
        raise _too_large()
    parts, size = [], 0
    try:
        async with asyncio.timeout(SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise GoneError
                part = message.get("body", b"")
                size += len(part)
                if size > MOST_BYTES:
                    raise _too_large()
                parts.append(part)
                if not message.get("more_body"):
                    return b"".join(parts)
    except TimeoutError:
        detail = f"the body did not come within {SECONDS:g} seconds"
        raise RefusedError(408, detail, _CLOSE) from None


def check_json(scope: Scope, body: bytes) -> None:
    """Raise RefusedError (422) for JSON with a key twice, or nested too deeply; handlers find the rest."""
    if not body or "json" not in single_header(scope, "content-type").lower():
        return
    try:
        json.loads(body, object_pairs_hook=_unique)
    except RecursionError:
        raise RefusedError(422, "the JSON is nested too deeply") from None
    except ValueError:
        return


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RefusedError(422, "the JSON has an object with the same key twice")
    return found


def replayed(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives the body in one message, and then what the client does."""
    waiting = [body]

    async def read() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return read


def _too_large() -> RefusedError:
    return RefusedError(413, f"the body is larger than {MOST_BYTES:,} bytes", _CLOSE)
