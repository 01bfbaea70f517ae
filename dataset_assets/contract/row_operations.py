"""The operations on published rows: what each touches, and which system columns it changes (BR-016, BR-019).

A class holds the settings of an operation and its SQL, which is the same on every engine. To add an
operation, write one class, and add it to the steps of a Project in `contract/project.py`.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator
from sqlglot import exp
from typing_extensions import override

from dataset_assets.contract.system_columns import LABELS_TYPE
from dataset_assets.model import Model, Text
from dataset_assets.sql.build import column, text
from dataset_assets.sql.nodes import ChangedLabels, LabelValue
from dataset_assets.text.wording import shown

_LABELS = "_labels"
_PERIOD = "_period"


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

    @property
    @abstractmethod
    def words(self) -> str:
        """The operation in words, without its condition: `set checked = 'yes'`."""


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

    @property
    @override
    def words(self) -> str:
        parts = [f"set {key} = {shown(value)}" for key, value in self.set.items()]
        return ", ".join([*parts, *(f"remove {key}" for key in self.remove)])


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

    @property
    @override
    def words(self) -> str:
        return "delete"


class ReperiodRows(RowOperation):
    """Move rows to another Period of their dataset (BR-018)."""

    kind: ClassVar[str] = "reperiod"

    to: Text

    @override
    def changes_row(self) -> exp.Expr:
        return exp.not_(exp.NullSafeEQ(this=column(_PERIOD), expression=text(self.to)))

    @override
    def new_values(self) -> Mapping[str, exp.Expr]:
        return {_PERIOD: text(self.to)}

    @override
    def settings(self) -> Mapping[str, object]:
        return {"to": self.to}

    @property
    @override
    def words(self) -> str:
        return f"move to {self.to}"


def _label(key: str) -> exp.Expr:
    return LabelValue(this=column(_LABELS), key=text(key))


def _pair(key: str, value: str) -> exp.Expr:
    named = (("key", key), ("value", value))
    fields = [exp.PropertyEQ(this=exp.to_identifier(name), expression=text(each)) for name, each in named]
    return exp.Struct(expressions=fields)
