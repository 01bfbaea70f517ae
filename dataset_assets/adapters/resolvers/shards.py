"""Tables of BigQuery that are stored by Period, one table for each: `events_20260131` and so on."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from dataset_assets.adapters.bigquery.names import table
from dataset_assets.adapters.resolvers.by_period import parsed
from dataset_assets.periods.calendar import Cadence
from dataset_assets.periods.period import Period
from dataset_assets.sql.build import column, text

_ID = re.compile(r"([A-Z]*\d{4})([QWM]?\d{1,2})(\d\d)?")


@dataclass(frozen=True)
class Shards:
    """The tables `<prefix><id of a Period without its dashes>` of one dataset."""

    project: str
    dataset: str
    prefix: str
    cadence: Cadence

    def present(self, names: Iterable[str]) -> dict[str, Period]:
        """The Periods that there are tables of. Names that are no Period are somebody else's tables."""
        found = {}
        for name in names:
            suffix = name.removeprefix(self.prefix)
            for candidate in _dashed(suffix) if name.startswith(self.prefix) else ():
                period = parsed(self.cadence, candidate)
                if period and _suffix(period) == suffix:
                    found[period.id] = period
        return found

    def table(self, period: Period) -> exp.Table:
        """The table of a Period."""
        return table(self.project, self.dataset, self.prefix + _suffix(period))

    def rows(self, periods: Sequence[Period]) -> exp.Expr:
        """All rows of these Periods: only their tables are read, and billed."""
        wanted = exp.In(
            this=column("_TABLE_SUFFIX"), expressions=[text(_suffix(period)) for period in periods]
        )
        every = table(self.project, self.dataset, f"{self.prefix}*")
        return exp.select("*").from_(every).where(wanted).subquery()


def _suffix(period: Period) -> str:
    return period.id.replace("-", "")


def _dashed(suffix: str) -> Iterator[str]:
    """Where the dashes of an id may have been: after the year, and between month and day."""
    yield suffix
    if found := _ID.fullmatch(suffix):
        yield "-".join(part for part in found.groups() if part)
