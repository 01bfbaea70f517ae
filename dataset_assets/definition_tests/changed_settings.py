"""Change one setting of a dataset at a time: a good test notices each of these changes."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import ValidationError

from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope, Source
from dataset_assets.text.wording import dotted

Path = tuple[str | int, ...]

_SETTINGS = ("filters", "split_config")
_ALTERNATIVES: Mapping[str, tuple[str, ...]] = {
    "cumulative_revenue_percent": ("top_revenue_percent",),
    "top_revenue_percent": ("cumulative_revenue_percent",),
    "all": ("train",),
    "train": ("all",),
    "user": ("row",),
    "product": ("row",),
    "row": ("user",),
}
"""The other values of settings that are words."""


@dataclass(frozen=True)
class ChangedDataset:
    """A dataset with one other setting, and the change in words."""

    words: str
    dataset: Dataset


def changed_datasets(scope: Scope) -> Iterator[ChangedDataset]:
    """Yield the dataset with each of its filters, splits, joins and mapped columns changed, one at a time."""
    data = scope.dataset.model_dump()
    for path, value in _changes(scope, data):
        changed = copy.deepcopy(data)
        holder: Any = changed
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = value
        try:
            dataset = Dataset.model_validate(changed)
        except ValidationError:
            continue
        yield ChangedDataset(f"{dotted(path)} {_shown(value)}", dataset)


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _changes(scope: Scope, data: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    for setting in _SETTINGS:
        for path, value in _leaves((setting,), data[setting]):
            if path[-1] == "fit_on" and not _has_fitted_filter(scope.dataset):
                continue
            yield from ((path, other) for other in _others(value))
    for concept, ref in (data["column_mapping"] or {}).items():
        if ref:
            yield from ((("column_mapping", concept), other) for other in _other_refs(scope, ref))
    for number, lookup in enumerate(scope.dataset.lookups):
        source = next(each for each in scope.lookups if each.lookup is lookup)
        for index, condition in enumerate(lookup.join_conditions):
            path = ("lookups", number, "join_conditions", index)
            for other in _other_columns(source, condition.target_column):
                yield (*path, "target_column"), other
            for other in _other_refs(scope, condition.source_column):
                yield (*path, "source_column"), other


def _has_fitted_filter(dataset: Dataset) -> bool:
    filters, by_user = dataset.filters, dataset.is_split_by("user_id")
    return bool(filters.product_filter.kept_in) or (bool(filters.customer_filter.kept_in) and not by_user)


def _leaves(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """Yield the path and the value of each setting; a list is one setting."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _leaves((*path, key), item)
    elif value is not None:
        yield path, value


def _others(value: Any) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1)
    elif isinstance(value, date):
        yield from (value + timedelta(days=1), value - timedelta(days=1))
    elif isinstance(value, list | tuple) and len(value) > 1:
        yield from ([*value[:index], *value[index + 1 :]] for index in range(len(value)))
    elif isinstance(value, str):
        yield from _ALTERNATIVES.get(value, ())


def _other_refs(scope: Scope, ref: str) -> Iterator[str]:
    """Yield a reference to another column of the same source and type, if there is one."""
    found = scope.find(ref)
    alias, _, name = ref.rpartition(".")
    if found:
        for other in _other_columns(found.source, name):
            yield f"{alias}.{other}" if alias else other


def _other_columns(source: Source, name: str) -> Iterator[str]:
    own = source.column(name)
    alike = (each.name for each in source.columns if own and each.type is own.type and each is not own)
    yield from list(alike)[:1]
