"""Row identity in SQL: new rows get ids, the others keep theirs (BR-117).

Nothing here reads a clock or goes through Python rows; the same CTEs run on every engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlglot import exp

from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS, Stamp
from dataset_assets.rows.encoding import row_text
from dataset_assets.rows.stamping import constants, instant, row_id
from dataset_assets.sql.build import (
    CTE,
    alias,
    alias_table,
    all_before,
    column,
    number,
    table,
    text,
)
from dataset_assets.sql.internal_names import NO_NAMES, Names


@dataclass(frozen=True)
class EarlierRows:
    """The rows that are there now: what stands in FROM, and the published columns that it has.

    Without `has_key` the key of today may be there more than once: it was not the key then.
    """

    source: exp.Expr
    columns: tuple[ColumnDef, ...]
    has_key: bool = True


@dataclass(frozen=True)
class Identity:
    """How the rows of a dataset are told apart and put in order.

    `key` is the natural key, empty where the Dataset has none; `order` the mapped timestamp's output column;
    `names` are the internal names that are free beside those of the query that selects the rows.
    """

    columns: tuple[ColumnDef, ...]
    key: tuple[str, ...]
    order: str | None
    names: Names = NO_NAMES

    def named(self, wanted: str) -> str:
        """The name of a CTE: the wanted one, or one that is free."""
        return self._names.free(wanted)

    @cached_property
    def _names(self) -> Names:
        return self.names.and_beside(each.name for each in self.columns)

    def definitions(self, names: Sequence[str]) -> list[ColumnDef]:
        """The published columns of these names."""
        by_name = {definition.name.lower(): definition for definition in self.columns}
        return [by_name[name.lower()] for name in names]

    @property
    def identity_columns(self) -> list[ColumnDef]:
        """The columns that tell rows apart: the natural key, or without one all of them."""
        return self.definitions(self.key) if self.key else list(self.columns)


def row_metadata(
    rows: str, identity: Identity, stamp: Stamp, before: EarlierRows | None, *, bucketed: bool
) -> tuple[CTE, ...]:
    """CTEs that give every row of the CTE `rows` its system columns; the last one holds the result.

    `before` is the publication that this one replaces: a row that is in it (same natural key; without one,
    same content and occurrence) keeps its id, `_created_at`, lineage, `_labels` and `_deleted`, and its
    `_updated_at` unless its content changed. `bucketed` is what the dialect says of its sorting.
    """
    if before is None or not _comparable(identity, before):
        numbered = _numbered(rows, identity, bucketed)
        return (*numbered, CTE(identity.named("published_rows"), _new_rows(identity, stamp)))
    added_rows = identity.named("added")
    added = exp.select(*_names(identity)).from_(table(identity.named("compared")))
    both = exp.union(_kept_rows(identity, stamp), _new_rows(identity, stamp), distinct=False)
    return (
        *_compared(rows, identity, before),
        CTE(added_rows, added.where(column("_row_id").is_(exp.null()))),
        *_numbered(added_rows, identity, bucketed),
        CTE(identity.named("published_rows"), both),
    )


def _names(identity: Identity, source: str | None = None) -> list[exp.Expr]:
    return [column(definition.name, source) for definition in identity.columns]


def _comparable(identity: Identity, before: EarlierRows) -> bool:
    """Rows can be found again only by columns that the publication before has, as the same type."""
    old = {definition.name.lower(): definition.type for definition in before.columns}
    return all(
        old.get(definition.name.lower()) is definition.type for definition in identity.identity_columns
    )


def _bucket(identity: Identity) -> exp.Expr:
    """Ahead of everything else in the order of rows: the day; without a timestamp, a slice of a hash."""
    if identity.order is None:
        key = exp.MD5(this=_key_text(identity.identity_columns))
        return exp.Substring(this=key, start=number(1), length=number(2))
    day = exp.cast(column(identity.order), "DATE")
    return exp.Coalesce(this=day, expressions=[exp.cast(text("0001-01-01"), "DATE")])


def _numbered(rows: str, identity: Identity, bucketed: bool) -> tuple[CTE, ...]:
    """`numbered`: the rows with a number from 0, in a total order (BR-117).

    An engine that would sort in one place (`bucketed`) sorts bucket by bucket and adds the sizes of the
    buckets before: the numbers are the same.
    """
    first = identity.definitions([identity.order]) if identity.order else []
    by = [column(d.name) for d in first + [each for each in identity.identity_columns if each not in first]]
    numbered = identity.named("numbered")
    if not bucketed:
        order = by if first else [_bucket(identity), *by]
        at_once = exp.select(*_names(identity), exp.alias_(_place(order), "_number"))
        return (CTE(numbered, at_once.from_(table(rows))),)
    bucketed_rows, sizes = identity.named("bucketed"), identity.named("bucket_sizes")
    with_bucket = exp.select(*_names(identity), exp.alias_(_bucket(identity), "_bucket")).from_(table(rows))
    place = _place(by, within=column("_bucket", bucketed_rows))
    total = exp.Add(this=column("_before", sizes), expression=place)
    shown = (*_names(identity, bucketed_rows), exp.alias_(total, "_number"))
    joined = exp.select(*shown).from_(table(bucketed_rows))
    return (
        CTE(bucketed_rows, with_bucket),
        CTE(sizes, _bucket_sizes(bucketed_rows)),
        CTE(numbered, joined.join(table(sizes), on=_equal("_bucket", bucketed_rows, sizes))),
    )


def _place(by: Sequence[exp.Expr], within: exp.Expr | None = None) -> exp.Expr:
    """A row's place from 0 in this order."""
    order = exp.Order(expressions=[exp.Ordered(this=each, nulls_first=True) for each in by])
    place = exp.Window(this=exp.RowNumber(), partition_by=[within] if within else None, order=order)
    return exp.Sub(this=place, expression=number(1))


