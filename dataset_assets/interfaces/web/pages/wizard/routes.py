"""The wizard at `/new`: four steps, and a page that shows the file before it is written (Domain).

The answers travel in the address and in the form, so that the server keeps none of them: reloading and going
back in the browser are harmless, and a restart loses nothing. Only the last button writes.
"""

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from dataset_assets.errors import ContractError, DatasetAssetsError, ReadOnlyError
from dataset_assets.interfaces.web.identity import Editor
from dataset_assets.interfaces.web.operations import Operation
from dataset_assets.interfaces.web.pages.notices import after_change
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.pages.sent_form import SentForm, text_of
from dataset_assets.interfaces.web.pages.wizard.measuring import NotMeasuredError
from dataset_assets.interfaces.web.pages.wizard.steps import (
    REVIEW,
    Step,
    first_wrong_step,
    sent_step,
    shown_step,
)
from dataset_assets.interfaces.web.pages.wizard.token import write_token
from dataset_assets.interfaces.web.pages.wizard.visit import Visit, to_step
from dataset_assets.interfaces.web.state import State
from dataset_assets.lifecycle.changes import refuse_locked, text_diff
from dataset_assets.lifecycle.create import dataset_path
from dataset_assets.lifecycle.new_dataset import write_draft
from dataset_assets.lifecycle.status import Action, change_status

router = APIRouter()

RESTART_SECONDS = 60
"""How long answers wait for statistics that a restart of the server has lost."""
_CHANGED = {"main-table": ("other_tables", "lookups"), "others": ("lookups",)}
"""Id of the element that a person changed → questions whose suggestions are computed again."""


@router.get("/new")
def show(
    request: Request, server: State, _who: Editor, step: int = 1, answers: str = "", live: str = ""
) -> Response:
    """Show a step with the answers so far, or the first step before it that lacks one.

    `live` computes what a script would fetch: the joins of step 2, the sizes of step 4.
    """
    visit, number = Visit(request, server), min(max(step, 1), REVIEW)
    try:
        state = visit.state(answers)
    except ContractError as error:
        return visit.show(shown_step(visit.state(""), 1), 422, faults=tuple(map(str, error.faults)))
    for _ in range(2):
        try:
            wrong = first_wrong_step(state, number)
            if wrong is not None:
                return to_step(wrong, answers)
            return _shown(visit, shown_step(state, number), live=bool(live))
        except NotMeasuredError as wanted:
            operation = visit.measure(wanted)
            if operation.result is None or operation.result.cost is not None:
                return visit.measuring(operation, number, answers)
    return visit.measuring(operation, number, answers)


def _shown(visit: Visit, step: Step, *, live: bool) -> HTMLResponse:
    if step.number == REVIEW:
        return visit.review(step, sizes=_sizes(visit, step) if live else None)
    if step.number == 2:
        operation = visit.joins(step) if live else None
        return visit.show(shown_step(step.state, 2), joins=operation)
    return visit.show(step, sizes=_sizes(visit, step) if live and step.number == 4 else None)


@router.post("/new")
def send(request: Request, server: State, _who: Editor, form: SentForm) -> Response:
    """Accept the answers of a step and lead to the next one, or show what is wrong with them."""
    visit, number, token = _sent(request, server, form)
    state = visit.state(token)
    try:
        step = sent_step(state, number, form)
    except NotMeasuredError as wanted:  # after a restart: what was typed waits for the statistics
        server.operations.wait(visit.measure(wanted).id, RESTART_SECONDS)
        try:
            step = sent_step(state, number, form)
        except NotMeasuredError:
            return to_step(number, token)
    sent, action = write_token(step.state.answers), text_of(form, "action")
    if action == "back":
        return to_step(max(number - 1, 1), sent)
    if step.wrong:
        return visit.show(step, 422)
    return to_step(number, sent, live="1") if action == "show" else to_step(number + 1, sent)


