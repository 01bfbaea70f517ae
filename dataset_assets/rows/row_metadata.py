"""Assign row ids in SQL: new rows get ids, rows that were published before keep theirs (BR-117).

No clock is read and no row passes through Python; the same CTEs run on every engine.
"""

from sqlglot import exp

from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS, Stamp
from dataset_assets.rows.encoding import row_text
from dataset_assets.rows.identity import EarlierRows, Identity, column_names, key_text
from dataset_assets.rows.numbering import numbered_rows
from dataset_assets.rows.stamping import constants, instant, row_id
from dataset_assets.sql.build import (
    CTE,
    alias,
    alias_table,
    column,
    equal,
    number,
    table,
)


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
        numbered = numbered_rows(rows, identity, bucketed)
        return (*numbered, CTE(identity.named("published_rows"), _new_rows(identity, stamp)))
    added_rows = identity.named("added")
    added = exp.select(*column_names(identity)).from_(table(identity.named("compared")))
    both = exp.union(_kept_rows(identity, stamp), _new_rows(identity, stamp), distinct=False)
    return (
        *_compared(rows, identity, before),
        CTE(added_rows, added.where(column("_row_id").is_(exp.null()))),
        *numbered_rows(added_rows, identity, bucketed),
        CTE(identity.named("published_rows"), both),
    )


def _comparable(identity: Identity, before: EarlierRows) -> bool:
    """Return whether the previous publication has every identity column with its type of today."""
    old = {definition.name.lower(): definition.type for definition in before.columns}
    return all(
        old.get(definition.name.lower()) is definition.type for definition in identity.identity_columns
    )


def _new_rows(identity: Identity, stamp: Stamp) -> exp.Select:
    """Return the numbered rows with new ids and the values that all new rows share."""
    values = {**constants(stamp), "_row_id": row_id(stamp)}
    made = (exp.alias_(values[system.name], system.name) for system in SYSTEM_COLUMNS)
    return exp.select(*column_names(identity), *made).from_(table(identity.named("numbered")))


def _compared(rows: str, identity: Identity, before: EarlierRows) -> tuple[CTE, ...]:
    """Return CTEs that join each row with its previous version, and flag changed content."""
    sides = present, previous = identity.named("present"), identity.named("previous")
    new = exp.select(*column_names(identity)).from_(table(rows))
    old = _previous(identity, before)
    if identity.key:
        old = old if before.has_key else _with_unique_key(old, identity)
        same = [_same(definition, *sides) for definition in identity.identity_columns]
    else:
        new = _counted(new, identity, None)
        old = _counted(old, identity, column("_row_id"))
        same = [equal(name, *sides) for name in ("_content", "_occurrence")]
    compared = exp.select(
        *column_names(identity, present),
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
    content = exp.MD5(this=key_text(identity.identity_columns))
    occurrence = exp.Window(
        this=exp.RowNumber(),
        partition_by=[content.copy()],
        order=exp.Order(expressions=[exp.Ordered(this=order or content.copy(), nulls_first=True)]),
    )
    return rows.select(exp.alias_(content, "_content"), exp.alias_(occurrence, "_occurrence"))


def _same(definition: ColumnDef, left: str, right: str) -> exp.Expr:
    """Return an equality that also holds for NULLs, in a form that every engine can use in a hash join."""
    if not definition.nullable:
        return equal(definition.name, left, right)
    sides = (row_text([(column(definition.name, side), definition.type)]) for side in (left, right))
    return exp.EQ(this=next(sides), expression=next(sides))


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
    query = exp.select(*column_names(identity), *kept)
    return query.from_(table(identity.named("compared"))).where(exp.not_(column("_row_id").is_(exp.null())))
