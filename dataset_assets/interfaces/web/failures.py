"""What a person or a program sees of an error: a page in a browser, a problem under `/api/`."""

import errno
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import Scope

from dataset_assets.errors import DatasetAssetsError, ReadOnlyError
from dataset_assets.interfaces.web.access.refusal import RefusedError
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.problems import (
    Problem,
    allowed_methods,
    problem_of,
    problem_response,
    simple_problem,
    validation_problem,
)
from dataset_assets.interfaces.web.security_headers import HEADERS
from dataset_assets.system_errors import system_fault

API = "/api/"
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def failure_response(
    request: Request, problem: Problem, headers: Mapping[str, str] | None = None, patch: str = ""
) -> Response:
    """Return the answer with a problem. A page offers the patch of a change that is not made here."""
    if request.url.path.startswith(API):
        return problem_response(problem, headers)
    offered = request.app.state.server.patches.keep(patch, _name(request)) if patch else ""
    answer = page(request, "error.html", problem.status, problem=problem, patch=patch, offered=offered)
    answer.headers.update(headers or {})
    return answer


def error_response(request: Request, error: DatasetAssetsError) -> Response:
    """Return the answer for an error of the library, with the patch of a ReadOnlyError."""
    patch = error.patch if isinstance(error, ReadOnlyError) else ""
    return failure_response(request, problem_of(error), patch=patch)


def refusal_response(scope: Scope, refused: RefusedError) -> Response:
    """Return the answer of a request that is refused; a browser without a session is led to the login."""
    request = Request(scope)
    path = request.url.path
    if refused.login and request.method == "GET" and not path.startswith(API):
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/login?next={quote(path + query, safe='')}", 303)
    return failure_response(request, simple_problem(refused.status, refused.detail), refused.headers)


def install(app: FastAPI) -> None:
    """Let the application answer errors. Exceptions that are bugs are answered without a word, and logged."""

    @app.exception_handler(DatasetAssetsError)
    def _library(request: Request, error: DatasetAssetsError) -> Response:
        return error_response(request, error)

    @app.exception_handler(RequestValidationError)
    def _validation(request: Request, error: RequestValidationError) -> Response:
        return failure_response(request, validation_problem(error))

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(allowed_methods(request))
        problem = simple_problem(error.status_code, str(error.detail))
        words = _WORDS.get(error.status_code, problem.detail)
        if problem.detail == problem.title:  # no handler said more
            problem = problem.model_copy(update={"detail": words})
        return failure_response(request, problem, headers)

    _install_others(app)


def _install_others(app: FastAPI) -> None:
    @app.exception_handler(RefusedError)
    def _refused(request: Request, error: RefusedError) -> Response:
        return refusal_response(request.scope, error)

    @app.exception_handler(OSError)
    def _system(request: Request, error: OSError) -> Response:
        if error.errno in _READ_ONLY:
            return error_response(request, ReadOnlyError(system_fault(error)))
        if error.errno in _FULL:
            return failure_response(request, simple_problem(507, str(system_fault(error))))
        raise error

    @app.exception_handler(Exception)
    def _bug(request: Request, _error: Exception) -> Response:
        problem = simple_problem(500, "the server has a fault; its log says which")
        return failure_response(request, problem, HEADERS)  # no middleware adds them to this answer


_WORDS = {404: "there is no such address", 405: "this address does not take that method"}


def _name(request: Request) -> str:
    identity = getattr(request.state, "identity", None)
    return identity.name if identity else ""
