"""The setting `as_of` of a lookup: join the row that was known at the row's own time (BR-132)."""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import ConfigDict, Field

from dataset_assets.contract.system_columns import PERIOD_FROM, PERIOD_TO, VALID_FROM, VALID_TO
from dataset_assets.model import Age, ColumnRef, Identifier, Model, Text, duration


class Knowledge(StrEnum):
    """Which load of a bitemporal lookup a row reads (BR-134).

    `as_known` is the last one up to the Period of the row's time; `latest_knowledge` is the last of all.
    """

    AS_KNOWN = "as_known"
    LATEST = "latest_knowledge"


class PointInTime(Model):
    """How a lookup is joined as of the time of each row, by one of three forms.

    With `column` the lookup is a list of changes: a row reads the latest change at or before its time, unless
    that is older than `max_age`; an age of exactly `max_age` is not too old. Of changes of one key at one
    instant the one with the greatest `latest_by` counts. With `from` and `to` the lookup is a list of
    half-open intervals: a row reads the one that contains its time; NULL is an open end. With `knowledge` the
    lookup is bitemporal: a row reads what is true at its time, as one of the loads says.
    """

    model_config = ConfigDict(
        serialize_by_alias=True,
        json_schema_extra={
            "oneOf": [{"required": ["column"]}, {"required": ["from", "to"]}, {"required": ["knowledge"]}]
        },
    )

    column: Annotated[
        Identifier | None,
        Field(description="The lookup's date or timestamp from which on the row of the lookup is known."),
    ] = None
    max_age: Annotated[
        Age | None,
        Field(description="The greatest age of a row of the lookup, such as `90d`; itself not too old."),
    ] = None
    latest_by: Annotated[
        tuple[Identifier, ...],
        Field(description="Columns of the lookup: of rows of one key and instant the greatest counts."),
    ] = ()
    from_: Annotated[
        Identifier | None,
        Field(alias="from", description="The lookup's date or timestamp at which a row becomes valid."),
    ] = None
    to: Annotated[
        Identifier | None,
        Field(description="The lookup's date or timestamp at which a row ceases to be valid."),
    ] = None
    knowledge: Annotated[
        Knowledge | None,
        Field(
            description="Of a bitemporal lookup: `as_known` in the Period of the row's time, or by the "
            "`latest_knowledge`."
        ),
    ] = None
    period: Annotated[
        Text | None,
        Field(description="The grain of the Periods of a bitemporal table, such as `month`."),
    ] = None
    at: Annotated[
        ColumnRef | None,
        Field(description="The column with the time of a row; by default the mapped `timestamp`."),
    ] = None

    @property
    def oldest(self) -> timedelta | None:
        """The value of `max_age` as a timedelta; None if no age is too great."""
        return duration(self.max_age) if self.max_age else None

    @property
    def start(self) -> str | None:
        """The lookup's column with the time from which on a row of it is known."""
        return self.column or self.from_

    @property
    def columns(self) -> tuple[str, ...]:
        """The lookup's columns that the join reads, the one of `start` first."""
        loads = (PERIOD_FROM, PERIOD_TO) if self.knowledge else ()
        return tuple(name for name in (self.start, self.to, *self.latest_by, *loads) if name)

    def on_valid_time(self) -> Self:
        """Return this setting of a bitemporal lookup with the columns of the valid time as its interval."""
        return self.model_copy(update={"from_": VALID_FROM, "to": VALID_TO})
