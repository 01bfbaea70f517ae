"""Compare two structures of a Dataset: what changed, and whether it breaks consumers (BR-114, BR-115).

**additive**: a consumer that reads the earlier published columns by name still gets the same rows with the
same meaning. Additive are new columns, lookups (at most one row for a key, BR-111), mapped concepts, extra
columns, a split or folds if there were none, a column that may no longer be NULL, a later last Period,
another order.
**breaking**: everything else. That is what removes or renames something, changes a type, allows NULLs, or can
select other rows (joins, natural key, filters, Periods, resolver). It is also what moves rows between train
and eval: without a natural key, a random split of rows, or of rows without a unit, hashes the published
columns of the main table, so that another set or order of these columns gives other hashes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from dataset_assets.contract.hashed_columns import hashed_columns
from dataset_assets.contract.structure_words import (
    as_of_words,
    filter_words,
    fold_words,
    join_words,
    key_words,
    split_words,
)
from dataset_assets.text.wording import shown

Structure = Mapping[str, Any]
"""The canonical structural form of a Dataset, as `catalog/versions.py` creates it."""

Kind = Literal["first", "additive", "breaking", "same"]


@dataclass(frozen=True)
class Change:
    """One change, as a clause of a sentence."""

    text: str
    breaking: bool


@dataclass(frozen=True)
class Difference:
    """All changes between two structures, in the order of the file."""

    changes: tuple[Change, ...]

    @property
    def kind(self) -> Kind:
        """`breaking` if any change is breaking, `same` without changes, else `additive`."""
        if not self.changes:
            return "same"
        return "breaking" if any(change.breaking for change in self.changes) else "additive"

    @property
    def summary(self) -> str:
        """All changes in one sentence, breaking changes first."""
        ordered = sorted(self.changes, key=lambda change: not change.breaking)
        return "; ".join(change.text for change in ordered) or "nothing changed"


def difference(before: Structure, after: Structure) -> Difference:
    """Return the changes from one structure to another."""
    changes = tuple(_changes(before, after))
    if not changes and before != after:
        changes = (Change("the structure changed", breaking=True),)
    return Difference(changes)


def _changes(before: Structure, after: Structure) -> Iterator[Change]:
    yield from _table("the main table", before["main_table"], after["main_table"])
    yield from _lookups(before.get("lookups", []), after.get("lookups", []))
    yield from _mapping(before, after)
    yield from _extra_columns(before.get("extra_columns", []), after.get("extra_columns", []))
    yield from _split(before.get("split_config"), after.get("split_config"))
    yield from _split_key(before, after)
    key = (before.get("natural_key_columns"), after.get("natural_key_columns"))
    yield from _words("the natural key is", *map(key_words, key))
    yield from _filters(before.get("filters", {}), after.get("filters", {}))
    yield from _partitions(before.get("partitions"), after.get("partitions"))
    yield from _value("`resolver_id`", before.get("resolver_id"), after.get("resolver_id"))


def _value(what: str, before: Any, after: Any) -> Iterator[Change]:
    """Yield the changes of a value, all of them breaking."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in (*before, *(key for key in after if key not in before)):
            yield from _value(f"{what[:-1]}.{key}`", before.get(key), after.get(key))
    elif before is None or after is None:
        yield Change(f"{what} {'added' if before is None else 'removed'}", breaking=True)
    elif isinstance(before, dict | list) or isinstance(after, dict | list):
        yield Change(f"{what} changed", breaking=True)
    else:
        yield Change(f"{what} changed from {shown(before)} to {shown(after)}", breaking=True)


def _words(what: str, before: str, after: str) -> Iterator[Change]:
    """Yield a breaking change if the words differ: `what` this instead of that."""
    if before != after:
        yield Change(f"{what} {after} instead of {before}", breaking=True)


def _filters(before: Structure, after: Structure) -> Iterator[Change]:
    subjects = {
        "date_range": "the date range is",
        "product_filter": "the product filter keeps",
        "customer_filter": "the customer filter keeps",
    }
    for setting, subject in subjects.items():
        old, new = before.get(setting), after.get(setting)
        was, now = filter_words(setting, old), filter_words(setting, new)
        if was is None or now is None or (was == now and old != new):
            yield from _value(f"`filters.{setting}`", old, new)
        else:
            yield from _words(subject, was, now)
    rows = [f"{each.get('fit_on', 'all')} rows" for each in (before, after)]
    yield from _words("filters are fitted on", *rows)


def _table(what: str, before: Structure, after: Structure) -> Iterator[Change]:
    if before["name"] != after["name"]:
        yield Change(f"{what} is `{after['name']}` instead of `{before['name']}`", breaking=True)
    if before.get("bitemporal") != after.get("bitemporal"):
        yield Change(f"{what} {'became' if after.get('bitemporal') else 'is no longer'} bitemporal", True)
    for key in ("valid_from", "valid_to"):
        yield from _value(f"`{key}` of {what}", before.get(key), after.get(key))
    old, new = _by(before["columns"], "name"), _by(after["columns"], "name")
    yield from _members("column", f" of {what}", old, new)
    for name in old:
        if name in new:
            yield from _column(f"column `{name}` of {what}", old[name], new[name])


