"""The model of a definition test's file: rows of the sources, and the rows that the dataset selects."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from dataset_assets.model import YEARS, Instant, Model, Text

ROOT = "test"

GivenRow = dict[Text, str | None]
"""A row of a test's file: column to its value as text; None is NULL."""

ROW_CHECKS = ("lookups_unique", "not_null", "natural_key_unique", "split_unit_not_null")
"""The checks of this library that a test can expect to fail: they need nothing but a few rows."""


def _year_in_range(instant: Instant) -> Instant:
    if instant.year not in YEARS:
        raise ValueError(f"is not within the years {YEARS[0]} to {YEARS[-1]}; use an instant that is")
    return instant


class DefinitionTest(Model):
    """A test of a dataset: the `given` rows of its sources, and the rows or the failed check that it expects.

    A source without given rows is empty. `partition` or `as_of` decides what the selection looks back from.
    """

    description: str = ""
    partition: Text | None = None
    as_of: Annotated[Instant, AfterValidator(_year_in_range)] | None = None
    given: Annotated[
        dict[Text, tuple[GivenRow, ...]],
        Field(description="Rows by the table's name, the lookup's alias, or the nested dataset's file name."),
    ] = {}
    expect: Annotated[
        tuple[GivenRow, ...] | None,
        Field(description="The selected rows in any order: all published columns or some of them."),
    ] = None
    expect_failure: Annotated[
        Text | None,
        Field(description="The check that fails on the rows: a quality rule, or a check of rows."),
    ] = None

    @model_validator(mode="after")
    def _expects_one_thing(self) -> Self:
        if (self.expect is None) == (self.expect_failure is None):
            raise ValueError("must have `expect` or `expect_failure`, and not both")
        return self
