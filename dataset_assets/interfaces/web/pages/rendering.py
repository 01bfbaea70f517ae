"""Render the templates of the pages, with the filters and facts that all of them use."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from dataset_assets.interfaces.web.identity import Role
from dataset_assets.interfaces.web.pages.notices import NOTICES
from dataset_assets.interfaces.web.static_files import static_address
from dataset_assets.text.wording import size_text

EMPTY = "\u2013"
"""What stands where there is no value: a dash."""
TEMPLATES = Path(__file__).parents[1] / "templates"


def page(request: Request, template: str, status_code: int = 200, **context: Any) -> HTMLResponse:
    """Return a page, or the part of one that a template without `base.html` is."""
    who = getattr(request.state, "identity", None)  # None on pages that are shown to whoever asks
    state = request.app.state.server
    shared = {
        "path": request.url.path,
        "who": who,
        "session": getattr(request.state, "session", ""),
        "may_edit": bool(who) and who.role.includes(Role.EDITOR),
        "may_publish": bool(who) and who.role.includes(Role.PUBLISHER),
        "target": state.workspace.target_label if who else "",
        "dagster": state.settings.dagster if who else "",
        "notice": NOTICES.get(request.query_params.get("done", ""), ""),
    }
    return HTMLResponse(_environment().get_template(template).render(**shared, **context), status_code)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": count,
        "ticks": ticks,
        "day": day,
        "minute": minute,
        "size": size_text,
        "static": static_address,
    }
    return environment


def ticks(text: str) -> Markup:
    """Return a sentence with its `names` in the typeface of code. Everything else is escaped."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    marked = (
        Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)
    )
    return Markup("").join(marked)


def count(number: int | None) -> str:
    """Return a number with separators: `1,469,307`; a dash for None."""
    return EMPTY if number is None else f"{number:,}"


def day(instant: datetime | str | None) -> str:
    """Return the day of an instant: `2026-11-30`; a dash for None."""
    return f"{_utc(instant):%Y-%m-%d}" if instant else EMPTY


def minute(instant: datetime | str | None) -> str:
    """Return an instant to the minute: `2026-11-30 07:05 UTC`; a dash for None."""
    return f"{_utc(instant):%Y-%m-%d %H:%M} UTC" if instant else EMPTY


def _utc(instant: datetime | str) -> datetime:
    moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