def _column(what: str, before: Structure, after: Structure) -> Iterator[Change]:
    if before["type"] != after["type"]:
        yield Change(f"{what} is {after['type']} instead of {before['type']}", breaking=True)
    nullable = after.get("nullable", True)
    if before.get("nullable", True) != nullable:
        yield Change(f"{what} may {'now' if nullable else 'no longer'} be NULL", breaking=nullable)


def _lookups(before: Sequence[Structure], after: Sequence[Structure]) -> Iterator[Change]:
    old, new = _by(before, "alias"), _by(after, "alias")
    yield from _members("lookup", "", old, new)
    for name in old:
        if name not in new:
            continue
        what = f"the lookup `{name}`"
        was, now = old[name], new[name]
        if was["target"]["type"] == now["target"]["type"] == "table":
            yield from _table(what, was["target"], now["target"])
        else:
            yield from _value(f"the target of {what}", was["target"], now["target"])
        joins = (join_words(each["join_conditions"]) for each in (was, now))
        yield from _words(f"{what} is joined on", *joins)
        yield from _words(f"{what} is read", *(as_of_words(each.get("as_of")) for each in (was, now)))


def _mapping(before: Structure, after: Structure) -> Iterator[Change]:
    old, new = before.get("column_mapping"), after.get("column_mapping")
    if old is None or new is None:
        yield from _value("`column_mapping`", old, new)
        return
    counted = "customer_filter" in before.get("filters", {})
    for concept in (*old, *(concept for concept in new if concept not in old)):
        if concept not in old:
            # Transactions are counted by it (BR-104), so it can choose other customers.
            breaking = concept == "transaction_id" and counted
            yield Change(f"`{concept}` is mapped, to `{new[concept]}`", breaking)
        elif concept not in new:
            yield Change(f"`{concept}` is no longer mapped", breaking=True)
        else:
            yield from _words(f"`{concept}` is mapped to", f"`{old[concept]}`", f"`{new[concept]}`")


def _extra_columns(before: Sequence[str], after: Sequence[str]) -> Iterator[Change]:
    yield from _members("extra column", "", dict.fromkeys(before), dict.fromkeys(after))


def _partitions(before: Structure | None, after: Structure | None) -> Iterator[Change]:
    """Yield the changes of the Periods; a later end is additive: earlier Periods do not change."""
    if before is None or after is None:
        yield from _value("`partitions`", before, after)
        return
    for key in ("period", "start", "end"):
        old, new = before.get(key), after.get(key)
        additive = key == "end" and before["period"] == after["period"] and _is_later(old, new)
        for change in _value(f"`partitions.{key}`", old, new):
            yield Change(change.text, breaking=not additive)


def _is_later(old: str | None, new: str | None) -> bool:
    """Return whether an end is later or removed. Ids of the same notation sort as their Periods do."""
    if old is None or new is None:
        return old is not None
    return re.sub(r"\d", "0", old) == re.sub(r"\d", "0", new) and old < new


def _split(before: Structure | None, after: Structure | None) -> Iterator[Change]:
    was, now = split_words(before), split_words(after)
    yield from _folds(before, after)
    if _without_folds(before) == _without_folds(after):
        return
    if before is None and after is not None:
        yield Change(f"rows are split: {now}" if now else "`split_config` added", bool(after.get("gap_days")))
    elif after is None and before is not None:
        yield Change("rows are no longer split", breaking=True)
    elif was is None or now is None or (was == now and before != after):
        yield from _value("`split_config`", _without_folds(before), _without_folds(after))
    else:
        yield from _words("the split:", was, now)


def _without_folds(split: Structure | None) -> Structure | None:
    return split and {key: value for key, value in split.items() if key != "folds"}


def _folds(before: Structure | None, after: Structure | None) -> Iterator[Change]:
    """Yield the change of the folds: their column is an addition if there was none."""
    was, now = fold_words(before), fold_words(after)
    if was != now:
        yield Change(f"the number of folds is {now} instead of {was}", breaking=was != "none")


def _split_key(before: Structure, after: Structure) -> Iterator[Change]:
    """Yield a breaking change if a random split hashes other columns than before, so that rows move."""
    old, new = hashed_columns(before), hashed_columns(after)
    if old and new and old != new:
        hashed = ", ".join(f"`{name}`" for name in new)
        text = (
            "rows move between train and eval, because the split of a dataset without natural key hashes the "
            f"published columns of the main table, which are now {hashed} (with `natural_key_columns` rows "
            "keep their place)"
        )
        yield Change(text, breaking=True)


def _members(noun: str, where: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the removed and the added members, and a change of the order of the remaining ones."""
    for name in before:
        if name not in after:
            yield Change(f"{noun} `{name}`{where} removed", breaking=True)
    for name in after:
        if name not in before:
            yield Change(f"{noun} `{name}`{where} added", breaking=False)
    remaining = [name for name in before if name in after]
    if remaining != [name for name in after if name in before]:
        yield Change(f"{noun}s{where} in another order", breaking=False)


def _by(items: Sequence[Structure], key: str) -> dict[str, Structure]:
    return {item[key]: item for item in items}
