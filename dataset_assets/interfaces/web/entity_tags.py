"""Strong entity tags of dataset files, and the `If-Match` of a change (RFC 9110, section 8.8.3)."""

from typing import Annotated

from fastapi import Depends, Header, HTTPException

from dataset_assets.lifecycle.changes import text_tag


def entity_tag(text: str) -> str:
    """Return the entity tag of a file with this text."""
    return f'"{text_tag(text)}"'


def required_match(
    if_match: Annotated[
        str | None, Header(description="The ETag of the dataset that the change is based on.")
    ] = None,
) -> str:
    """Return the digest of the text that a change is based on. Raises HTTPException (428) without one."""
    if not if_match:
        detail = "send If-Match with the ETag of the dataset that you saw, so that no change is lost"
        raise HTTPException(428, detail)
    return if_match.strip().removeprefix("W/").strip('"')


BasedOn = Annotated[str, Depends(required_match)]
"""The parameter of a handler that changes a file: the digest of the text that the caller saw."""
