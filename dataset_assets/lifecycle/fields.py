"""Read the names and values of fields that a person gives to `edit`: `filters.fit_on=train`.

A name is a path as messages show it. An item of a list is named by its number or by its name:
`main_table.columns[2].nullable`, `main_table.columns[city].nullable`, `extra_columns[+]` for a new one.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from dataset_assets.catalog.rules import ROOT
from dataset_assets.errors import ContractError, Fault
from dataset_assets.lifecycle.changes import SYSTEM_FIELDS, value_at
from dataset_assets.lifecycle.definition_edits import file_value
from dataset_assets.text.wording import did_you_mean, shown
from dataset_assets.yaml.edits import Edit, Path, RemoveValue, SetValue
from dataset_assets.yaml.reader import read

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[[^\[\]]+\])*(\.[A-Za-z_][A-Za-z0-9_]*(\[[^\[\]]+\])*)*")
_STEPS = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)|\[([^\[\]]+)\]")
_QUOTED = ("[", "{", '"', "'")
_STATUS_HINT = "use `activate`, `disable`, `archive` or `restore`"


def parse_edits(data: Any, assignments: Sequence[str], removals: Sequence[str]) -> list[Edit]:
    """Return the edits of `key=value` texts and of keys to remove; `data` is what the file holds.

    Raises ContractError with a fault for each text that is none, and for fields that are not edited.
    """
    edits: list[Edit] = []
    faults: list[Fault] = []
    for given in assignments:
        name, equals, value = given.partition("=")
        if not equals:
            hint = "write it as `filters.fit_on=train`"
            faults.append(Fault(f"{shown(given)} is no `key=value`", hint=hint))
            continue
        try:
            edits.append(SetValue(_path(data, name.strip()), _value(name, value)))
        except ContractError as error:
            faults += error.faults
    for name in removals:
        try:
            edits.append(RemoveValue(_path(data, name.strip())))
        except ContractError as error:
            faults += error.faults
    if faults:
        raise ContractError(*faults)
    return edits


def value_edits(data: Any, values: Mapping[str, Any], removals: Sequence[str]) -> list[Edit]:
    """Return the edits that set fields to values as JSON has them, and those of keys to remove.

    Raises ContractError as `parse_edits` does.
    """
    edits: list[Edit] = []
    faults: list[Fault] = []
    for name in (*values, *removals):
        try:
            path = _path(data, name.strip())
        except ContractError as error:
            faults += error.faults
            continue
        edits.append(SetValue(path, file_value(values[name])) if name in values else RemoveValue(path))
    if faults:
        raise ContractError(*faults)
    return edits


def _value(name: str, text: str) -> Any:
    """Return the value of a text: lists, mappings and quoted texts as in YAML, anything else as it is."""
    if not text.lstrip().startswith(_QUOTED):
        return None if text.strip() in ("", "~", "null") else text.strip()
    try:
        return read(text.strip(), name).data
    except ContractError as error:
        hint = "write it as in the file: [a, b], {type: rolling, months: 6} or 'text'"
        raise ContractError(
            Fault(f"{shown(text)} is no value: {error.faults[0].message}", name, hint)
        ) from None


def _path(data: Any, name: str) -> Path:
    name = name.removeprefix(f"{ROOT}.")
    if not _NAME.fullmatch(name):
        hint = "name it as `filters.fit_on` or `main_table.columns[city].nullable`"
        raise ContractError(Fault(f"{shown(name)} is not the name of a field", hint=hint))
    first = name.partition(".")[0]
    if first in SYSTEM_FIELDS:
        raise ContractError(Fault("is written by the system and not edited", name, "`lock` writes it"))
    if first == "status":
        raise ContractError(Fault("is changed by commands of its own", name, _STATUS_HINT))
    path: list[str | int] = [ROOT]
    value = data.get(ROOT) if isinstance(data, dict) else None
    for key, item in _STEPS.findall(name):
        step = key or _index(value, item, name)
        value = value_at(value, (step,))
        path.append(step)
    return tuple(path)


def _index(items: Any, name: str, field: str) -> int:
    """Return the index of a list's item by its number or name; the length of the list for `+`."""
    if name.isdecimal():
        return int(name)
    found = items if isinstance(items, list) else []
    if name == "+":
        return len(found)
    names = [_name_of(item) for item in found]
    if name not in names:
        known = [each for each in names if each]
        raise ContractError(Fault(f"there is no item {shown(name)}", field, did_you_mean(name, known)))
    return names.index(name)


def _name_of(item: Any) -> str | None:
    """Return the name of a list's item: its name, its alias, or that of the table that it targets."""
    if not isinstance(item, dict):
        return item if isinstance(item, str) else None
    target = item.get("target")
    named = item.get("name") or item.get("alias") or item.get("source_column")
    return named or (target.get("name") if isinstance(target, dict) else None)
