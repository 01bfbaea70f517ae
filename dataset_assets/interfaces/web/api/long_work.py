"""Answer with the result of long work if it ends in time, else with its operation (HTTP 202)."""

import re
from typing import Annotated, Any

from fastapi import Header, Request, Response
from fastapi.responses import JSONResponse

from dataset_assets.interfaces.web.api.idempotency import IdempotentAnswers
from dataset_assets.interfaces.web.envelope import Success
from dataset_assets.interfaces.web.identity import Identity
from dataset_assets.interfaces.web.operations import OperationStatus, Work
from dataset_assets.interfaces.web.problems import problem_response
from dataset_assets.interfaces.web.state import ServerState

DEFAULT_WAIT, LONGEST_WAIT = 20.0, 60.0
"""For how many seconds a request waits for its result."""
Prefer = Annotated[
    str | None,
    Header(
        description="`wait=N` waits N seconds for the result, `respond-async` does not wait (RFC 7240).",
        examples=["wait=10"],
    ),
]
"""The parameter of a handler whose work can take long, for the documentation."""
_WAIT = re.compile(r"\bwait\s*=\s*\"?(\d{1,6})\b")


def preferred_wait(prefer: str | None) -> tuple[float, str | None]:
    """Return the seconds to wait by the header `Prefer` (RFC 7240), and what of it is followed."""
    text = (prefer or "").lower()
    if "respond-async" in text:
        return 0.0, "respond-async"
    found = _WAIT.search(text)
    if found is None:
        return DEFAULT_WAIT, None
    seconds = min(float(found[1]), LONGEST_WAIT)
    return seconds, f"wait={seconds:.0f}"


def result_or_operation(
    state: ServerState, request: Request, kind: str, subject: str, work: Work, *, follows: bool = False
) -> Response:
    """Start the work, and answer with its result, its problem, or its operation if it takes longer.

    `follows` says that the work only waits for another program.
    """
    seconds, applied = preferred_wait(request.headers.get("Prefer"))
    headers = {"Preference-Applied": applied} if applied else {}
    operation = state.operations.start(kind, subject, work, follows=follows)
    operation = state.operations.wait(operation.id, seconds)
    if operation.problem:
        return problem_response(operation.problem, headers)
    if operation.status is OperationStatus.SUCCEEDED:
        return success(operation.result, headers=headers)
    headers["Location"] = f"/api/operations/{operation.id}/"
    return success(operation, 202, headers)


def success(data: Any, status_code: int = 200, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return a successful answer as a response."""
    return JSONResponse(Success(data=data).model_dump(mode="json"), status_code, headers)


def once(
    answers: IdempotentAnswers, key: str | None, who: Identity, request: Request, body: Any, produce: Any
) -> Response:
    """Return the answer of `produce`, or the earlier one of the same caller, address, key and body."""
    text = body if isinstance(body, str) else body.model_dump_json()
    scope = f"{who.name} {request.method} {request.url.path}"
    return answers.answer(key, scope, f"{request.url.query}\n{text}", produce)
