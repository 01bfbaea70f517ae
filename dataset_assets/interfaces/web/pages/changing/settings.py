"""The fields of a dataset's file that are edited most, and the edits that a sent form means."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData

from dataset_assets.catalog.users import Users
from dataset_assets.errors import Fault
from dataset_assets.interfaces.web.pages.sent_form import text_of
from dataset_assets.interfaces.web.pages.wizard.fields import KindField
from dataset_assets.interfaces.web.pages.wizard.kinds import KINDS, Input, Kind
from dataset_assets.lifecycle.changes import value_at
from dataset_assets.yaml.notation import flow

KEPT = "kept"
"""The choice that leaves a setting as the file has it."""
_QUOTED = ("[", "{", '"', "'")
_YAML: Mapping[str, Mapping[str, str]] = {
    "date_range": {
        "rolling": "{{type: rolling, months: {months}}}",
        "fixed": "{{type: fixed, start_date: {start}, end_date: {end}}}",
    },
    "product_filter": {
        "cumulative": "{{type: cumulative_revenue_percent, value: {percent}}}",
        "top": "{{type: top_revenue_percent, value: {percent}}}",
        "categories": "{{type: categories, value: [{names}]}}",
    },
    "customer_filter": {"least": "{{type: min_transactions, value: {number}}}"},
    "split_config": {
        "time_based": "{{strategy: time_based, eval_days: {days}}}",
        "random": "{{strategy: random, train_percent: {percent}, unit: user}}",
    },
}
_CRON = Input("cron", "Cron", initial="0 6 * * *", type="text")
_REFRESH = (
    Kind("upstream", "Whenever a source has changed", "{{on: upstream}}"),
    Kind("cron", "After each tick of a schedule", "{{cron: {cron}}}", (_CRON,)),
    Kind("none", "By hand only", ""),
)
_TEXTS = {
    "name": ("Name", "The name for people."),
    "description": ("Description", "What the rows are."),
    "owner": ("Owner", "A user or team of users.yaml."),
    "ml_model": ("Model", "The model that is trained on the dataset."),
}
_SETTINGS = {
    "filters.date_range": "Date range",
    "filters.product_filter": "Product filter",
    "filters.customer_filter": "Customer filter",
    "split_config": "Train/eval split",
    "refresh": "Refresh",
}
_FIT_ON = "filters.fit_on"


@dataclass(frozen=True)
class EditField:
    """A field of the form. A text or a choice has a `value`; a setting has `kinds`."""

    key: str
    label: str
    help: str = ""
    value: str = ""
    choices: tuple[str, ...] = ()
    kinds: tuple[KindField, ...] = ()
    error: str = ""


def edit_fields(
    data: Mapping[str, Any], users: Users, form: FormData | None = None, faults: Sequence[Fault] = ()
) -> Iterator[EditField]:
    """Yield the fields with what the file has, or with what a form has for them, and their faults."""
    for key, (label, help_text) in _TEXTS.items():
        value = text_of(form, key) if form else str(data.get(key) or "")
        choices = tuple(users.root) if key == "owner" else ()
        choices = choices if not choices or value in choices else (value, *choices)
        yield EditField(key, label, help_text, value, choices, error=_error(key, faults))
    for key, label in _SETTINGS.items():
        yield EditField(key, label, kinds=tuple(_kind_fields(key, data, form)), error=_error(key, faults))
    value = text_of(form, _FIT_ON) if form else _written(data, _FIT_ON) or "all"
    help_text = "The rows that filters learn from: all of them, or train rows alone."
    yield EditField(
        _FIT_ON, "Fit filters on", help_text, str(value), ("all", "train"), error=_error(_FIT_ON, faults)
    )


def edits_of(data: Mapping[str, Any], form: FormData) -> tuple[list[str], list[str]]:
    """Return the assignments (`key=value`) and the removals that lead from the file's data to a form's."""
    assignments, removals = [], []
    for key in (*_TEXTS, _FIT_ON):
        before, after = str(_written(data, key) or ""), text_of(form, key).strip()
        if after == before.strip() or (key == _FIT_ON and after == (before or "all")):
            continue
        if after or key in ("name", "owner"):
            assignments.append(f"{key}={json.dumps(after) if after.startswith(_QUOTED) else after}")
        else:
            removals.append(key)
    for key in _SETTINGS:
        chosen = text_of(form, key)
        kind = next((each for each in _kinds(key) if each.name == chosen), None)
        if kind is None or chosen == KEPT:
            continue
        if kind.answer:
            values = {each.name: text_of(form, f"{key}.{chosen}.{each.name}").strip() for each in kind.inputs}
            assignments.append(f"{key}={kind.answer.format_map(values)}")
        elif _written(data, key) is not None:
            removals.append(key)
    return assignments, removals


def _kinds(key: str) -> Iterator[Kind]:
    """Yield the choices of a setting, with the YAML that each one writes."""
    if key == "refresh":
        yield from _REFRESH
        return
    name = key.rpartition(".")[2]
    for kind in KINDS[name]:
        yield Kind(kind.name, kind.label, _YAML[name].get(kind.name, ""), kind.inputs)


def _kind_fields(key: str, data: Mapping[str, Any], form: FormData | None) -> Iterator[KindField]:
    written = _written(data, key)
    chosen = text_of(form, key) if form else KEPT
    now = "not set" if written is None else flow(written)
    yield KindField(Kind(KEPT, f"As it is: `{now}`", ""), chosen == KEPT, {})
    for kind in _kinds(key):
        values = {
            each.name: text_of(form, f"{key}.{kind.name}.{each.name}") if form else each.initial
            for each in kind.inputs
        }
        yield KindField(kind, chosen == kind.name, values)


def _written(data: Mapping[str, Any], key: str) -> Any:
    return value_at(data, key.split("."))


def _error(key: str, faults: Sequence[Fault]) -> str:
    """Return the first fault of a field or of a part of it; empty if it has none."""
    own = f"dataset.{key}"
    for fault in faults:
        if fault.field.removeprefix("dataset.") == key or fault.field.startswith((f"{own}.", f"{own}[")):
            return f"{fault.message}; {fault.hint}" if fault.hint else fault.message
    return ""
