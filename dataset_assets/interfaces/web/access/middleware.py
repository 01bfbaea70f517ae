"""Decide for each request whether it is answered, and who sends it, before anything else looks at it."""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dataset_assets.interfaces.web.access.addresses import check_address, check_headers
from dataset_assets.interfaces.web.access.bodies import GoneError, check_json, read_body, replayed
from dataset_assets.interfaces.web.access.mode import Mode
from dataset_assets.interfaces.web.access.origin import Origins
from dataset_assets.interfaces.web.access.refusal import RefusedError
from dataset_assets.interfaces.web.failures import refusal_response

OPEN = ("/static/", "/healthz", "/login")
"""Addresses that are answered for everybody: they reveal nothing about the project."""
SEND_SECONDS = 60.0
"""For how long a client can leave a part of an answer unread."""


class AccessMiddleware:
    """Refuses what must not be answered; sets `request.state.identity` and `request.state.session`."""

    def __init__(self, app: ASGIApp, mode: Mode, origins: Origins) -> None:
        self._app, self._mode, self._origins = app, mode, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        try:
            body = await self._checked(scope, receive)
        except RefusedError as refused:
            await refusal_response(scope, refused)(scope, receive, _bounded(send))
        except GoneError:
            return
        else:
            await self._app(scope, replayed(body, receive), _bounded(send))

    async def _checked(self, scope: Scope, receive: Receive) -> bytes:
        """Return the body of a request that is answered. Raises RefusedError for every other."""
        check_headers(scope)
        host = self._origins.check_host(scope)
        check_address(scope)
        self._origins.check_site(scope, host)
        if not is_open(scope["path"]):
            sender = await self._mode.sender(scope)
            scope["state"] |= {"identity": sender.identity, "session": sender.session}
            if sender.session:
                self._origins.require_proof(scope)
        body = await read_body(scope, receive)
        check_json(scope, body)
        return body


def is_open(path: str) -> bool:
    """Whether an address is answered whoever asks."""
    return path in OPEN or path.startswith(OPEN[0])


def _bounded(send: Send) -> Send:
    async def bounded(message: Message) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await send(message)

    return bounded