def _bucket_sizes(bucketed_rows: str) -> exp.Select:
    """For each bucket of the CTE `bucketed_rows`, how many rows are in the buckets before it."""
    before = exp.Window(
        this=exp.Sum(this=exp.Count(this=exp.Star())),
        order=exp.Order(expressions=[exp.Ordered(this=column("_bucket"), nulls_first=True)]),
        spec=all_before(),
    )
    size = exp.cast(exp.Coalesce(this=before, expressions=[number(0)]), "BIGINT")
    sizes = exp.select(column("_bucket"), exp.alias_(size, "_before")).from_(table(bucketed_rows))
    return sizes.group_by(column("_bucket"))


def _new_rows(identity: Identity, stamp: Stamp) -> exp.Select:
    """The numbered rows with ids and constants."""
    values = {**constants(stamp), "_row_id": row_id(stamp)}
    made = (exp.alias_(values[system.name], system.name) for system in SYSTEM_COLUMNS)
    return exp.select(*_names(identity), *made).from_(table(identity.named("numbered")))


def _compared(rows: str, identity: Identity, before: EarlierRows) -> tuple[CTE, ...]:
    """Every row beside the row it was before, if it was there, and whether its content changed."""
    sides = present, previous = identity.named("present"), identity.named("previous")
    new = exp.select(*_names(identity)).from_(table(rows))
    old = _previous(identity, before)
    if identity.key:
        old = old if before.has_key else _once(old, identity)
        same = [_same(definition, *sides) for definition in identity.identity_columns]
    else:
        new = _counted(new, identity, None)
        old = _counted(old, identity, column("_row_id"))
        same = [_equal(name, *sides) for name in ("_content", "_occurrence")]
    compared = exp.select(
        *_names(identity, present),
        *(column(system.name, previous) for system in SYSTEM_COLUMNS),
        exp.alias_(_changed(identity, before), "_changed"),
    )
    compared = compared.from_(table(present)).join(table(previous), on=exp.and_(*same), join_type="left")
    return CTE(present, new), CTE(previous, old), CTE(identity.named("compared"), compared)


def _previous(identity: Identity, before: EarlierRows) -> exp.Select:
    """The columns of today that the publication before has, and its system columns.

    A table that is called like one of the columns gets an alias: GoogleSQL would read its whole row.
    """
    names, source = {definition.name.lower() for definition in before.columns}, before.source
    if isinstance(source, exp.Table) and identity.named(source.name) != source.name:
        source = alias_table(source, identity.named("previous_rows"))
    known = (column(d.name) for d in identity.columns if d.name.lower() in names)
    return exp.select(*known, *(column(system.name) for system in SYSTEM_COLUMNS)).from_(source.copy())


def _once(rows: exp.Select, identity: Identity) -> exp.Select:
    """The rows whose key is there once: of several nobody can say which one a row of today was.

    GoogleSQL takes QUALIFY only beside another clause that filters.
    """
    key = [column(definition.name) for definition in identity.identity_columns]
    times = exp.Window(this=exp.Count(this=exp.Star()), partition_by=key)
    return rows.where(exp.true()).qualify(exp.EQ(this=times, expression=number(1)))


def _counted(rows: exp.Select, identity: Identity, order: exp.Expr | None) -> exp.Select:
    """Rows with a hash of their content and how often it came before: what tells them apart without a key."""
    content = exp.MD5(this=_key_text(identity.identity_columns))
    occurrence = exp.Window(
        this=exp.RowNumber(),
        partition_by=[content.copy()],
        order=exp.Order(expressions=[exp.Ordered(this=order or content.copy(), nulls_first=True)]),
    )
    return rows.select(exp.alias_(content, "_content"), exp.alias_(occurrence, "_occurrence"))


def _same(definition: ColumnDef, left: str, right: str) -> exp.Expr:
    """Equality that holds for NULLs too, in a form that every engine can hash."""
    if not definition.nullable:
        return _equal(definition.name, left, right)
    sides = (row_text([(column(definition.name, side), definition.type)]) for side in (left, right))
    return exp.EQ(this=next(sides), expression=next(sides))


def _equal(name: str, left: str, right: str) -> exp.Expr:
    return exp.EQ(this=column(name, left), expression=column(name, right))


def _changed(identity: Identity, before: EarlierRows) -> exp.Expr:
    """Whether any column is not what it was; always, when the columns themselves changed."""
    if [(d.name, d.type) for d in identity.columns] != [(d.name, d.type) for d in before.columns]:
        return exp.true()
    keys = {name.lower() for name in identity.key}
    content = [d.name for d in identity.columns if d.name.lower() not in keys] if keys else []
    present, previous = identity.named("present"), identity.named("previous")
    same = [exp.NullSafeEQ(this=column(name, present), expression=column(name, previous)) for name in content]
    return exp.not_(exp.and_(*same)) if same else exp.false()


def _kept_rows(identity: Identity, stamp: Stamp) -> exp.Select:
    updated = exp.Case().when(column("_changed"), instant(stamp)).else_(column("_updated_at"))
    kept = (alias(updated if s.name == "_updated_at" else column(s.name), s.name) for s in SYSTEM_COLUMNS)
    query = exp.select(*_names(identity), *kept)
    return query.from_(table(identity.named("compared"))).where(exp.not_(column("_row_id").is_(exp.null())))


def _key_text(definitions: Sequence[ColumnDef]) -> exp.Expr:
    return row_text([(column(definition.name), definition.type) for definition in definitions])
