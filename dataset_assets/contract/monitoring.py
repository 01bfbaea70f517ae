"""What a Dataset's file asks to be watched: how old and how unlike the last ones a publication may be."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from dataset_assets.model import Age, Boolean, Integer, Model, Number, duration


class Freshness(Model):
    """The dataset fails to be fresh once its latest publication, of any Period, is older than `within`.

    `within` is a length of time: `30m`, `26h`, `7d`. A run that finds its rows unchanged makes it fresh.
    """

    within: Age

    @property
    def window(self) -> timedelta:
        """`within`."""
        return duration(self.within)


class Drift(Model):
    """How far a publication may be from the last `over` ones before a check warns, which never blocks.

    `row_count`: percent away from their mean. `split_share`: percentage points that the share of each part
    of the split may be away from its mean. `null_percent`: percentage points that the NULLs of each column
    may be away from their mean. `categories`: whether a string column with few values may have no new one,
    and lack none that all of them had; sensitive columns are left out (BR-206).

    By Period they are those of the Periods before, whenever these were published; else the earlier ones.
    """

    row_count: Annotated[Number, Field(ge=0, le=10_000)] | None = None
    split_share: Annotated[Number, Field(ge=0, le=100)] | None = None
    null_percent: Annotated[Number, Field(ge=0, le=100)] | None = None
    categories: Boolean = False
    over: Annotated[Integer, Field(ge=1, le=100)] = 7
