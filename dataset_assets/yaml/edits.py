"""Edit values in the text of a YAML file; comments, order, quotes and layout of the rest stay as they are.

An edit sets or removes the value at a path. Only what differs from the present value is written: a list that
loses one item loses its line, and the comments beside the others stay. The edited text is read again, and the
edit is refused if its data is not what was intended.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from yaml import YAMLError

from dataset_assets.errors import ContractError, Fault, LockError
from dataset_assets.text.wording import dotted
from dataset_assets.yaml.notation import Notation, flow
from dataset_assets.yaml.reader import Document, read
from dataset_assets.yaml.splicing import Splicer
from dataset_assets.yaml.tree import Step, chain

_BOM = "\ufeff"

Path = tuple[Step, ...]
Order = Mapping[Path, Sequence[str]]
"""The usual order of the keys of some mappings, by path: a new key follows those that precede it there."""


@dataclass(frozen=True)
class SetValue:
    """Set the value at a path; missing keys on the way are added. An index at the end of a list appends.

    `value` consists of mappings, lists, texts and None, as `reader.read` returns them.
    """

    path: Path
    value: Any


@dataclass(frozen=True)
class RemoveValue:
    """Remove the key or the list item at a path."""

    path: Path


Edit = SetValue | RemoveValue


def edited(text: str, path: str, edits: Sequence[Edit], order: Order | None = None) -> str:
    """Return the text with the edits applied one after another; `path` is the path that messages show.

    Raises ContractError if the text is not valid YAML, if a path of an edit does not exist, or if the layout
    is too unusual to edit: the hint then says what to write by hand.
    """
    bare = text.removeprefix(_BOM)
    document = read(bare, path)
    expected = copy.deepcopy(document.data)
    for edit in edits:
        _apply(expected, edit, document)
    result = bare
    try:
        for edit in edits:
            result = _edited(result, edit, order or {})
        data = read(result, path).data
    except (ContractError, YAMLError, ValueError, IndexError):
        data = _FAILED
    if data != expected:
        raise ContractError(_too_unusual(document, edits))
    return text[: len(text) - len(bare)] + result


def with_fields(text: str, path: str, root: str, fields: Mapping[str, str], known: Any = None) -> str:
    """Return the text with these fields of the mapping `root`, replaced, or added as its first in this order.

    `fields` maps keys to values in YAML's notation. `known` is the data of an earlier reading, which spares
    another one if the text has not changed since. Raises LockError if the layout is too unusual to edit, and
    ContractError if the text is not valid YAML.
    """
    bare = text.removeprefix(_BOM)
    result = _with_fields(bare, path, root, fields, known) if known else None
    if result is None:
        document = read(bare, path)
        result = _with_fields(bare, path, root, fields, document.data)
    if result is not None:
        return text[: len(text) - len(bare)] + result
    lines = ", ".join(f"`{key}: {value}`" for key, value in fields.items())
    message, hint = "the layout is too unusual to write the system fields", f"write them by hand: {lines}"
    raise LockError(Fault(message, root, hint, document.position((root,), key=True)))


def _with_fields(text: str, path: str, root: str, fields: Mapping[str, str], data: Any) -> str | None:
    """Return the text with the fields; None unless it is then read as `data` with the fields."""
    present = [key for key in fields if key in data[root]]
    written = {key: Notation(value) for key, value in fields.items()}
    expected = {**data, root: {**data[root], **{key: each.text for key, each in written.items()}}}
    new = {key: each for key, each in written.items() if key not in present}
    try:
        result = text
        for key in present:
            result = Splicer(result).replace((root, key), written[key])
        if new:
            result = Splicer(result).insert_below((root,), new)
        return result if read(result, path).data == expected else None
    except (ContractError, YAMLError, ValueError, IndexError, KeyError):
        return None


_FAILED = object()


def _apply(data: Any, edit: Edit, document: Document) -> None:
    """Apply an edit to the data. Raises ContractError if its path leads nowhere."""
    *parents, last = edit.path
    holder = data
    for number, step in enumerate(parents):
        following = edit.path[number + 1]
        if isinstance(edit, SetValue) and _lacks(holder, step):
            _put(holder, step, {} if isinstance(following, str) else [])
        elif _lacks(holder, step):
            raise ContractError(_no_such_value(edit.path[: number + 1], document))
        holder = _at(holder, step, edit.path[: number + 1], document)
    if isinstance(edit, SetValue):
        if _at_end(holder, last) or (isinstance(holder, dict) and isinstance(last, str)):
            _put(holder, last, copy.deepcopy(edit.value))
            return
        _at(holder, last, edit.path, document)
        holder[last] = copy.deepcopy(edit.value)
        return
    _at(holder, last, edit.path, document)
    del holder[last]


def _lacks(holder: Any, step: Step) -> bool:
    """Return whether a step can be added: a missing or empty key or item, or the item after the last."""
    if isinstance(holder, dict) and isinstance(step, str):
        return holder.get(step) is None
    if not isinstance(holder, list) or isinstance(step, str):
        return False
    return step == len(holder) or (0 <= step < len(holder) and holder[step] is None)


def _at_end(holder: Any, step: Step) -> bool:
    return isinstance(holder, list) and step == len(holder)


def _put(holder: Any, step: Step, value: Any) -> None:
    if isinstance(holder, list) and step == len(holder):
        holder.append(value)
    else:
        holder[step] = value


def _at(holder: Any, step: Step, path: Path, document: Document) -> Any:
    if isinstance(holder, dict) and isinstance(step, str) and step in holder:
        return holder[step]
    if isinstance(holder, list) and isinstance(step, int) and 0 <= step < len(holder):
        return holder[step]
    raise ContractError(_no_such_value(path, document))


def _no_such_value(path: Path, document: Document) -> Fault:
    return Fault("does not exist in the file", dotted(path), position=document.position(path))


def _too_unusual(document: Document, edits: Sequence[Edit]) -> Fault:
    written = (
        f"`{dotted(edit.path)}: {flow(edit.value)}`"
        if isinstance(edit, SetValue)
        else f"no `{dotted(edit.path)}`"
        for edit in edits
    )
    hint = f"write it by hand: {', '.join(written)}"
    return Fault(
        "the layout is too unusual to edit", "", hint, document.position(edits[0].path if edits else ())
    )


def _edited(text: str, edit: Edit, order: Order) -> str:
    if isinstance(edit, RemoveValue):
        return Splicer(text).remove(edit.path)
    present = chain(Splicer(text).root, edit.path)
    missing = edit.path[len(present) - 1 :]
    if not missing:
        return _changed(text, edit.path, read(text, "").data, edit.value)
    value = edit.value
    for step in reversed(missing[1:]):
        value = {step: value} if isinstance(step, str) else [value]
    parent, node = edit.path[: len(present) - 1], present[-1]
    if not node.children:
        return Splicer(text).replace(parent, {missing[0]: value} if isinstance(missing[0], str) else [value])
    if isinstance(missing[0], str):
        place = _place(node.keys, missing[0], order.get(parent, ()))
        return Splicer(text).insert(parent, missing[0], value, place)
    return Splicer(text).insert(parent, None, value, len(node.children))


def _place(keys: Sequence[str | None], key: str, order: Sequence[str]) -> int:
    """Return the number of the child that a new key stands before: after those that precede it in `order`."""
    earlier = order[: order.index(key)] if key in order else ()
    return next((keys.index(each) + 1 for each in reversed(earlier) if each in keys), len(keys))


def _changed(text: str, path: Path, data: Any, value: Any) -> str:
    """Return the text in which the value at a path, which exists, became `value` by the fewest changes."""
    for step in path:
        data = data[step]
    if data == value:
        return text
    if isinstance(data, dict) and isinstance(value, dict) and data and value:
        return _changed_mapping(text, path, data, value)
    if isinstance(data, list) and isinstance(value, list) and data and value:
        return _changed_list(text, path, data, value)
    return Splicer(text).replace(path, value)


def _changed_mapping(text: str, path: Path, data: dict, value: dict) -> str:
    root = read(text, "").data
    for key, item in value.items():
        if key in data:
            text = _changed(text, (*path, key), root, item)
        else:
            text = Splicer(text).insert(path, key, item, len(chain(Splicer(text).root, path)[-1].children))
    for key in data:
        if key not in value:
            text = Splicer(text).remove((*path, key))
    return text


def _changed_list(text: str, path: Path, data: list, value: list) -> str:
    for kind, start, end, first, last in reversed([*_opcodes(data, value)]):
        if kind == "equal":
            continue
        common = min(end - start, last - first)
        root = read(text, "").data
        for number in range(common):
            text = _changed(text, (*path, start + number), root, value[first + number])
        for _ in range(start + common, end):
            text = Splicer(text).remove((*path, start + common))
        for number in range(common, last - first):
            text = Splicer(text).insert(path, None, value[first + number], start + number)
    return text


def _opcodes(data: list, value: list) -> Iterator[tuple[str, int, int, int, int]]:
    matcher = SequenceMatcher(None, [*map(repr, data)], [*map(repr, value)], autojunk=False)
    yield from matcher.get_opcodes()
