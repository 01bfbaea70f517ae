"""Refuse what the API cannot read or send: 415 for other bodies than JSON, 406 for other answers."""

from fastapi import HTTPException, Request

SENT = ("application/json", "application/problem+json")
"""The media types of all answers."""
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def negotiated(request: Request) -> None:
    """Raise HTTPException if the request accepts no JSON (406), or sends something else (415)."""
    accept = request.headers.get("Accept")
    if accept and not any(accepts(accept, each) for each in SENT):
        raise HTTPException(406, f"the API answers with {SENT[0]}; accept it, or send no Accept")
    sent = request.headers.get("Content-Type")
    has_body = request.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in request.headers
    if request.method in _WITH_BODY and (sent or has_body) and not _is_json(sent or ""):
        raise HTTPException(415, f"the body is {sent or 'of no type'}; send {SENT[0]}", {"Accept": SENT[0]})


def accepts(accept: str, media_type: str) -> bool:
    """Return whether a header `Accept` permits a media type (RFC 9110, section 12.5.1)."""
    best, quality = -1, 0.0
    for part in accept.lower().split(","):
        name, *parameters = (each.strip() for each in part.split(";"))
        specific = (f"{media_type.partition('/')[0]}/*", media_type)
        rank = -1 if name not in ("*/*", *specific) else ("*/*", *specific).index(name)
        if rank > best:
            best, quality = rank, _quality(parameters)
    return best >= 0 and quality > 0


def _quality(parameters: list[str]) -> float:
    for each in parameters:
        name, _, value = each.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 1.0
    return 1.0


def _is_json(content_type: str) -> bool:
    name = content_type.partition(";")[0].strip().lower()
    return name == "application/json" or (name.startswith("application/") and name.endswith("+json"))
