"""Which published rows and columns to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypedDict

from pydantic import TypeAdapter
from typing_extensions import Unpack

from dataset_assets.errors import Fault, ResolveError, UnsupportedError, raise_all
from dataset_assets.ports.warehouse import Publication
from dataset_assets.rows.where_types import recorded_where_types
from dataset_assets.selection.split_config import SplitConfig
from dataset_assets.selection.splits import NAMES, Split
from dataset_assets.sql.where.where import Where, parse_where
from dataset_assets.text.wording import listed, nearest, shown


@dataclass(frozen=True)
class RowSelection:
    """Which published rows and columns to read. The fields are the parameters of `read_arrow`."""

    name: str
    partition: str | None = None
    version: int | None = None
    split: str | None = None
    columns: tuple[str, ...] = ()
    limit: int | None = None
    with_system: bool = False
    where: str | None = None
    include_deleted: bool = False
    valid_at: datetime | str | None = None
    known_in: str | None = None
    history: bool = False
    sample: str | None = None


def column_list(text: str | None) -> tuple[str, ...]:
    """Return the names in a text that separates them by commas; none without a text."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else ()


class ReadOptions(TypedDict, total=False):
    """Which rows and columns of a dataset to read: these parameters of `read_arrow`, which describes them."""

    partition: str | None
    version: int | None
    split: str | None
    where: str | None
    columns: Sequence[str] | None
    with_system: bool
    include_deleted: bool
    valid_at: datetime | str | None
    known_in: str | None
    history: bool


def selection_of(name: str, **options: Unpack[ReadOptions]) -> RowSelection:
    """Return the selection that these options of `read_arrow` describe.

    Raises UnsupportedError for another option, such as `limit` and `sample`.
    """
    others = [each for each in options if each not in ReadOptions.__annotations__]
    raise_all(
        UnsupportedError, (Fault(f"{each} has no meaning here", hint="leave it out") for each in others)
    )
    columns = tuple(options.get("columns") or ())
    fields: dict[str, Any] = {**options, "columns": columns}
    return RowSelection(name, **fields)


def chosen_columns(
    publication: Publication, selection: RowSelection, shown: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return the names of the columns to read, in their order. Raises ResolveError for an unknown one.

    `shown` are the system columns that are read in any case, unless the selection names its columns.
    """
    published = [each.name for each in publication.relation.columns]
    declared = [each["name"] for each in publication.record["columns"]]
    users = sorted((each for each in published if not each.startswith("_")), key=_position_in(declared))
    system = [each for each in published if each.startswith("_")]
    if not selection.columns:
        return (*users, *(each for each in system if selection.with_system or each in shown))
    named = named_columns(selection, published)
    return (*named, *(each for each in system if selection.with_system and each not in named))


def named_columns(selection: RowSelection, published: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that the selection names, each once. Raises ResolveError for an unknown one."""
    unknown = (_unknown_column(name, published) for name in selection.columns if name not in published)
    raise_all(ResolveError, unknown)
    return tuple(dict.fromkeys(selection.columns))


def _position_in(names: Sequence[str]) -> Any:
    """Return a sort key: the position of a name in `names`; names that are not in it are last."""
    positions = {name: position for position, name in enumerate(names)}
    return lambda name: positions.get(name, len(positions))


def _unknown_column(name: str, published: Sequence[str]) -> Fault:
    meant = nearest(name, published)
    listed = ", ".join(each for each in published if not each.startswith("_"))
    hint = f"did you mean {meant!r}?" if meant else f"it has: {listed}"
    return Fault(f"there is no published column {shown(name)}", hint=hint)


def split_names(publications: Sequence[Publication]) -> tuple[str, ...]:
    """Return the names of all splits that some of the publications have, in the order of their values."""
    configs = [config for each in publications if (config := _split_config(each))]
    return tuple(name for value, name in NAMES.items() if any(value in each.values for each in configs))


def unsplit_periods(publications: Sequence[Publication]) -> tuple[str, ...]:
    """Return the Periods whose rows are not split; "all" for the publication of an unpartitioned dataset."""
    return tuple(each.period or "all" for each in publications if _split_config(each) is None)


def check_all_are_split(dataset: str, splits: Sequence[str], unsplit: Sequence[str]) -> None:
    """Raise ResolveError if some Periods are split and others are not: their rows belong to no split."""
    if splits and unsplit:
        message = f"{dataset} has Periods that are not split: {listed(unsplit, 6)}"
        hint = "publish them again with the split, or choose one Period or one split"
        raise ResolveError(Fault(message, hint=hint))


def split_value(publications: Sequence[Publication], name: str | None) -> int | None:
    """Return the value of a split by its name; None without one.

    Raises ResolveError for a name that no publication has.
    """
    if name is None:
        return None
    newest_first = [*reversed(publications)]
    having = (each for each in newest_first if name in split_names([each]))
    chosen = next(having, newest_first[0])
    return split_value_of(chosen.dataset, _split_config(chosen), name)


def _split_config(publication: Publication) -> Split | None:
    config = publication.record["definition"].get("split_config")
    return None if config is None else _split_adapter().validate_python(config)


@cache
def _split_adapter() -> "TypeAdapter[Split]":
    """Return what validates a `split_config` alone: there is one for each of hundreds of Periods."""
    return TypeAdapter(SplitConfig)


def split_value_of(dataset: str, config: Split | None, name: str | None) -> int | None:
    """Return the value of a split by its name; None without one. Raises ResolveError for an unknown name."""
    if name is None:
        return None
    values = {NAMES[value]: value for value in config.values} if config else {}
    if name not in values:
        hint = f"it has {', '.join(values)}" if values else "it is not split"
        raise ResolveError(Fault(f"{dataset} has no split {shown(name)}", hint=hint))
    return values[name]


def parsed_where(publication: Publication, text: str | None) -> Where | None:
    """Return the condition that the rows have to satisfy; None without one.

    Raises WhereError with all faults of the text.
    """
    if text is None:
        return None
    published = {each.name for each in publication.relation.columns}
    types = recorded_where_types(publication.record)
    return parse_where(text, {name: kind for name, kind in types.items() if name in published})
