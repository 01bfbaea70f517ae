"""The operations on published rows: what each touches, and which system columns it changes (BR-016, BR-019).

To add an operation, write one class with its settings. The SQL is the same on every engine.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator
from sqlglot import exp
from typing_extensions import override

from dataset_assets.contract.system_columns import LABELS_TYPE, SYSTEM_COLUMNS
from dataset_assets.model import Model, Text
from dataset_assets.rows.stamping import timestamp
from dataset_assets.sql.build import alias, column, text
from dataset_assets.sql.nodes import ChangedLabels, LabelsText, LabelValue
from dataset_assets.sql.where.where import Where

TOUCHED = "_touched"
"""The column that says whether a change touches a row."""
IS_THERE, IS_VISIBLE = "_is_there", "_is_visible"
"""The columns that say whether a restored row is among the present rows, and not deleted in them."""
_LABELS = "_labels"


class RowOperation(Model):
    """An operation on the rows for which `where` is true. `kind` is its name in commands and files."""

    kind: ClassVar[str]
    hides_rows: ClassVar[bool] = False
    """Whether readers no longer see the touched rows."""

    where: Text

    @abstractmethod
    def changes_row(self) -> exp.Expr:
        """Return whether a row changes by the operation: a row that is as asked for is not touched."""

    @abstractmethod
    def new_values(self) -> Mapping[str, exp.Expr]:
        """Return the new values of the system columns that change in touched rows."""

    @abstractmethod
    def settings(self) -> Mapping[str, object]:
        """Return the settings beside `where`, as plain JSON values for the record."""


class LabelRows(RowOperation):
    """Set labels, and remove labels by their keys."""

    kind: ClassVar[str] = "label"

    set: Annotated[Mapping[Text, str], Field(default_factory=dict)]
    remove: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if not (self.set or self.remove):
            raise ValueError("sets no label and removes none")
        if both := sorted(set(self.set).intersection(self.remove)):
            raise ValueError(f"sets and removes {', '.join(map(repr, both))}")
        return self

    @override
    def changes_row(self) -> exp.Expr:
        return exp.or_(*self._differences())

    def _differences(self) -> Iterator[exp.Expr]:
        for key, value in self.set.items():
            yield exp.not_(exp.NullSafeEQ(this=_label(key), expression=text(value)))
        for key in self.remove:
            yield exp.not_(_label(key).is_(exp.null()))

    @override
    def new_values(self) -> Mapping[str, exp.Expr]:
        keys = exp.Tuple(expressions=[text(key) for key in (*self.set, *self.remove)])
        labels = exp.Array(expressions=[_pair(key, value) for key, value in sorted(self.set.items())])
        added = labels if self.set else exp.cast(labels, LABELS_TYPE)
        return {_LABELS: ChangedLabels(this=column(_LABELS), keys=keys, added=added)}

    @override
    def settings(self) -> Mapping[str, object]:
        return {"set": dict(self.set), "remove": list(self.remove)}


class DeleteRows(RowOperation):
    """Mark rows as deleted. They stay in the table, and readers skip them."""

    kind: ClassVar[str] = "delete"
    hides_rows: ClassVar[bool] = True

    @override
    def changes_row(self) -> exp.Expr:
        return exp.true()

    @override
    def new_values(self) -> Mapping[str, exp.Expr]:
        return {"_deleted": exp.true()}

    @override
    def settings(self) -> Mapping[str, object]:
        return {}


def touched_rows(source: exp.Expr, operation: RowOperation, where: Where) -> exp.Select:
    """Return all rows with the column `_touched`. Deleted rows are not touched (BR-019)."""
    touched = exp.and_(exp.not_(column("_deleted")), where.condition(), operation.changes_row())
    return exp.select("*", alias(touched, TOUCHED)).from_(source.copy())


def changed_rows(rows: exp.Expr, names: Sequence[str], operation: RowOperation, now: datetime) -> exp.Select:
    """Return the rows of `touched_rows` after the operation. `names` are the published columns.

    Only the columns that the operation changes and `_updated_at` (BR-017) differ, in touched rows alone.
    """
    new = {**operation.new_values(), "_updated_at": timestamp(now)}
    system = (_changed(each.name, new.get(each.name)) for each in SYSTEM_COLUMNS)
    return exp.select(*map(column, names), *system).from_(rows)


def restored_rows(
    earlier: exp.Expr, present: exp.Expr, names: Sequence[str], now: datetime, *, same_columns: bool
) -> exp.Select:
    """Return the rows of an earlier publication, to replace the present ones, with marks.

    A row that is the same in both keeps its present `_updated_at`; each other row is `_touched`, and was
    changed `now`. `_is_there` says whether the row is among the present ones, `_is_visible` whether it is not
    deleted in them.
    """
    left, right = "earlier", "present"
    is_there = exp.not_(column("_row_id", right).is_(exp.null()))
    is_same = exp.and_(is_there, _same(names, left, right)) if same_columns else exp.false()
    updated = exp.Case().when(is_same, column("_updated_at", right)).else_(timestamp(now))
    system = (
        alias(updated if each.name == "_updated_at" else column(each.name, left), each.name)
        for each in SYSTEM_COLUMNS
    )
    is_visible = exp.and_(is_there.copy(), exp.not_(column("_deleted", right)))
    marks = {TOUCHED: exp.not_(exp.paren(is_same.copy())), IS_THERE: is_there.copy(), IS_VISIBLE: is_visible}
    rows = exp.select(
        *(column(name, left) for name in names),
        *system,
        *(alias(mark, name) for name, mark in marks.items()),
    ).from_(exp.alias_(earlier.copy(), left, table=True))
    joined = exp.alias_(present.copy(), right, table=True)
    on = exp.EQ(this=column("_row_id", left), expression=column("_row_id", right))
    return rows.join(joined, on=on, join_type="left")


def without_marks(rows: exp.Expr, names: Sequence[str]) -> exp.Select:
    """Return the rows of `restored_rows` as they are published."""
    return exp.select(*map(column, names), *(column(each.name) for each in SYSTEM_COLUMNS)).from_(rows)


def _same(names: Sequence[str], left: str, right: str) -> exp.Expr:
    """Return whether content, labels and deletion of a row are the same on both sides of a join."""
    compared = (*names, "_deleted")
    same: list[exp.Expr] = [
        exp.NullSafeEQ(this=column(name, left), expression=column(name, right)) for name in compared
    ]
    return exp.and_(*same, exp.EQ(this=_labels_text(left), expression=_labels_text(right)))


def _changed(name: str, new: exp.Expr | None) -> exp.Expr:
    if new is None:
        return column(name)
    return alias(exp.Case().when(column(TOUCHED), new).else_(column(name)), name)


def _labels_text(rows: str) -> exp.Expr:
    return LabelsText(this=column(_LABELS, rows))


def _label(key: str) -> exp.Expr:
    return LabelValue(this=column(_LABELS), key=text(key))


def _pair(key: str, value: str) -> exp.Expr:
    named = (("key", key), ("value", value))
    fields = [exp.PropertyEQ(this=exp.to_identifier(name), expression=text(each)) for name, each in named]
    return exp.Struct(expressions=fields)
