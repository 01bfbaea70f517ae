"""The pages that change the status of a dataset, copy, rename or delete it; each says first what happens."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from dataset_assets.catalog.catalog import Entry
from dataset_assets.errors import DatasetAssetsError, ReadOnlyError, StaleFileError
from dataset_assets.interfaces.web.identity import Editor
from dataset_assets.interfaces.web.pages.notices import after_change
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.pages.sent_form import SentForm, text_of
from dataset_assets.interfaces.web.state import ServerState, State
from dataset_assets.lifecycle.changes import file_text, text_tag
from dataset_assets.lifecycle.clone import clone_dataset
from dataset_assets.lifecycle.delete import delete_dataset, recorded_uses
from dataset_assets.lifecycle.published import PublishedTable
from dataset_assets.lifecycle.rename import rename_dataset
from dataset_assets.lifecycle.status import Action, change_status
from dataset_assets.ports.target import Target

router = APIRouter()


class Step(StrEnum):
    """What these pages do; each value is the last part of their address."""

    ACTIVATE = "activate"
    DISABLE = "disable"
    ARCHIVE = "archive"
    RESTORE = "restore"
    CLONE = "clone"
    RENAME = "rename"
    DELETE = "delete"


@dataclass(frozen=True)
class Outcome:
    """What a step did or would do, in sentences, the difference of the file, and the page that follows."""

    sentences: tuple[str, ...]
    leads_to: str
    diff: str = ""


@dataclass(frozen=True)
class _Request:
    """A step on a dataset with its form. `based_on` is the digest of the file that the person saw."""

    state: ServerState
    entry: Entry
    step: Step
    stem: str = ""
    name: str = ""
    based_on: str | None = None
    dry_run: bool = True

    @property
    def target(self) -> Target:
        """The target, where what is published and used is recorded."""
        return self.state.target


def _add_routes(step: Step) -> None:
    """Add the page of a step and its button at an address of their own."""

    @router.get(f"/datasets/{{stem}}/{step}", name=step)
    def show(request: Request, state: State, _who: Editor, stem: str) -> HTMLResponse:
        entry = state.fresh_catalog.entry(stem)
        new_stem = f"{entry.stem}_copy" if step is Step.CLONE else ""
        name = f"{entry.dataset.name} (copy)" if step is Step.CLONE and entry.dataset else ""
        return _page(request, _Request(state, entry, step, new_stem, name))

    @router.post(f"/datasets/{{stem}}/{step}", name=f"do-{step}")
    def carry_out(request: Request, state: State, _who: Editor, stem: str, form: SentForm) -> Response:
        asked = _asked(state, state.fresh_catalog.entry(stem), step, form)
        try:
            outcome = _STEPS[step](asked)
        except ReadOnlyError:
            raise
        except StaleFileError as error:
            return _page(request, asked, 412, tuple(map(str, error.faults)))
        except DatasetAssetsError as error:
            return _page(request, asked, 422, tuple(map(str, error.faults)))
        return after_change(state, outcome.leads_to, step)


for _step in Step:
    _add_routes(_step)


def _asked(state: ServerState, entry: Entry, step: Step, form: FormData) -> _Request:
    texts = {name: text_of(form, name).strip() for name in ("stem", "name", "based_on")}
    return _Request(
        state, entry, step, texts["stem"], texts["name"], texts["based_on"] or None, dry_run=False
    )


def _page(request: Request, asked: _Request, status: int = 200, faults: Sequence[str] = ()) -> HTMLResponse:
    """Return the page of a step; without `faults` they are those of trying it without writing anything."""
    entry, step = asked.entry, asked.step
    needs_stem = step in (Step.CLONE, Step.RENAME)
    outcome, refused, based_on = None, tuple(faults), ""
    try:
        based_on = text_tag(file_text(entry))
        if asked.stem or not needs_stem:
            trial = _Request(asked.state, entry, step, asked.stem, asked.name)
            outcome = _STEPS[step](trial)
    except DatasetAssetsError as error:
        refused = refused or tuple(map(str, error.faults))
    return page(
        request, "changing/life.html", status, stem=entry.stem,
        name=entry.dataset.name if entry.dataset else entry.stem, step=step, title=_TITLES[step],
        button=_BUTTONS[step], explained=_EXPLAINED[step], outcome=outcome, faults=refused,
        needs_stem=needs_stem, new_stem=asked.stem, new_name=asked.name, based_on=based_on,
        stale=status == 412,
    )  # fmt: skip


def _status(asked: _Request) -> Outcome:
    done = change_status(
        asked.state.fresh_catalog, asked.entry.stem, Action(asked.step.value), based_on=asked.based_on,
        dry_run=asked.dry_run, locked=asked.state.locked,
    )  # fmt: skip
    if done.before is done.after:
        return Outcome((f"It is {done.after} already: nothing changes.",), f"/datasets/{done.dataset}")
    sentence = f"The status changes from {done.before} to {done.after}: {done.means}."
    return Outcome((sentence,), f"/datasets/{done.dataset}", done.diff)


def _clone(asked: _Request) -> Outcome:
    done = clone_dataset(
        asked.state.fresh_catalog, asked.entry.stem, asked.stem, asked.name or None, now=datetime.now(UTC),
        based_on=asked.based_on, dry_run=asked.dry_run, locked=asked.state.locked,
    )  # fmt: skip
    return Outcome((f"The copy is {done.file}.",), f"/datasets/{done.dataset}")


def _rename(asked: _Request) -> Outcome:
    done = rename_dataset(
        asked.state.fresh_catalog, asked.entry.stem, asked.stem, target=asked.target,
        based_on=asked.based_on, dry_run=asked.dry_run, locked=asked.state.locked,
    )  # fmt: skip
    sentences = [f"The file becomes {done.file}; its lock moves along."]
    sentences += (f"The Project {project} names it by the new name." for project in done.projects)
    if done.published_as:
        sentences.append(f"What is published stays where it is: {_tables(done.published_as)}.")
    return Outcome(tuple(sentences), f"/datasets/{done.dataset}")


def _delete(asked: _Request) -> Outcome:
    done = delete_dataset(
        asked.state.fresh_catalog, asked.entry.stem, recorded_uses(asked.target), target=asked.target,
        based_on=asked.based_on, dry_run=asked.dry_run, locked=asked.state.locked,
    )  # fmt: skip
    sentences = [f"These files are deleted: {', '.join(done.files)}."]
    if done.published_as:
        sentences.append(f"What is published stays: {_tables(done.published_as)}.")
        sentences.append("A new dataset of that name cannot be published there until that table is gone.")
    else:
        sentences.append("Nothing is published of it.")
    return Outcome(tuple(sentences), "/")


def _tables(tables: Sequence[PublishedTable]) -> str:
    return ", ".join(f"{table.name} at {table.location}" for table in tables)


_STEPS: Mapping[Step, Callable[[_Request], Outcome]] = {
    **dict.fromkeys((Step.ACTIVATE, Step.DISABLE, Step.ARCHIVE, Step.RESTORE), _status),
    Step.CLONE: _clone,
    Step.RENAME: _rename,
    Step.DELETE: _delete,
}
_TITLES = {step: step.value.capitalize() for step in Step}
_BUTTONS = {**_TITLES, Step.CLONE: "Create the copy"}
_EXPLAINED: Mapping[Step, str] = {
    Step.ACTIVATE: "An active dataset can be used everywhere, and its refresh is followed.",
    Step.DISABLE: "A disabled dataset stays as it is for Projects that use it; new ones cannot use it.",
    Step.ARCHIVE: "An archived dataset is hidden from lists and not refreshed. What is published stays.",
    Step.RESTORE: "A restored dataset is active again.",
    Step.CLONE: "A copy is a draft with an id of its own, version 1. Comments are copied as well.",
    Step.RENAME: "The id and the versions stay; Projects that name the dataset are edited.",
    Step.DELETE: "The file and its lock are deleted, unless something uses the dataset. Published rows stay.",
}
