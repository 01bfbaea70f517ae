"""Let the next request see what this one has changed."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dataset_assets.interfaces.web.access.origin import SAFE
from dataset_assets.interfaces.web.state import ServerState


class ChangingRequests:
    """Has the folder of the definitions read again after each request that can have changed a file.

    It does so before the answer is sent, so that a page that a browser is led to shows the change.
    """

    def __init__(self, app: ASGIApp, state: ServerState) -> None:
        self._app, self._state = app, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def changed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._state.files_changed()
            await send(message)

        changing = scope["type"] == "http" and scope["method"] not in SAFE
        await self._app(scope, receive, changed if changing else send)
