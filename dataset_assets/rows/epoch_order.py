"""The order of rows in an epoch of training: as they are stored, or shuffled by a seed.

A shuffled row's place follows from the MD5 of seed, epoch and `_row_id` alone (docs/decisions/0051). Rows are
counted by part, so that a range of positions is read without the rows before it: a part is one publication of
the stored order, or all shuffled rows whose hash has the same first digits.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, count
from typing import Any

from sqlglot import exp

from dataset_assets.sql.build import alias, alias_table, column, number, text
from dataset_assets.sql.nodes import Joined

ROW_ID = "_row_id"
PART, ROWS = "_part", "_row_count"
"""The columns of the query that counts the rows of each part."""
KEY = "_shuffle_key"
"""The column by which shuffled rows have to be sorted, beside those that are read."""
_DIGITS = 3
PARTS = 16**_DIGITS
"""Parts of shuffled rows, by the first digits of their hash: a range begins and ends within one."""


@dataclass(frozen=True)
class PartRange:
    """A range of positions: `take` rows of the parts `first` to `last`, after `skip` rows of `first`."""

    first: int
    last: int
    skip: int
    take: int


@dataclass(frozen=True)
class EpochOrder:
    """The order of the rows that `queries` select, one query for each publication.

    Without a `seed` the publications follow each other, each by the columns `order` and its row ids. Each
    query selects `columns`, `order` and `_row_id`; `columns` are read.
    """

    queries: tuple[exp.Query, ...]
    columns: tuple[str, ...]
    order: tuple[str, ...] = ()
    seed: int | None = None
    epoch: int = 0

    def counts(self) -> list[exp.Query]:
        """Return the queries that count the rows of each part; a part can be in the result of several."""
        if self.seed is None:
            numbered = dict(zip(map(id, self.queries), map(str, count()), strict=False))
            return [
                _union([_counted(each, numbered[id(each)]) for each in group])
                for group in _statements(self.queries)
            ]
        part = exp.Substring(this=self._key, start=number(1), length=number(_DIGITS))
        return [
            exp.select(column(PART), _count())
            .from_(alias_table(exp.select(alias(part, PART)).from_(_rows_of(group)).subquery(), "parts"))
            .group_by(PART)
            for group in _statements(self.queries)
        ]

    def sizes(self, counted: Iterable[Mapping[str, Any]]) -> list[int]:
        """Return the number of rows of all parts in order; `counted` are the rows of all `counts`."""
        found: Counter[str] = Counter()
        for row in counted:
            found[row[PART]] += int(row[ROWS])
        names = map(str, range(len(self.queries))) if self.seed is None else map(part_digits, range(PARTS))
        return [found[name] for name in names]

    def ranges(self, sizes: list[int], start: int, stop: int) -> Iterator[PartRange]:
        """Yield the ranges of the positions `start` to `stop` - 1, one for each query that reads them."""
        ends = list(accumulate(sizes))
        begins = [end - size for end, size in zip(ends, sizes, strict=True)]
        touched = [place for place, end in enumerate(ends) if max(begins[place], start) < min(end, stop)]
        if self.seed is not None and touched:
            yield PartRange(touched[0], touched[-1], start - begins[touched[0]], stop - start)
            return
        for place in touched:
            skip = max(start - begins[place], 0)
            yield PartRange(place, place, skip, min(stop, ends[place]) - begins[place] - skip)

    def rows(self, parts: PartRange) -> list[exp.Query]:
        """Return the queries of all rows of these parts: one in order, or shuffled rows with their `KEY`."""
        if self.seed is None:
            return [self._stored(parts.first)]
        return [self._shuffled(group, parts) for group in _statements(self.queries)]

    def no_rows(self) -> exp.Query:
        """Return a query with the columns and no rows, for their types."""
        return exp.select(*map(column, self.columns)).from_(_rows_of(self.queries[-1:])).limit(0)

    def _stored(self, place: int) -> exp.Query:
        rows = alias_table(self.queries[place].subquery(), "published")
        query = exp.select(*map(column, self.columns)).from_(rows)
        return query.order_by(*_ordered((*self.order, ROW_ID)))

    def _shuffled(self, queries: Sequence[exp.Query], parts: PartRange) -> exp.Query:
        """Return the rows of some consecutive parts with their hash.

        They are not sorted: BigQuery would sort them in one place, and DuckDB's sort of many texts does not
        keep to a memory limit.
        """
        keyed = exp.select(*map(column, self.columns), alias(self._key, KEY)).from_(_rows_of(queries))
        query = exp.select(*map(column, (*self.columns, KEY))).from_(
            alias_table(keyed.subquery(), "shuffled")
        )
        if parts.first > 0:
            query = query.where(exp.GTE(this=column(KEY), expression=text(part_digits(parts.first))))
        if parts.last < PARTS - 1:
            query = query.where(exp.LT(this=column(KEY), expression=text(part_digits(parts.last + 1))))
        return query

    @property
    def _key(self) -> exp.Expr:
        """The hash by which rows are sorted; row ids are unique, and so are their hashes."""
        return exp.MD5(this=Joined(expressions=[text(f"{self.seed}:{self.epoch}:"), column(ROW_ID)]))


def _statements(queries: Sequence[exp.Query]) -> list[list[exp.Query]]:
    """Group queries that one statement can read: BigQuery reads a table as of one time in a statement."""
    groups: dict[str, list[exp.Query]] = {}
    for each in queries:
        times = sorted({version.sql() for version in each.find_all(exp.Version)})
        groups.setdefault(" ".join(times), []).append(each)
    return list(groups.values())


def _rows_of(queries: Sequence[exp.Query]) -> exp.Expr:
    return alias_table(_union(queries).subquery(), "published")


def _union(queries: Sequence[exp.Query]) -> exp.Query:
    copies = [each.copy() for each in queries]
    return copies[0] if len(copies) == 1 else exp.union(*copies, distinct=False, copy=False)


def _counted(query: exp.Query, part: str) -> exp.Query:
    return exp.select(alias(text(part), PART), _count()).from_(alias_table(query.subquery(), "published"))


def _count() -> exp.Expr:
    return alias(exp.Count(this=exp.Star()), ROWS)


def _ordered(names: tuple[str, ...]) -> list[exp.Expr]:
    return [exp.Ordered(this=column(name), nulls_first=True) for name in dict.fromkeys(names)]


def part_digits(place: int) -> str:
    """Return the first digits of the hashes of a part of shuffled rows."""
    return f"{place:0{_DIGITS}x}"
