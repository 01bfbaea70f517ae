"""The page of one dataset: its contract, and everything that is published of it."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from dataset_assets.catalog.catalog import Entry
from dataset_assets.errors import DatasetAssetsError, Fault
from dataset_assets.interfaces.answers.datasets import dataset_answer
from dataset_assets.interfaces.answers.faults import FaultAnswer
from dataset_assets.interfaces.web.api.resource import published_statistics
from dataset_assets.interfaces.web.dagster_client import DagsterClient
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.pages import dataset_view as view
from dataset_assets.interfaces.web.pages.charts import split_shares
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.state import ServerState, State
from dataset_assets.lifecycle.changes import file_text, text_tag
from dataset_assets.lifecycle.diff import FILE, VersionDiff, diff_versions
from dataset_assets.lifecycle.load_lines import load_lines
from dataset_assets.lifecycle.published_facts import PublishedFacts, published_facts
from dataset_assets.lifecycle.status import TRANSITIONS, Action
from dataset_assets.staleness.plan import plan_dataset

router = APIRouter()

_MOST_PERIODS = 24
"""Periods that the table of publications shows unless all are asked for."""


@router.get("/datasets/{stem}")
def dataset_page(
    request: Request,
    state: State,
    _who: Reader,
    stem: str,
    period: str | None = None,
    before: str = "",
    after: str = "",
    every: bool = False,
) -> HTMLResponse:
    """Show a dataset; its file with its faults if it is broken.

    `period` chooses whose statistics are shown, `before` and `after` the versions whose differences are.
    """
    entry = state.catalog.entry(stem)
    if not entry.ok or entry.dataset is None:
        return _broken_page(request, entry)
    facts, remarks = _published(state, entry, period or None)
    record = facts.chosen
    publications = view.publication_views(facts)
    loads = [*load_lines(record or {})][::-1]
    return page(
        request,
        "dataset.html",
        **_contract(state, entry),
        facts=facts,
        record=record,
        remarks=remarks,
        newest=facts.newest,
        publications=publications if every else publications[:_MOST_PERIODS],
        publication_count=len(publications),
        loads=loads if every else loads[:_MOST_PERIODS],
        load_count=len(loads),
        past=view.past_views(facts),
        columns=view.column_views(state.catalog, entry, record) if record else (),
        measured=published_statistics(state.catalog, entry, record) if record else None,
        split=split_shares(record["statistics"]["splits"]) if record else (),
        **_difference(state, entry, before, after),
    )


@router.get("/datasets/{stem}/due")
def due_part(request: Request, state: State, _who: Reader, stem: str) -> HTMLResponse:
    """Show what is due of a dataset and why: the part of its page that reads the metadata of the sources."""
    entry = state.catalog.entry(stem)
    try:
        plan, faults = plan_dataset(state.catalog, state.target, entry)[-1], ()
    except DatasetAssetsError as error:
        plan, faults = None, error.faults
    return page(request, "parts/due.html", stem=entry.stem, plan=plan, faults=faults)


def _contract(state: ServerState, entry: Entry) -> dict[str, Any]:
    """Return what the page shows of the file of a dataset without faults."""
    dataset, scope = state.catalog.checked(entry), state.catalog.scope(entry)
    text = file_text(entry)
    dagster = state.settings.dagster
    return {
        "stem": entry.stem,
        "dataset": dataset,
        "contract": view.contract_facts(state.catalog, entry),
        "answer": dataset_answer(state.catalog, entry, (), {}),
        "lookups": tuple(view.lookup_views(scope)),
        "selection": tuple(view.selection_facts(dataset)),
        "settings": tuple(view.settings(dataset)),
        "status_remark": view.status_remark(dataset),
        "actions": tuple(
            action
            for action in (Action.ACTIVATE, Action.DISABLE, Action.ARCHIVE, Action.RESTORE)
            if TRANSITIONS[action].get(dataset.status) not in (None, dataset.status)
        ),
        "file_lines": text.splitlines(),
        "based_on": text_tag(text),
        "locked": state.locked,
        "asset_url": DagsterClient(dagster).asset_url(entry.stem) if dagster else "",
        "runs_url": f"{dagster.rstrip('/')}/runs" if dagster else "",
    }


def _published(
    state: ServerState, entry: Entry, period: str | None
) -> tuple[PublishedFacts, tuple[Fault, ...]]:
    """Return what is published, and why that is not known if the target cannot be read.

    Raises ResolveError for a Period that is not published.
    """
    try:
        return published_facts(state.target, entry, period), ()
    except DatasetAssetsError as error:
        if period is not None:
            raise
        return PublishedFacts({}), error.faults


def _difference(state: ServerState, entry: Entry, before: str, after: str) -> dict[str, Any]:
    """Return the difference of two versions, and which ones can be chosen: the last two by default."""
    numbers = sorted(entry.lock.numbers)
    pending = entry.dataset is not None and entry.lock.version_of(entry.dataset).pending
    choices = [*map(str, numbers), *([FILE] if pending or not numbers else [])]
    shown: VersionDiff | None = None
    faults: tuple[Fault, ...] = ()
    if len(choices) > 1:
        before, after = before or choices[-2], after or choices[-1]
        try:
            shown = diff_versions(state.catalog, entry.stem, _number(before), _number(after))
        except DatasetAssetsError as error:
            faults = error.faults
    return {"difference": shown, "version_choices": choices, "version_faults": faults}


def _number(version: str) -> int | None:
    """Return the number of a version; None for the file, and -1, which no version has, for another text."""
    if version == FILE:
        return None
    return int(version) if version.isdecimal() else -1


def _broken_page(request: Request, entry: Entry) -> HTMLResponse:
    faults = [FaultAnswer.of(fault) for fault in entry.faults]
    try:
        lines = file_text(entry).splitlines()
    except DatasetAssetsError:  # what is wrong with reading it is among the faults
        lines = []
    places = [fault.position for fault in entry.faults if fault.position]
    own = {each.line for each in places if each.file == str(entry.path)}
    return page(
        request, "dataset_broken.html", stem=entry.stem, faults=faults, lines=lines, marked=own,
        file=entry.path.name,
    )  # fmt: skip
