"""Find the smallest edits that give a file another definition, so that comments of the rest stay.

A value stays as the file writes it if both definitions mean the same by it: a default that is written out, or
a number in another notation, is no change. Items of lists are known by their names.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataset_assets.catalog.catalog import Entry
from dataset_assets.catalog.rules import ROOT
from dataset_assets.contract.model import Dataset
from dataset_assets.yaml.edits import Edit, Path, RemoveValue, SetValue

_NAMES = ("name", "alias", "source_column")


@dataclass(frozen=True)
class _Value:
    """A value as a file writes it, and what it means: the built value, with its defaults, as JSON."""

    written: Any
    meaning: Any

    def at(self, step: str | int) -> "_Value":
        return _Value(_item(self.written, step), _item(self.meaning, step))


def definition_edits(path: Path, entry: Entry, wanted: Mapping[str, Any], built: Dataset) -> list[Edit]:
    """Return the edits of the value at a path, the root of a file, that give it the wanted data.

    `built` is what the wanted data means.
    """
    written = entry.document.data[ROOT] if entry.document else {}
    means = entry.dataset.model_dump(mode="json") if entry.dataset else None
    if means is not None and written.get("id") is None:
        means["id"] = None  # it is that of the lock
    return [*_edits(path, _Value(written, means), _Value(wanted, built.model_dump(mode="json")))]


def file_value(value: Any) -> Any:
    """Return a value of JSON as a file's reader returns it: every scalar as text, nulls left out."""
    match value:
        case bool():
            return "true" if value else "false"
        case Mapping():
            items = {str(key): file_value(each) for key, each in value.items()}
            return {key: each for key, each in items.items() if each is not None}
        case list() | tuple():
            return [file_value(each) for each in value]
        case None:
            return None
    return str(value)


def _edits(path: Path, old: _Value, new: _Value) -> Iterator[Edit]:
    if old.written == new.written or (old.meaning is not None and old.meaning == new.meaning):
        return
    if isinstance(old.written, dict) and isinstance(new.written, dict) and old.written and new.written:
        yield from _mapping(path, old, new)
    elif isinstance(old.written, list) and isinstance(new.written, list) and old.written and new.written:
        yield from _list(path, old, new)
    else:
        yield SetValue(path, new.written)


def _mapping(path: Path, old: _Value, new: _Value) -> Iterator[Edit]:
    for key in new.written:
        if key in old.written:
            yield from _edits((*path, key), old.at(key), new.at(key))
        elif not _is_same(old, new, key):
            yield SetValue((*path, key), new.written[key])
    for key in old.written:
        if key not in new.written and not _is_same(old, new, key):
            yield RemoveValue((*path, key))


def _is_same(old: _Value, new: _Value, key: str) -> bool:
    """Return whether both mean the same by a key, which one of them leaves out."""
    meaning = old.at(key).meaning
    return meaning is not None and meaning == new.at(key).meaning


def _list(path: Path, old: _Value, new: _Value) -> Iterator[Edit]:
    """Yield the edits of a list: items that are gone, items that changed, then new ones and the order."""
    before, after = _names(old.written), _names(new.written)
    if not (before and after and set(before) & set(after)):
        yield SetValue(path, new.written)
        return
    kept = [name for name in before if name in after]
    for number in reversed(range(len(before))):
        if before[number] not in after:
            yield RemoveValue((*path, number))
    present: dict[str, Any] = {}
    for number, name in enumerate(kept):
        one, other = old.at(before.index(name)), new.at(after.index(name))
        yield from _edits((*path, number), one, other)
        present[name] = _merged(one, other)
    if after != kept:
        items = [present.get(name, new.written[number]) for number, name in enumerate(after)]
        yield SetValue(path, items)


def _merged(old: _Value, new: _Value) -> Any:
    """Return what the file has at a value after the edits."""
    if old.meaning is not None and old.meaning == new.meaning:
        return old.written
    if not (isinstance(old.written, dict) and isinstance(new.written, dict) and old.written):
        return new.written
    kept = {
        key: _merged(old.at(key), new.at(key)) if key in new.written else old.written[key]
        for key in old.written
        if key in new.written or _is_same(old, new, key)
    }
    added = {
        key: value
        for key, value in new.written.items()
        if key not in old.written and not _is_same(old, new, key)
    }
    return kept | added


def _names(items: Sequence[Any]) -> list[str]:
    """Return the names of a list's items, if each has one of its own; else none."""
    names = [_name(item) for item in items]
    return [*filter(None, names)] if all(names) and len(set(names)) == len(names) else []


def _name(item: Any) -> str | None:
    if not isinstance(item, dict):
        return None
    target = item.get("target")
    named = next((item[key] for key in _NAMES if isinstance(item.get(key), str)), None)
    return named or (target.get("name") or target.get("id") if isinstance(target, dict) else None)


def _item(value: Any, step: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None
