"""The page that compares two publications of a dataset."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interfaces.web.identity import Reader
from dataset_assets.interfaces.web.pages.charts import Chart, overlay
from dataset_assets.interfaces.web.pages.dataset_view import past_views, publication_views
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.problems import problem_of
from dataset_assets.interfaces.web.state import State
from dataset_assets.lifecycle.compare import (
    ComparedColumn,
    PublicationComparison,
    compare_publications,
    publication_reference,
)
from dataset_assets.lifecycle.published_facts import published_facts
from dataset_assets.model import Model
from dataset_assets.stats.statistics import ColumnStatistics, Value

router = APIRouter()

_MOST_VALUES = 8


class Difference(Model):
    """A figure of a column before and after; `changed` says whether they differ."""

    label: str
    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Whether the figures differ."""
        return self.before != self.after


class ColumnDifference(Model):
    """A column of two publications: its figures, both distributions, or the rows of its frequent values."""

    column: ComparedColumn
    figures: tuple[Difference, ...]
    chart: Chart | None
    values: tuple[tuple[str, int | None, int | None], ...]


@router.get("/datasets/{stem}/compare")
def compare_page(
    request: Request, state: State, _who: Reader, stem: str, a: str = "", b: str = ""
) -> HTMLResponse:
    """Compare the publications `a` and `b`; by default the newest one with the one before it."""
    catalog = state.catalog
    entry = catalog.entry(stem)
    facts = published_facts(state.target, entry)
    choices = list(
        {each.reference: each for each in (*past_views(facts), *publication_views(facts))}.values()
    )
    found: PublicationComparison | None = None
    faults, status = (), 200
    if facts.chosen and len(choices) > 1:
        b = b or publication_reference(facts.chosen)
        a = a or next(each.reference for each in choices if each.reference != b)
    if a and b:
        try:
            found = compare_publications(catalog, state.target, entry, a, b)
        except DatasetAssetsError as error:
            faults, status = error.faults, problem_of(error).status
    return page(
        request, "compare.html", status, stem=entry.stem, name=entry.dataset.name if entry.dataset else stem,
        a=found.before.reference if found else a, b=found.after.reference if found else b, choices=choices,
        found=found, faults=faults, columns=_differences(found) if found else (),
    )  # fmt: skip


def _differences(found: PublicationComparison) -> tuple[ColumnDifference, ...]:
    return tuple(_difference(each) for each in found.columns if each.name != "split")


def _difference(column: ComparedColumn) -> ColumnDifference:
    before, after = column.before, column.after
    shown = before is not None and after is not None and not column.sensitive
    chart = overlay(before, after, column.name) if shown else None
    return ColumnDifference(
        column=column,
        figures=tuple(_figures(before, after)),
        chart=chart,
        values=_values(before, after) if shown and chart is None else (),
    )


def _figures(before: ColumnStatistics | None, after: ColumnStatistics | None) -> list[Difference]:
    both = (before, after)
    rows = {
        "Distinct": [f"{each.cardinality:,}" if each else "" for each in both],
        "NULL": [f"{each.null_percent:.2f} %" if each else "" for each in both],
        "Least": [_text(each.min) if each else "" for each in both],
        "Greatest": [_text(each.max) if each else "" for each in both],
        "Mean": [f"{each.mean:.6g}" if each and each.mean is not None else "" for each in both],
        "Median": [_text(each.median) if each else "" for each in both],
    }
    return [
        Difference(label=label, before=texts[0], after=texts[1])
        for label, texts in rows.items()
        if any(texts)
    ]


def _values(
    before: ColumnStatistics | None, after: ColumnStatistics | None
) -> tuple[tuple[str, int | None, int | None], ...]:
    """Return the frequent values of both with their rows; None where a value is not among the frequent."""
    counts = [
        {str(each.value): each.rows for each in side.top_values} if side else {} for side in (before, after)
    ]
    names = list(dict.fromkeys((*counts[1], *counts[0])))[:_MOST_VALUES]
    return tuple((name, counts[0].get(name), counts[1].get(name)) for name in names)


def _text(value: Value | None) -> str:
    """Return a value as text; an instant, which is long, to the minute."""
    return "" if value is None else re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*", r"\1 \2", str(value))
