"""Assign row ids in SQL: new rows get ids, rows that were published before keep theirs (BR-117).

No clock is read and no row passes through Python; the same CTEs run on every engine.
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
    """The rows of the previous publication: an expression for FROM, and its published columns.

    `has_key` says whether today's natural key is unique in these rows: the key may have been
    another one at that time.
    """

    source: exp.Expr
    columns: tuple[ColumnDef, ...]
    has_key: bool = True


@dataclass(frozen=True)
class Identity:
    """The columns that identify and order the rows of a dataset.

    `key` is the natural key, empty if the dataset has none; `order` is the published column of the timestamp;
    `names` generates internal names that the query that selects the rows does not use.
    """

    columns: tuple[ColumnDef, ...]
    key: tuple[str, ...]
    order: str | None
    names: Names = NO_NAMES

    def named(self, wanted: str) -> str:
        """Return a name for a CTE: the wanted one, or a similar one if it is in use."""
        return self._names.free(wanted)

    @cached_property
    def _names(self) -> Names:
        return self.names.and_beside(each.name for each in self.columns)

    def definitions(self, names: Sequence[str]) -> list[ColumnDef]:
        """Return the published columns of these names."""
        by_name = {definition.name.lower(): definition for definition in self.columns}
        return [by_name[name.lower()] for name in names]

    @property
    def identity_columns(self) -> list[ColumnDef]:
        """The columns that identify a row: the natural key, or all columns if there is none."""
        return self.definitions(self.key) if self.key else list(self.columns)


def row_metadata(
    rows: str, identity: Identity, stamp: Stamp, before: EarlierRows | None, *, bucketed: bool
) -> tuple[CTE, ...]:
    """Return CTEs that add the system columns to the rows of the CTE `rows`; the last one holds the result.

    `before` is the publication that is replaced. A row that is in it (same natural key; without one, same
    content and occurrence) keeps its id, `_created_at`, lineage, `_labels` and `_deleted`, and its
    `_updated_at` unless its content changed. `bucketed` numbers rows bucket by bucket, for an engine that
    would sort all rows in one place.
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
    """Return whether the previous publication has every identity column with its type of today."""
    old = {definition.name.lower(): definition.type for definition in before.columns}
    return all(
        old.get(definition.name.lower()) is definition.type for definition in identity.identity_columns
    )


def _bucket(identity: Identity) -> exp.Expr:
    """Return the first sort key of rows: the day, or without a timestamp a slice of a hash."""
    if identity.order is None:
        key = exp.MD5(this=_key_text(identity.identity_columns))
        return exp.Substring(this=key, start=number(1), length=number(2))
    day = exp.cast(column(identity.order), "DATE")
    return exp.Coalesce(this=day, expressions=[exp.cast(text("0001-01-01"), "DATE")])


def _numbered(rows: str, identity: Identity, bucketed: bool) -> tuple[CTE, ...]:
    """Return CTEs that number the rows from 0 in a total order (BR-117); the last is `numbered`.

    With `bucketed` the rows are sorted in each bucket, and the sizes of the preceding buckets are added: the
    numbers are the same.
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
    """Return a row's number from 0 in this order."""
    order = exp.Order(expressions=[exp.Ordered(this=each, nulls_first=True) for each in by])
    place = exp.Window(this=exp.RowNumber(), partition_by=[within] if within else None, order=order)
    return exp.Sub(this=place, expression=number(1))


def _bucket_sizes(bucketed_rows: str) -> exp.Select:
    """Return the number of rows in all preceding buckets, for each bucket of the CTE `bucketed_rows`."""
    before = exp.Window(
        this=exp.Sum(this=exp.Count(this=exp.Star())),
        order=exp.Order(expressions=[exp.Ordered(this=column("_bucket"), nulls_first=True)]),
        spec=all_before(),
    )
    size = exp.cast(exp.Coalesce(this=before, expressions=[number(0)]), "BIGINT")
    sizes = exp.select(column("_bucket"), exp.alias_(size, "_before")).from_(table(bucketed_rows))
    return sizes.group_by(column("_bucket"))


def _new_rows(identity: Identity, stamp: Stamp) -> exp.Select:
    """Return the numbered rows with new ids and the values that all new rows share."""
    values = {**constants(stamp), "_row_id": row_id(stamp)}
    made = (exp.alias_(values[system.name], system.name) for system in SYSTEM_COLUMNS)
    return exp.select(*_names(identity), *made).from_(table(identity.named("numbered")))


def _compared(rows: str, identity: Identity, before: EarlierRows) -> tuple[CTE, ...]:
    """Return CTEs that join each row with its previous version, and flag changed content."""
    sides = present, previous = identity.named("present"), identity.named("previous")
    new = exp.select(*_names(identity)).from_(table(rows))
    old = _previous(identity, before)
    if identity.key:
        old = old if before.has_key else _with_unique_key(old, identity)
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
    """Return the previous publication's columns that are published today, and its system columns.

    A table with the name of one of its columns gets an alias, because GoogleSQL would read that name as its
    whole row.
    """
    names, source = {definition.name.lower() for definition in before.columns}, before.source
    if isinstance(source, exp.Table) and identity.named(source.name) != source.name:
        source = alias_table(source, identity.named("previous_rows"))
    kept = (column(d.name) for d in identity.columns if d.name.lower() in names)
    return exp.select(*kept, *(column(system.name) for system in SYSTEM_COLUMNS)).from_(source.copy())


def _with_unique_key(rows: exp.Select, identity: Identity) -> exp.Select:
    """Return only the rows whose key occurs once; duplicates cannot be assigned to today's rows.

    GoogleSQL accepts QUALIFY only beside another clause that filters.
    """
    key = [column(definition.name) for definition in identity.identity_columns]
    times = exp.Window(this=exp.Count(this=exp.Star()), partition_by=key)
    return rows.where(exp.true()).qualify(exp.EQ(this=times, expression=number(1)))


def _counted(rows: exp.Select, identity: Identity, order: exp.Expr | None) -> exp.Select:
    """Add a hash of each row's content and its occurrence: they identify rows without a natural key."""
    content = exp.MD5(this=_key_text(identity.identity_columns))
    occurrence = exp.Window(
        this=exp.RowNumber(),
        partition_by=[content.copy()],
        order=exp.Order(expressions=[exp.Ordered(this=order or content.copy(), nulls_first=True)]),
    )
    return rows.select(exp.alias_(content, "_content"), exp.alias_(occurrence, "_occurrence"))


def _same(definition: ColumnDef, left: str, right: str) -> exp.Expr:
    """Return an equality that also holds for NULLs, in a form that every engine can use in a hash join."""
    if not definition.nullable:
        return _equal(definition.name, left, right)
    sides = (row_text([(column(definition.name, side), definition.type)]) for side in (left, right))
    return exp.EQ(this=next(sides), expression=next(sides))


def _equal(name: str, left: str, right: str) -> exp.Expr:
    return exp.EQ(this=column(name, left), expression=column(name, right))


def _changed(identity: Identity, before: EarlierRows) -> exp.Expr:
    """Return whether the content of a row changed; always true if the columns themselves changed."""
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
