"""Read headers of a request that must not come twice."""

from starlette.types import Scope

from dataset_assets.interfaces.web.access.refusal import RefusedError


def header_values(scope: Scope, name: str) -> list[str]:
    """Return all values of a header, in the order in which they were sent."""
    wanted = name.lower().encode("ascii")
    return [value.decode("latin-1") for key, value in scope["headers"] if key == wanted]


def single_header(scope: Scope, name: str) -> str:
    """Return the value of a header; "" if it was not sent. Raises RefusedError (400) if it came twice."""
    values = header_values(scope, name)
    if len(values) > 1:
        raise RefusedError(400, f"the header {name} was sent {len(values)} times; send it once")
    return values[0].strip() if values else ""
