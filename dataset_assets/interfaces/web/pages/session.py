"""The pages that begin and end the session of a browser, and those that are there in every mode."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from dataset_assets.errors import Fault, NotFoundError
from dataset_assets.interfaces.web.access.refusal import RefusedError
from dataset_assets.interfaces.web.access.sessions import COOKIE, LIFETIME_SECONDS
from dataset_assets.interfaces.web.access.token import TokenMode
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.state import State

router = APIRouter()

_OWN_PAGE = re.compile(r"/(?![/\\])[!-~]*")
"""A path on this server: not `//host`, nor `/\\host`, which browsers read as an address elsewhere."""


@router.get("/healthz")
def health() -> PlainTextResponse:
    """Say that the server runs."""
    return PlainTextResponse("ok\n")


@router.get("/login")
def login_page(request: Request, next: str = "/") -> Response:  # noqa: A002 - the name of the parameter
    """Show the form that takes a token."""
    _token_mode(request)
    return page(request, "login.html", next=own_page(next), error="")


@router.post("/login")
async def log_in(request: Request) -> Response:
    """Begin a session with a token, and go to the page that was asked for."""
    form = await request.form()
    wanted = own_page(str(form.get("next") or "/"))
    try:
        cookie = await _token_mode(request).log_in(request.scope, str(form.get("token") or ""))
    except RefusedError as refused:
        answer = page(request, "login.html", refused.status, next=wanted, error=refused.detail)
        answer.headers.update(refused.headers)
        return answer
    done = RedirectResponse(wanted, 303)
    done.set_cookie(
        COOKIE, cookie, max_age=LIFETIME_SECONDS, path="/", httponly=True, samesite="strict",
        secure=request.app.state.origins.secure,
    )  # fmt: skip
    return done


@router.post("/logout")
def log_out(request: Request, _who: Reader) -> Response:
    """End the session of the browser."""
    mode = _token_mode(request)
    if request.state.session:
        mode.log_out(request.state.session)
    done = RedirectResponse("/login", 303)
    done.delete_cookie(
        COOKIE, path="/", httponly=True, samesite="strict", secure=request.app.state.origins.secure
    )
    return done


@router.get("/patches/{id_}")
def patch(id_: str, state: State, who: Reader) -> Response:
    """Send the patch of a change that was not made here."""
    headers = {"Content-Disposition": 'attachment; filename="change.patch"'}
    text = state.patches.get(id_, who.name)
    return Response(text, media_type="text/x-diff; charset=utf-8", headers=headers)


def own_page(address: str) -> str:
    """Return an address if it is a page of this server, else that of the list."""
    return address if _OWN_PAGE.fullmatch(address) else "/"


def _token_mode(request: Request) -> TokenMode:
    mode = request.app.state.mode
    if not isinstance(mode, TokenMode):
        raise NotFoundError(Fault("there is no login here", hint="the server knows you in another way"))
    return mode
