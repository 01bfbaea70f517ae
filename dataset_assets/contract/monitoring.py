"""Settings of the freshness check and the drift check of a dataset's publications."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from dataset_assets.model import Age, Boolean, Integer, Model, Number, duration


class Freshness(Model):
    """The freshness check fails if the latest publication, of any Period, is older than `within`.

    `within` is a length of time: `30m`, `26h`, `7d`. A run that finds unchanged rows counts as a publication.
    """

    within: Age

    @property
    def window(self) -> timedelta:
        """The value of `within` as a timedelta."""
        return duration(self.within)


class Drift(Model):
    """The limits on the difference between a publication and the last `over` ones.

    A check warns if a limit is exceeded; it never blocks. `row_count` is a percentage of the mean.
    `split_share` limits the share of each part of the split, and `null_percent` the share of NULLs in each
    column, both in percentage points from the mean. With `categories: true` a string column with few values
    must have no new value and must not lack a value that all compared publications had; sensitive columns are
    left out (BR-206).

    A publication of a Period is compared with those of the Periods before it, whenever they were published;
    without Periods it is compared with the earlier publications.
    """

    row_count: Annotated[Number, Field(ge=0, le=10_000)] | None = None
    split_share: Annotated[Number, Field(ge=0, le=100)] | None = None
    null_percent: Annotated[Number, Field(ge=0, le=100)] | None = None
    categories: Boolean = False
    over: Annotated[Integer, Field(ge=1, le=100)] = 7
