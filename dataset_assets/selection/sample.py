"""The share of a dataset's rows that `materialize --sample` selects, and `--empty` (BR-138).

A row is in the sample if the hash of its user, or of its key if there is no user, is below a threshold. So a
sample has the same rows each time, keeps its rows when others are appended, and is part of each greater
sample. A seed of its own makes it independent of a random split.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from sqlglot import exp

from dataset_assets.errors import Fault, UnsupportedError
from dataset_assets.selection.hash_buckets import bucket, is_below
from dataset_assets.text.wording import shown

_SHARE = re.compile(r"(0|[1-9][0-9]{0,2})(\.[0-9]{1,4})?%")
_HINT = "write a percentage above 0 and up to 100 with at most four decimal places, such as 1% or 0.5%"


@dataclass(frozen=True)
class Sample:
    """A share of the rows in percent; zero selects none."""

    percent: Decimal

    @classmethod
    def parse(cls, share: str) -> "Sample":
        """Parse a share such as `1%`. Raises UnsupportedError if it is none, or not above 0 and up to 100."""
        if not _SHARE.fullmatch(share):
            raise UnsupportedError(Fault(f"{shown(share)} is not a share of the rows", hint=_HINT))
        percent = Decimal(share.removesuffix("%")).normalize()
        if percent == 0:
            message = f"a sample of {shown(share)} has no rows"
            raise UnsupportedError(Fault(message, hint="say --empty to check a dataset without rows"))
        if percent > 100:
            raise UnsupportedError(Fault(f"a sample of {shown(share)} is more than all rows", hint=_HINT))
        return cls(percent)

    @property
    def is_empty(self) -> bool:
        """Whether no row is selected."""
        return self.percent == 0

    def contains(self, key: exp.Expr) -> exp.Expr | None:
        """Return whether the row with the text `key` is in the sample; None if every row is."""
        if self.percent == 100:
            return None
        return is_below(bucket("sample:", key), self.percent)

    def __str__(self) -> str:
        return f"{self.percent:f}%"


EMPTY = Sample(Decimal(0))
"""The sample without rows of `materialize --empty`."""
