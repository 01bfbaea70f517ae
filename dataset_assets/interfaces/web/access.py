"""Find out who sends each request, and refuse those that may not be answered."""

from starlette.types import ASGIApp, Receive, Scope, Send

from dataset_assets.interfaces.web.identity import LOCAL
from dataset_assets.interfaces.web.state import ServerState


class AccessMiddleware:
    """Sets `request.state.identity`."""

    def __init__(self, app: ASGIApp, state: ServerState) -> None:
        self._app, self._state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its identity."""
        if scope["type"] == "http":
            scope.setdefault("state", {})["identity"] = LOCAL
        await self._app(scope, receive, send)
