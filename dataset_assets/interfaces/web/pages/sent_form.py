"""The form that a browser sent, as a parameter of handlers that run in a thread."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData


async def _sent_form(request: Request) -> FormData:
    return await request.form()


SentForm = Annotated[FormData, Depends(_sent_form)]
"""The parameter of a handler that receives the fields of a form."""


def text_of(form: FormData, name: str) -> str:
    """Return a field as a text with line ends as in files; empty if the form lacks it."""
    value = form.get(name, "")
    return value.replace("\r\n", "\n") if isinstance(value, str) else ""
