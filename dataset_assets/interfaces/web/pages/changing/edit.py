"""The page that edits a dataset's file, by its most used fields or by its whole text.

A change is shown, with what it means for the version, before it is written. Whoever is second when two people
edit one file is shown what the other one changed, and keeps what they typed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from dataset_assets.catalog.catalog import Entry
from dataset_assets.catalog.rules import ROOT
from dataset_assets.errors import DatasetAssetsError, Fault, ReadOnlyError, StaleFileError
from dataset_assets.interfaces.web.identity import Editor
from dataset_assets.interfaces.web.pages.changing.settings import edit_fields, edits_of
from dataset_assets.interfaces.web.pages.notices import after_change
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.pages.sent_form import SentForm, text_of
from dataset_assets.interfaces.web.state import ServerState, State
from dataset_assets.lifecycle.changes import KEY_ORDER, file_text, text_diff, text_tag
from dataset_assets.lifecycle.edit import EditedDataset, edit_dataset
from dataset_assets.lifecycle.fields import parse_edits
from dataset_assets.lifecycle.replace import replace_text_of
from dataset_assets.yaml.edits import edited
from dataset_assets.yaml.reader import read

router = APIRouter()

FIELDS, TEXT = "fields", "text"
"""The two ways of editing."""


@dataclass(frozen=True)
class _FaultView:
    """A fault of the text: where it is, the line that it is in, and what is wrong."""

    line: int | None
    column: int | None
    excerpt: str
    sentence: str


@dataclass(frozen=True)
class _Editing:
    """One request that edits a file. `form` is None before anything was typed."""

    request: Request
    state: ServerState
    entry: Entry
    form: FormData | None = None

    @property
    def way(self) -> str:
        """How the file is edited."""
        return text_of(self.form, "way") if self.form else FIELDS

    @property
    def base(self) -> str:
        """The text that the person saw first."""
        return self._as_stored(text_of(self.form, "base")) if self.form else file_text(self.entry)

    @property
    def text(self) -> str:
        """The whole text that the person wants."""
        typed = self.form is not None and self.way == TEXT
        return self._as_stored(text_of(self.form, "text")) if typed else self.base

    def change(self, *, dry_run: bool) -> EditedDataset | None:
        """Change the file, or say what that would do; None if nothing is different."""
        based_on = text_of(self.form or FormData(), "based_on")
        options: dict[str, Any] = {"based_on": based_on, "dry_run": dry_run, "locked": self.state.locked}
        catalog, stem = self.state.fresh_catalog, self.entry.stem
        if self.way == TEXT:
            done = replace_text_of(catalog, stem, self.text, **options)
        else:
            assignments, removals = edits_of(_data(self.base), self.form or FormData())
            if not assignments and not removals:
                return None
            done = edit_dataset(catalog, stem, assignments, removals, **options)
        return done if done.diff else None

    def show(
        self, status: int = 200, faults: Sequence[Fault] = (), notice: str = "", **context: Any
    ) -> HTMLResponse:
        """Return the form with what was typed."""
        data, typed = _data(self.base), self.form if self.way == FIELDS else None
        base = self.base
        fields = edit_fields(data, self.state.catalog.users, typed, faults) if data else ()
        return page(
            self.request, "changing/edit.html", status,
            **{
                "stem": self.entry.stem, "name": _name(self.entry), "fields": tuple(fields),
                "text": self.text, "base": base, "based_on": text_tag(base), "way": self.way,
                "faults": tuple(_fault_views(faults, self.entry, self.text)), "message": notice,
                "theirs": "", **context,
            },
        )  # fmt: skip

    def review(self, done: EditedDataset) -> HTMLResponse:
        """Return the page that shows what a change would do, with everything that was typed."""
        sent = [each for each in (self.form or FormData()).multi_items() if each[0] != "action"]
        entry = self.entry
        return page(
            self.request, "changing/review.html", stem=entry.stem, name=_name(entry), done=done, sent=sent
        )

    def conflict(self) -> HTMLResponse:
        """Return the page that shows what somebody else changed meanwhile, beside what was typed."""
        now, path = file_text(self.entry), self.entry.path
        mine = self._mine()
        return page(
            self.request, "changing/conflict.html", 412, stem=self.entry.stem, name=_name(self.entry),
            theirs=text_diff(path, self.base, now), mine=text_diff(path, self.base, mine),
            text=mine, now=now, based_on=text_tag(now), base=self.base,
        )  # fmt: skip

    def _mine(self) -> str:
        """Return the text that the person wants; their fields are written into the text that they saw."""
        if self.way == TEXT or self.form is None:
            return self.text
        document = read(self.base, str(self.entry.path))
        edits = parse_edits(document.data, *edits_of(_data(self.base), self.form))
        return edited(self.base, str(self.entry.path), edits, KEY_ORDER) if edits else self.base

    def _as_stored(self, text: str) -> str:
        """Return a text with the line ends of the file: browsers send every one as CR LF."""
        return text.replace("\n", "\r\n") if "\r\n" in _text_or_empty(self.entry) else text


@router.get("/datasets/{stem}/edit")
def edit_page(request: Request, state: State, _who: Editor, stem: str) -> HTMLResponse:
    """Show the file of a dataset as a form, and its whole text."""
    return _Editing(request, state, state.fresh_catalog.entry(stem)).show()


@router.post("/datasets/{stem}/edit")
def edit(request: Request, state: State, _who: Editor, stem: str, form: SentForm) -> Response:
    """Show what a change would do; write it once that is confirmed."""
    editing = _Editing(request, state, state.fresh_catalog.entry(stem), form)
    action = text_of(form, "action")
    if action in ("merge", "edit"):
        merging = action == "merge"
        theirs = text_diff(editing.entry.path, text_of(form, "seen"), editing.base) if merging else ""
        return editing.show(theirs=theirs)
    try:
        done = editing.change(dry_run=action != "confirm")
    except StaleFileError:
        return editing.conflict()
    except ReadOnlyError:
        raise
    except DatasetAssetsError as error:
        return editing.show(422, error.faults)
    if done is None:
        return editing.show(notice="Nothing is different from the file.")
    if action == "confirm":
        return after_change(state, f"/datasets/{editing.entry.stem}", "edited")
    return editing.review(done)


def _data(text: str) -> dict[str, Any]:
    """Return the data of a file's text; empty if it cannot be read."""
    try:
        data = read(text, "").data
    except DatasetAssetsError:
        return {}
    root = data.get(ROOT) if isinstance(data, dict) else None
    return root if isinstance(root, dict) else {}


def _name(entry: Entry) -> str:
    return entry.dataset.name if entry.dataset else entry.stem


def _text_or_empty(entry: Entry) -> str:
    try:
        return file_text(entry)
    except DatasetAssetsError:
        return ""


def _fault_views(faults: Sequence[Fault], entry: Entry, text: str) -> Iterator[_FaultView]:
    lines = text.splitlines()
    for fault in faults:
        place = fault.position
        own = place is not None and place.file == str(entry.path)
        words = f"{fault.field}: {fault.message}" if fault.field else fault.message
        sentence = f"{words}; {fault.hint}" if fault.hint else words
        if place is None or not own:
            yield _FaultView(None, None, "", str(fault))
            continue
        excerpt = lines[place.line - 1].strip() if place.line <= len(lines) else ""
        yield _FaultView(place.line, place.column, excerpt, sentence)
