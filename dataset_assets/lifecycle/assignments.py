"""Change a draft by assignments such as `column_mapping.revenue=sales_value`."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from dataset_assets.errors import ContractError, Fault
from dataset_assets.lifecycle.draft import Draft
from dataset_assets.lifecycle.file_text import flow
from dataset_assets.text.wording import shown
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import read

_ROOT = "draft"
NOTHING = frozenset({"", "none", "null", "~"})
"""Values that remove a key."""


def with_assignments(draft: Draft, assignments: Iterable[str]) -> Draft:
    """Return the draft after `key=value` assignments, in order; a key is a dotted path.

    A value is written as in a file: `[a, b]`, `{type: rolling, months: 6}`, or a single text. `none` removes
    the key. Raises ContractError with a fault for each value that is not valid.
    """
    data: dict[str, Any] = draft.model_dump(mode="json", exclude_none=True)
    for assignment in assignments:
        _assign(data, assignment)
    return _built(data)


def _assign(data: dict[str, Any], assignment: str) -> None:
    path, equals, text = assignment.partition("=")
    steps = [step.strip() for step in path.split(".")]
    if not equals or not all(steps):
        hint = "write it as `column_mapping.revenue=sales_value`"
        raise ContractError(Fault(f"{shown(assignment)} is no assignment", hint=hint))
    holder = data
    for step in steps[:-1]:
        inner = holder.setdefault(step, {})
        if not isinstance(inner, dict):
            message = f"{shown(path)} leads into `{step}`, which is not a mapping"
            raise ContractError(Fault(message, hint=f"assign the whole of `{step}`"))
        holder = inner
    if text.strip().lower() in NOTHING:
        holder.pop(steps[-1], None)
    else:
        holder[steps[-1]] = _value(path, text)


def _value(path: str, text: str) -> Any:
    """Return a value as the file's notation has it; a text that begins no list or mapping is that text."""
    if text.strip()[:1] not in ("[", "{", '"', "'"):
        return text.strip()
    try:
        return read(f"value: {text}\n", path).data["value"]
    except ContractError as error:
        raise ContractError(*(replace(fault, field=path, position=None) for fault in error.faults)) from None


def _built(data: dict[str, Any]) -> Draft:
    """Return the draft of its data. Raises ContractError with the faults, named by their dotted paths."""
    try:
        return build(read(f"{_ROOT}: {flow(data)}\n", _ROOT), Draft, _ROOT)
    except ContractError as error:
        faults = (
            replace(fault, field=fault.field.removeprefix(f"{_ROOT}."), position=None)
            for fault in error.faults
        )
        raise ContractError(*faults) from None
