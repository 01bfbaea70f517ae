"""The OpenAPI documentation: problems of each handler, headers, and what FastAPI leaves out."""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from dataset_assets.interfaces.web.envelope import Success
from dataset_assets.interfaces.web.operations import Operation
from dataset_assets.interfaces.web.problems import MEDIA_TYPE, Problem

PROBLEMS: Mapping[int, str] = {
    400: "The request cannot be read, or its Host is not served here.",
    401: "Nobody is signed in.",
    403: "The role does not permit it, or the files are changed in git alone: `patch` is the change.",
    404: "There is no such thing.",
    406: "The request accepts no JSON.",
    409: "It is in use, or has the chosen name already; the faults say by whom.",
    412: "The file is not the one that the change is based on.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    422: "The request breaks a rule; the faults say which, and where in the definition.",
    428: "The header If-Match is missing.",
    500: "The server has a fault.",
    502: "A service refuses access.",
    503: "A service does not answer.",
}
EVERYWHERE = (400, 401, 403, 404, 406, 422, 500, 502, 503)
"""Problems that every handler can answer with."""
ETAG = {
    "ETag": {
        "description": "The strong entity tag of the dataset. Send it as If-Match with a change.",
        "schema": {"type": "string"},
        "required": True,
    }
}
LOCATION = {"Location": {"description": "The address.", "schema": {"type": "string"}, "required": True}}
TAGS = [
    {"name": "datasets", "description": "Datasets: list, create, get, change, delete, and their life."},
    {"name": "tables", "description": "The tables of the target, their statistics, and suggestions."},
    {"name": "analysis", "description": "What a dataset would publish, without publishing it."},
    {"name": "publications", "description": "Versions, publications, checks, statistics and plans."},
    {"name": "uses", "description": "Which training runs used what, and pins."},
    {"name": "operations", "description": "Long work, and the check of all files."},
]


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of the problems that a handler can answer with."""
    return {
        each: {"model": Problem, "description": PROBLEMS[each]} for each in sorted({*statuses, *EVERYWHERE})
    }


def long_work(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the same for a handler that answers with an operation if its work takes longer."""
    accepted = {
        "model": Success[Operation],
        "description": "The work goes on: ask for the operation until it ended.",
        "headers": LOCATION,
    }
    return {**problems(*statuses), 202: accepted}


def tagged(status: int = 200, description: str = "Done.", **headers: Any) -> dict[int | str, dict[str, Any]]:
    """Return the documentation of a successful answer that has an ETag."""
    return {status: {"description": description, "headers": {**ETAG, **headers}}}


def openapi(app: FastAPI) -> dict[str, Any]:
    """Return the documentation of the API. It is made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title,
            version=app.version,
            summary="Training datasets as code.",
            description='Answers are `{"status": "success", "data": …}`; errors are problems (RFC 9457).',
            routes=app.routes,
            tags=TAGS,
        )
        for operation in _operations(made):
            _as_problems(operation)
        for name in ("HTTPValidationError", "ValidationError"):
            made["components"]["schemas"].pop(name, None)
        app.openapi_schema = made
    return app.openapi_schema


def _operations(made: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in made["paths"].values():
        yield from methods.values()


def _as_problems(operation: dict[str, Any]) -> None:
    """Give problems their media type, and mark the header that 428 asks for as required."""
    for status, response in operation["responses"].items():
        content = response.get("content", {})
        if int(status) >= 400 and "application/json" in content:
            response["content"] = {MEDIA_TYPE: content["application/json"]}
    if "428" in operation["responses"]:
        for parameter in operation["parameters"]:
            if parameter["name"].lower() == "if-match":
                parameter["required"] = True
                parameter["schema"] = {"type": "string", "minLength": 1}
