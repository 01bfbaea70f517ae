"""Strong entity tags of dataset files, and the conditions of requests (RFC 9110, sections 8.8.3 and 13.1).

The tag of a dataset is `"<file>"` or `"<file>.<rest>"`: `<file>` is the digest of its file, on which a change
is based; `<rest>` that of what else an answer shows, such as its last publication.
"""

from typing import Annotated

from fastapi import Depends, Header, HTTPException, Request

from dataset_assets.interfaces.web.state import State
from dataset_assets.lifecycle.changes import file_text, text_tag

_DESCRIPTION = "The ETag of the dataset that the change is based on, or `*` for any."


def entity_tag(text: str, rest: str = "") -> str:
    """Return the entity tag of a file with this text, and of what else is shown with it."""
    return f'"{text_tag(text)}.{text_tag(rest)[:16]}"' if rest else f'"{text_tag(text)}"'


def unchanged(if_none_match: str | None, tag: str) -> bool:
    """Return whether a client has the answer with this tag already, so that 304 is the answer."""
    given = [each.strip().removeprefix("W/") for each in (if_none_match or "").split(",")]
    return tag in given or given == ["*"]


def required_match(
    request: Request,
    state: State,
    if_match: Annotated[str | None, Header(description=_DESCRIPTION)] = None,
) -> str:
    """Return the digest of the text that a change is based on. Raises HTTPException (428) without one."""
    if not if_match:
        detail = "send If-Match with the ETag of the dataset that you saw, so that no change is lost"
        raise HTTPException(428, detail)
    return _seen(request, state, if_match)


def optional_match(
    request: Request,
    state: State,
    if_match: Annotated[str | None, Header(description=_DESCRIPTION)] = None,
) -> str | None:
    """Return the digest of the text that a change is based on; None if the caller does not say it."""
    return _seen(request, state, if_match) if if_match else None


def _seen(request: Request, state: State, if_match: str) -> str:
    """Return the present digest of the file if the header permits it, else the first digest of the header.

    Raises NotFoundError if there is no such dataset.
    """
    entry = state.fresh_catalog.entry(request.path_params["dataset_id"])
    if if_match.strip() == "*":
        return text_tag(file_text(entry))
    given = [_file_part(each) for each in if_match.split(",")]
    if len(given) > 1 and (present := text_tag(file_text(entry))) in given:
        return present
    return given[0]


def _file_part(tag: str) -> str:
    return tag.strip().removeprefix("W/").strip('"').partition(".")[0]


BasedOn = Annotated[str, Depends(required_match)]
"""The parameter of a handler that changes a file: the digest of the text that the caller saw."""
OptionalBasedOn = Annotated[str | None, Depends(optional_match)]
"""The same for an action that can also be requested without having seen the file."""