@router.post("/new/live")
def live(request: Request, server: State, _who: Editor, form: SentForm) -> Response:
    """Return the step with the facts of the answers that are chosen now, for a script that picks from it."""
    visit, number, token = _sent(request, server, form)
    try:
        anew = _CHANGED.get(request.headers.get("hx-trigger", ""), ())
        step = sent_step(visit.state(token), number, form, anew)
        operation = visit.joins(step, accepted=bool(text_of(form, "accept")))
        step = sent_step(visit.state(token), number, form, anew)
    except NotMeasuredError:  # after a restart: the next step measures again
        return Response(status_code=204)
    quiet = {key: replace(field, error="") for key, field in step.fields.items()}
    return visit.show(replace(step, fields=quiet), joins=operation)


@router.post("/new/measure")
def measure(request: Request, server: State, _who: Editor, form: SentForm) -> Response:
    """Measure the tables whose cost a person accepted, and lead back to the step that needs them."""
    visit, number, token = _sent(request, server, form)
    try:
        first_wrong_step(visit.state(token), REVIEW)
    except NotMeasuredError as wanted:
        visit.measure(wanted, accepted=True)
    return to_step(number, token)


@router.post("/new/sizes")
def sizes(request: Request, server: State, _who: Editor, form: SentForm) -> Response:
    """Return the sizes of the dataset that the answers describe, or how far counting is."""
    visit, number, token = _sent(request, server, form)
    try:
        state = visit.state(token)
        step = shown_step(state, REVIEW) if number == REVIEW else sent_step(state, number, form)
        return _part(visit, _sizes(visit, step, accepted=bool(text_of(form, "accept"))))
    except NotMeasuredError:
        return _part(visit, ("the tables have changed or are not measured yet; load the page again",))


@router.get("/new/sizes/{id_}")
def sizes_so_far(request: Request, server: State, _who: Editor, id_: str) -> Response:
    """Return the sizes that are being counted, or how far counting is."""
    return _part(Visit(request, server), server.operations.wait(id_, 2))


@router.post("/new/create")
def create(request: Request, server: State, _who: Editor, form: SentForm) -> Response:
    """Write the file of the dataset, and activate it if that was asked for."""
    visit, _, token = _sent(request, server, form)
    state = visit.state(token)
    try:
        wrong = first_wrong_step(state, REVIEW)
    except NotMeasuredError:
        wrong = REVIEW
    if wrong is not None:
        return to_step(wrong, token)
    step = shown_step(state, REVIEW)
    wizard = step.wizard
    try:
        made = write_draft(
            server.fresh_catalog, wizard.stem, wizard.draft, state.suggestions, dry_run=server.locked
        )
        path = dataset_path(server.catalog.root, made.dataset)
        refuse_locked(locked=server.locked, patch=text_diff(path, None, made.text))
        if text_of(form, "activate"):
            change_status(server.fresh_catalog, made.dataset, Action.ACTIVATE)
    except ReadOnlyError:
        raise
    except DatasetAssetsError as error:
        return visit.review(step, 422, faults=tuple(map(str, error.faults)))
    done = "created-active" if text_of(form, "activate") else "created"
    return after_change(server, f"/datasets/{made.dataset}", done)


def _sent(request: Request, server: State, form: FormData) -> tuple[Visit, int, str]:
    """Return the visit, the number of the step, and the answers so far."""
    number, page_id = text_of(form, "step"), text_of(form, "page_id")
    visit = Visit(request, server, page_id[:32]) if page_id else Visit(request, server)
    step = min(max(int(number), 1), REVIEW) if number.isdecimal() and len(number) < 3 else 1
    return visit, step, text_of(form, "answers")


def _sizes(visit: Visit, step: Step, *, accepted: bool = False) -> Operation | tuple[str, ...]:
    """Return the operation that counts the rows, or the sentences that say why they cannot be counted."""
    if step.wrong:
        return tuple(f"{each.question.label}: {each.error}" for each in step.wrong)
    try:
        return visit.sizes(step, accepted=accepted)
    except DatasetAssetsError as error:
        return tuple(map(str, error.faults))


def _part(visit: Visit, found: Operation | tuple[str, ...]) -> HTMLResponse:
    return page(visit.request, "wizard/sizes_part.html", sizes=found)
