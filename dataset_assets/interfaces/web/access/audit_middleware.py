"""Write a line to the audit log for each change, made or refused: who, what, when, and no value or secret."""

import logging
import re
from collections import deque
from datetime import UTC, datetime
from time import monotonic
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dataset_assets.catalog.users import Role
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interfaces.web.access.audit_log import AuditLog
from dataset_assets.interfaces.web.access.origin import SAFE
from dataset_assets.interfaces.web.access.refusal import RefusedError
from dataset_assets.interfaces.web.failures import refusal_response
from dataset_assets.interfaces.web.state import ServerState
from dataset_assets.lifecycle.changes import file_text, text_tag

_DATASET = re.compile(r"(?:/api)?/datasets/([^/?#]+)")
_OPERATION = re.compile(r"(?:/api)?/operations/([^/?#]+)")
_LONGEST_PATH = 500
STRANGERS_A_MINUTE = 100
"""Refused requests of nobody that are written a minute; more are only counted, or they would fill the log."""
_log = logging.getLogger(__name__)


def note(request: Request, **facts: Any) -> None:
    """Add facts to the line of a request: `run`, `version`, `dataset`. Never a value of a row or a file."""
    request.scope["state"].setdefault("audit", {}).update(facts)


class AuditMiddleware:
    """Writes the line of a change before its answer is sent."""

    def __init__(self, app: ASGIApp, log: AuditLog, state: ServerState) -> None:
        self._app, self._audit, self._state = app, log, state
        self._strangers: deque[float] = deque(maxlen=STRANGERS_A_MINUTE)
        self._left_out = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and write its line if it is a change."""
        if scope["type"] != "http" or scope["method"] in SAFE:
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})
        try:
            await run_in_threadpool(self._audit.check)
        except OSError:
            refused = RefusedError(503, "nothing is changed, because the audit log cannot be written")
            await refusal_response(scope, refused)(scope, receive, send)
            return
        started = datetime.now(UTC)
        name = _found(_DATASET, scope["path"])
        before = await run_in_threadpool(self._digest, name)

        async def audited(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = Headers(raw=message.get("headers", []))
                await self._write(scope, started, message["status"], name, before, headers)
            await send(message)

        try:
            await self._app(scope, receive, audited)
        except Exception:
            await self._write(scope, started, 500, name, before, Headers())
            raise

    async def _write(
        self, scope: Scope, at: datetime, status: int, name: str | None, before: str | None, headers: Headers
    ) -> None:
        state = scope["state"]
        if state.get("required_role") == Role.READER or state.get("audited") or self._is_flood(scope):
            return
        state["audited"] = True
        location = headers.get("location", "")
        dataset = _found(_DATASET, location) or name
        who = state.get("identity")
        line = {
            "time": at.isoformat(timespec="milliseconds"),
            "who": who.name if who else None,
            "peer": (scope.get("client") or (None,))[0],
            "method": scope["method"],
            "path": scope["path"][:_LONGEST_PATH],
            "dataset": dataset,
            "status": status,
            "before": before,
            "after": await run_in_threadpool(self._digest, dataset),
            "operation": _found(_OPERATION, location),
            **state.get("audit", {}),
        }
        if self._left_out:
            line["left_out"], self._left_out = self._left_out, 0
        try:
            await run_in_threadpool(self._audit.append, line)
        except OSError:
            _log.exception("the audit log cannot be written; the line is %r", line)

    def _is_flood(self, scope: Scope) -> bool:
        if scope["state"].get("identity"):
            return False
        now, full = monotonic(), len(self._strangers) == STRANGERS_A_MINUTE
        if full and now - self._strangers[0] < 60:
            self._left_out += 1
            return True
        self._strangers.append(now)
        return False

    def _digest(self, name: str | None) -> str | None:
        """Return the digest of a dataset's file, as its ETag has it; None if there is none."""
        if name is None:
            return None
        try:
            return text_tag(file_text(self._state.fresh_catalog.entry(name)))
        except DatasetAssetsError:
            return None


def _found(pattern: re.Pattern[str], address: str) -> str | None:
    match = pattern.match(address)
    return match[1][:_LONGEST_PATH] if match else None
