"""Sentences that a page shows after a change: an address names one of them, and never carries a text."""

from collections.abc import Mapping

from fastapi.responses import RedirectResponse

from dataset_assets.interfaces.web.state import ServerState

NOTICES: Mapping[str, str] = {
    "created": "The dataset was created. It is a draft: activate it when it is right.",
    "created-active": "The dataset was created, and it is active.",
    "edited": "The file was changed.",
    "activate": "The dataset is active: it can be used everywhere, and its refresh is followed.",
    "disable": "The dataset is disabled: Projects that use it go on, new ones cannot use it.",
    "archive": "The dataset is archived: it is hidden from lists and not refreshed. What is published stays.",
    "restore": "The dataset is active again.",
    "clone": "This is the copy. It is a draft with an id of its own, version 1.",
    "rename": "The dataset has its new name. Its id stays.",
    "delete": "The dataset was deleted. What it published stays, and git has its files.",
}
"""Value of the parameter `done` of an address → sentence."""


def after_change(state: ServerState, address: str, done: str) -> RedirectResponse:
    """Return the redirection to a page that shows what a change did, and says so."""
    _changed = state.fresh_catalog  # is read again: the page shows the files as they are now
    return RedirectResponse(f"{address}?done={done}", 303)
