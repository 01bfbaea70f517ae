"""Compare two sets of rows in one query that returns counts and a few examples, and no other row.

The rows are paired by identity: a natural key, a row id or, without either, their whole content.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from dataset_assets.cached_property import cached_property
from dataset_assets.contract.model import ColumnType
from dataset_assets.rows.encoding import row_text
from dataset_assets.sql.build import CTE, assemble, column, equal, number, table, text
from dataset_assets.sql.nodes import FirstBy, Joined

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
_STATE, _TIMES, _ORDER, _HERE = "row_state", "row_times", "row_order", "row_here"
_BEFORE, _AFTER, _DIFFERENT = "rows_before", "rows_after", "differences"


@dataclass(frozen=True)
class ComparedField:
    """A column of both sets of rows. `shown` is whether its values may be in examples."""

    name: str
    type: ColumnType
    nullable: bool = True
    identifies: bool = False
    shown: bool = True


@dataclass(frozen=True)
class RowDifference:
    """The difference of two queries that select the columns `fields`, in this order, as `v0`, `v1`, ...

    If no field identifies rows, equal rows are counted on both sides instead of paired; then rows are added
    or removed but never changed. `examples` is the number of examples of each kind and column.
    """

    before: exp.Query
    after: exp.Query
    fields: Sequence[ComparedField]
    examples: int = 3

    @cached_property
    def query(self) -> exp.Query:
        """The query: a row for each state with its count, the changes by column, and examples."""
        different = self._paired() if self._key else self._counted()
        counted = exp.Cast(this=exp.Sum(this=column(_TIMES)), to=exp.DataType.build("BIGINT"))
        final = exp.select(column(_STATE), exp.alias_(counted, "row_count"))
        examples = FirstBy(this=self._pair(self._places), key=column(_ORDER), count=number(self.examples))
        final = final.select(exp.alias_(examples, "examples"))
        for place in self._content if self._key else ():
            final = final.select(
                exp.alias_(exp.Sum(this=self._flag(place)), f"changed_{place}"),
                exp.alias_(self._column_examples(place), f"examples_{place}"),
            )
        final = final.from_(table(_DIFFERENT)).group_by(column(_STATE))
        ctes = (CTE(_BEFORE, self.before), CTE(_AFTER, self.after), CTE(_DIFFERENT, different))
        return assemble(ctes, final)

    @property
    def _places(self) -> range:
        return range(len(self.fields))

    @cached_property
    def _key(self) -> list[int]:
        return [place for place in self._places if self.fields[place].identifies]

    @cached_property
    def _content(self) -> list[int]:
        return [place for place in self._places if not self.fields[place].identifies]

    def _paired(self) -> exp.Select:
        """Return the pairs of a full join of both sides that differ, with a NULL side if it has no row."""
        b, a = (_with_presence(name).subquery(side) for name, side in ((_BEFORE, "b"), (_AFTER, "a")))
        values = [exp.alias_(column(f"v{n}", side), f"{side}{n}") for side in "ba" for n in self._places]
        missing = {side: column(_HERE, side).is_(exp.null()) for side in "ba"}
        state = exp.Case().when(missing["b"], text(ADDED)).when(missing["a"], text(REMOVED))
        differs = (self._differs(n, "b.", "a.") for n in self._content)
        query = exp.select(
            exp.alias_(state.else_(text(CHANGED)), _STATE),
            exp.alias_(number(1), _TIMES),
            exp.alias_(self._key_of_pair(), _ORDER),
            *values,
        )
        on = exp.and_(*(self._same(n) for n in self._key))
        is_different = exp.or_(missing["b"].copy(), missing["a"].copy(), *differs)
        return query.from_(b).join(a, on=on, join_type="full").where(is_different)

    def _key_of_pair(self) -> exp.Expr:
        """Return the key of a pair as a text, from the side that has a row."""
        return row_text(
            [
                (
                    exp.Coalesce(this=column(f"v{n}", "b"), expressions=[column(f"v{n}", "a")]),
                    self.fields[n].type,
                )
                for n in self._key
            ]
        )

    def _counted(self) -> exp.Select:
        """Return each content that the sides do not have equally often, and by how much."""
        shown = [column(f"v{n}") for n in self._places]
        sides = [
            exp.select(*(each.copy() for each in shown), exp.alias_(number(sign), _HERE)).from_(table(name))
            for name, sign in ((_BEFORE, -1), (_AFTER, 1))
        ]
        total = exp.Sum(this=column(_HERE))
        totals = exp.select(*shown, exp.alias_(total, _TIMES)).from_(
            exp.union(*sides, distinct=False).subquery("both_sides")
        )
        totals = totals.group_by(*(each.copy() for each in shown))
        is_added = exp.GT(this=column(_TIMES), expression=number(0))
        state = exp.Case().when(is_added, text(ADDED)).else_(text(REMOVED))
        values = [exp.alias_(column(f"v{n}"), f"{side}{n}") for side in "ba" for n in self._places]
        order = row_text([(column(f"v{n}"), self.fields[n].type) for n in self._places])
        query = exp.select(
            exp.alias_(state, _STATE),
            exp.alias_(exp.Abs(this=column(_TIMES)), _TIMES),
            exp.alias_(order, _ORDER),
            *values,
        )
        differ = exp.NEQ(this=column(_TIMES), expression=number(0))
        return query.from_(totals.subquery("totals")).where(differ)

    def _same(self, place: int) -> exp.Expr:
        """Return the equality of a key column on both sides, which a hash join can use; NULLs are equal."""
        field, name = self.fields[place], f"v{place}"
        if not field.nullable:
            return equal(name, "b", "a")
        sides = (row_text([(column(name, side), field.type)]) for side in "ba")
        return exp.EQ(this=next(sides), expression=next(sides))

    def _differs(self, place: int, before: str, after: str) -> exp.Expr:
        """Return whether a column differs; `b.` and `a.` name sides of the join, `b` and `a` its columns."""
        left, right = (
            column(f"v{place}", side[0]) if side.endswith(".") else column(f"{side}{place}")
            for side in (before, after)
        )
        form = exp.NullSafeNEQ if self.fields[place].nullable else exp.NEQ
        return form(this=left, expression=right)

    def _flag(self, place: int) -> exp.Expr:
        return exp.Case().when(self._differs(place, "b", "a"), number(1)).else_(number(0))

    def _column_examples(self, place: int) -> exp.Expr:
        """Return pairs in which the column differs, if there are enough of them; those are in front."""
        first = exp.Case().when(self._differs(place, "b", "a"), text("0")).else_(text("1"))
        order = Joined(expressions=[first, column(_ORDER)])
        return FirstBy(this=self._pair([*self._key, place]), key=order, count=number(self.examples))

    def _pair(self, places: Sequence[int] | range) -> exp.Expr:
        """Return the values of both sides as a struct, without those that may not be shown."""
        return exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.to_identifier(f"{side}{n}"), expression=column(f"{side}{n}"))
                for n in places
                for side in "ba"
                if self.fields[n].shown
            ]
            or [exp.PropertyEQ(this=exp.to_identifier("nothing"), expression=number(0))]
        )

    def read(self, rows: Sequence[Mapping[str, Any]]) -> "CountedDifference":
        """Return the answer of the query in plain values."""
        states = {row[_STATE]: row for row in rows}
        changed = states.get(CHANGED, {})
        return CountedDifference(
            counts={state: int(row["row_count"]) for state, row in states.items()},
            examples={
                state: [self._values(each) for each in row["examples"]] for state, row in states.items()
            },
            changes={n: int(changed[f"changed_{n}"]) for n in self._content if changed},
            column_examples={
                n: [self._values(each) for each in changed[f"examples_{n}"]][: int(changed[f"changed_{n}"])]
                for n in self._content
                if changed
            },
        )

    def _values(self, pair: Mapping[str, Any]) -> "Pair":
        before, after = (
            {self.fields[n].name: pair[f"{side}{n}"] for n in self._places if f"{side}{n}" in pair}
            for side in "ba"
        )
        return before, after


Pair = tuple[dict[str, Any], dict[str, Any]]
"""The values of a row before and after, by column."""


@dataclass(frozen=True)
class CountedDifference:
    """The rows of each state, the changed rows by the place of a field, and examples of both."""

    counts: Mapping[str, int]
    examples: Mapping[str, Sequence[Pair]]
    changes: Mapping[int, int]
    column_examples: Mapping[int, Sequence[Pair]]


def _with_presence(name: str) -> exp.Select:
    """Return all columns of a side, and one that is NULL only where a full join finds no row of it."""
    return exp.select("*", exp.alias_(exp.true(), _HERE)).from_(table(name))
