"""Name and read the date shards of BigQuery: one table for each Period, `events_20260131` and so on."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeVar

from sqlglot import exp

from dataset_assets.adapters.bigquery.names import table
from dataset_assets.adapters.resolvers.by_period import PERIOD, parse_period
from dataset_assets.model import is_identifier
from dataset_assets.periods.cadence import Cadence
from dataset_assets.periods.period import Period
from dataset_assets.ports.resolver import StoredTable
from dataset_assets.sql.build import column, text

_ID = re.compile(r"([A-Z]*\d{4})([QWM]?\d{1,2})(\d\d)?")
_T = TypeVar("_T")
_CONCURRENT_REQUESTS = 8
"""Number of requests at the same time: a table can have many shards, each with metadata of its own."""

_BY_DAY = re.compile(r"(?P<prefix>.*[^0-9])(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")
"""Matches the name of a shard of one day, as BigQuery itself names shards."""


def stored_tables(dataset: str, names: Iterable[str], covered: Iterable[str]) -> list[StoredTable]:
    """Return the tables of a BigQuery dataset `project.dataset`, each once; shards are one table.

    `covered` are patterns of paths that the target's `tables` name already.
    """
    patterns, found = tuple(covered), dict[StoredTable, None]()
    for name in sorted(names):
        if not any(fnmatchcase(f"{dataset}.{name}", pattern) for pattern in patterns):
            location = shard_location(name) or ("" if is_identifier(name) else name)
            found[StoredTable(location or name, location)] = None
    return list(found)


def shard_location(name: str) -> str:
    """Return the location of the sharded table that a table is the shard of one day of; empty if of none."""
    found = _BY_DAY.fullmatch(name)
    return f"{found['prefix']}{PERIOD}" if found else ""


@dataclass(frozen=True)
class Shards:
    """The sharded table `<prefix><id of a Period without its dashes>` of one BigQuery dataset."""

    project: str
    dataset: str
    prefix: str
    cadence: Cadence

    def present(self, names: Iterable[str]) -> dict[str, Period]:
        """Return the Periods that have a shard among `names`, by id. Other tables' names are ignored."""
        found = {}
        for name in names:
            suffix = name.removeprefix(self.prefix)
            for candidate in _dashed(suffix) if name.startswith(self.prefix) else ():
                period = parse_period(self.cadence, candidate)
                if period and _suffix(period) == suffix:
                    found[period.id] = period
        return found

    def table(self, period: Period) -> exp.Table:
        """Return the table of a Period."""
        return table(self.project, self.dataset, self.prefix + _suffix(period))

    def rows(self, periods: Sequence[Period]) -> exp.Expr:
        """Return all rows of these Periods as a FROM item; only their tables are read and billed."""
        wanted = exp.In(
            this=column("_TABLE_SUFFIX"), expressions=[text(_suffix(period)) for period in periods]
        )
        every = table(self.project, self.dataset, f"{self.prefix}*")
        return exp.select("*").from_(every).where(wanted).subquery()


def _suffix(period: Period) -> str:
    return period.id.replace("-", "")


def _dashed(suffix: str) -> Iterator[str]:
    """Yield the ids that a suffix can mean, with dashes after the year and between month and day."""
    yield suffix
    if found := _ID.fullmatch(suffix):
        yield "-".join(part for part in found.groups() if part)


def concurrently(get: Callable[[exp.Table], _T], tables: Iterable[exp.Table]) -> list[_T]:
    """Return the answer to one request for each table, in order; several requests run at a time."""
    with ThreadPoolExecutor(_CONCURRENT_REQUESTS) as pool:
        return list(pool.map(get, tables))
