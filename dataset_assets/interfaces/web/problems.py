"""Errors as `application/problem+json` (RFC 9457), with all faults of the library's errors."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import iter_route_contexts
from starlette.routing import compile_path

from dataset_assets import errors
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.interfaces.answers.faults import FaultAnswer
from dataset_assets.model import Model

MEDIA_TYPE = "application/problem+json"

STATUSES: tuple[tuple[type[DatasetAssetsError], int, str], ...] = (
    (errors.NotFoundError, 404, "There is no such thing"),
    (errors.NotStoredError, 404, "The store has no such thing"),
    (errors.NoSuchVersionError, 404, "The dataset has no such version"),
    (errors.InUseError, 409, "It is in use"),
    (errors.StaleFileError, 412, "The file was changed meanwhile"),
    (errors.ReadOnlyError, 403, "The files are not changed here"),
    (errors.DeniedError, 403, "This role does not permit it"),
    (errors.LockError, 409, "The lock of the dataset refuses it"),
    (errors.PublishError, 409, "The publication was refused"),
    (errors.SupersededError, 409, "A newer run took over"),
    (errors.UnavailableError, 503, "A service does not answer"),
    (errors.AccessError, 502, "A service refuses access"),
    (errors.DatasetAssetsError, 422, "The request cannot be carried out"),
)
"""Type of an error → status and title of its answer. The first type that fits decides."""


class ProblemFault(FaultAnswer):
    """A fault. `pointer` is the JSON pointer of its field in the definition; empty for the whole."""

    pointer: str = ""


class Problem(Model):
    """What went wrong: a title for its kind, a sentence, and every fault.

    `patch` is the change that was refused, in the form that `git apply` reads, where the files are changed in
    git alone.
    """

    type: str
    title: str
    status: int
    detail: str
    faults: tuple[ProblemFault, ...] = ()
    patch: str | None = None


def problem_of(error: DatasetAssetsError) -> Problem:
    """Return the problem of an error of the library."""
    kind, status, title = next(row for row in STATUSES if isinstance(error, row[0]))
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", kind.__name__.removesuffix("Error")).lower()
    return Problem(
        type=f"urn:dataset-assets:{name}",
        title=title,
        status=status,
        detail=str(error.faults[0]),
        faults=tuple(map(_fault, error.faults)),
        patch=(error.patch or None) if isinstance(error, errors.ReadOnlyError) else None,
    )


def _fault(fault: Fault) -> ProblemFault:
    return ProblemFault(**FaultAnswer.of(fault).model_dump(), pointer=pointer(fault.field))


def pointer(field: str) -> str:
    """Return the JSON pointer (RFC 6901) of a dotted field: `/main_table/columns/2/type`."""
    steps = [step for step in re.split(r"[.\[\]]+", field.removeprefix("dataset.")) if step]
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in steps)


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the response with a problem as its body."""
    return JSONResponse(problem.model_dump(), problem.status, headers, media_type=MEDIA_TYPE)


def simple_problem(status: int, detail: str) -> Problem:
    """Return a problem that is no error of the library, with one sentence."""
    return Problem(type="about:blank", title=HTTPStatus(status).phrase, status=status, detail=detail)


def validation_problem(error: RequestValidationError) -> Problem:
    """Return the problem of a request that does not have the declared form."""
    faults = tuple(_request_faults(error.errors()))
    problem = simple_problem(422, faults[0].message if faults else "the request is not valid")
    return problem.model_copy(update={"faults": faults})


def allowed_methods(request: Request) -> list[str]:
    """Return the methods of all routes that have the path of a request, in order."""
    found = set[str]()
    for route in iter_route_contexts(request.app.router.routes):
        path = getattr(route, "path", "")
        if path and compile_path(path)[0].match(request.url.path):
            found |= getattr(route, "methods", None) or set()
    return sorted(found)


def _request_faults(details: Any) -> Iterator[ProblemFault]:
    for each in details:
        place = [str(step) for step in each["loc"]]
        at = "".join(f"/{step}" for step in place[1:]) if place[:1] == ["body"] else ""
        yield ProblemFault(
            message=each["msg"], field=".".join(place), hint="", file=None, line=None, column=None, pointer=at
        )
