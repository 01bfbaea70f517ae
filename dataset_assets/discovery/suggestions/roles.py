"""Suggest which table is the main one, and how the others are joined as lookups."""

from collections.abc import Iterator, Sequence

from dataset_assets.contract.model import JoinCondition
from dataset_assets.discovery.suggestions import vocabulary as words_of
from dataset_assets.discovery.suggestions.facts import Facts, percent_text
from dataset_assets.discovery.suggestions.relations import Join, JoinFinder
from dataset_assets.discovery.suggestions.suggestion import (
    Confidence,
    LookupSuggestion,
    Suggestions,
    TableRole,
)


def suggest_tables(facts: Facts, suggestions: Suggestions) -> Suggestions:
    """Suggest the role of every table, and the lookups in the order in which they can be joined."""
    finder = JoinFinder(facts)
    main = _main_table(facts, finder)
    joined = dict(_joined(facts, finder, main.table))
    roles = [main]
    for each in facts.descriptions:
        if each.table == main.table:
            continue
        lookup = joined.get(each.table)
        if lookup:
            roles.append(
                TableRole(table=each.table, role="lookup", reason=lookup.reason, confidence=lookup.confidence)
            )
            continue
        reason = finder.rejected.get(
            (main.table, each.table), f"no column of `{main.table}` fits a key of it"
        )
        roles.append(TableRole(table=each.table, role="unused", reason=reason, confidence=Confidence.MEDIUM))
        suggestions = suggestions.without(each.table, reason)
    if finder.exhausted:
        reason = f"no more than {finder.measured:,} pairs of columns were measured: choose fewer tables"
        suggestions = suggestions.without("lookups", reason)
    return suggestions.model_copy(update={"tables": tuple(roles), "lookups": tuple(joined.values())})


def _main_table(facts: Facts, finder: JoinFinder) -> TableRole:
    """Return the table of the events: the one that refers to the others, with a time, and with most rows."""
    names = [each.table for each in facts.descriptions]
    if facts.main:
        return TableRole(
            table=facts.main, role="main", reason="chosen by a person", confidence=Confidence.HIGH
        )
    if len(names) == 1:
        return TableRole(
            table=names[0], role="main", reason="it is the only table", confidence=Confidence.HIGH
        )
    points = {name: _points(facts, finder, name, names) for name in names}
    ranked = sorted(names, key=lambda name: (points[name], facts.table(name).row_count or 0), reverse=True)
    best, second = ranked[:2]
    sure = points[best] > points[second] and _has_most_rows(facts, best)
    return TableRole(
        table=best,
        role="main",
        reason=_why_main(facts, finder, best, names),
        confidence=Confidence.HIGH if sure else Confidence.MEDIUM,
    )


def _points(facts: Facts, finder: JoinFinder, name: str, names: Sequence[str]) -> int:
    """Return the points of a table: for each table that its rows lead to, and for times, users and products.

    The lines of orders lead to the orders and to everything that these lead to, so that they have more points
    than the orders themselves.
    """
    reached = [name]
    for source in reached:
        reached += (other for other in names if other not in reached and finder.join(source, other))
    columns = [column for table in reached for column in facts.columns(table)]
    own = [column for column in columns if column.table == name]
    users = any(each.can_identify and each.named.head in words_of.USER for each in own)
    products = any(each.can_identify and each.named.head in words_of.PRODUCT for each in own)
    time = 2 * any(each.is_time for each in own) or any(each.is_time for each in columns)
    return 3 * (len(reached) - 1) + time + users + products


def _has_most_rows(facts: Facts, name: str) -> bool:
    rows = facts.table(name).row_count or 0
    return all(rows >= (each.row_count or 0) for each in facts.descriptions)


def _why_main(facts: Facts, finder: JoinFinder, name: str, names: Sequence[str]) -> str:
    others = [other for other in names if other != name and finder.join(name, other)]
    times = [each.name for each in facts.columns(name) if each.is_time]
    parts = [f"{facts.table(name).row_count or 0:,} rows"]
    if times:
        parts.append(f"a time (`{times[0]}`)")
    if others:
        *before, last = (f"`{other}`" for other in others)
        parts.append(f"references to {' and '.join(filter(None, (', '.join(before), last)))}")
    return f"it has {', '.join(parts)}"


def _joined(facts: Facts, finder: JoinFinder, main: str) -> Iterator[tuple[str, LookupSuggestion]]:
    """Yield each lookup, first those that the main table refers to, then those that these refer to.

    Joins by values alone come last: they are measured only for tables that no name leads to.
    """
    waiting = [each.table for each in facts.descriptions if each.table != main]
    sources = [main]
    for find in (finder.join, finder.join_by_values):
        for source in sources:
            for target in list(waiting):
                join = find(source, target)
                if join:
                    waiting.remove(target)
                    sources.append(target)
                    yield target, _lookup(facts, join, main)


def _lookup(facts: Facts, join: Join, main: str) -> LookupSuggestion:
    prefix = "" if join.source == main else f"{join.source}."
    names = " and ".join(f"`{right}`" for _, right in join.pairs)
    rows = facts.table(join.source).row_count or 0
    unique = f"each {names} of {join.key_rows:,} rows is there once"
    if join.coverage is None:
        found = "the share of rows with a match was not measured, because the tables are in different stores"
    else:
        found = f"{percent_text(join.coverage)} of the {rows:,} rows of `{join.source}` have a match"
    named = "" if join.by_name else "; the names of the columns differ, only their values agree"
    sure = join.by_name and join.coverage is not None and join.coverage >= 50
    return LookupSuggestion(
        table=join.target,
        alias=join.target,
        join_conditions=tuple(
            JoinCondition(source_column=f"{prefix}{left}", target_column=right) for left, right in join.pairs
        ),
        coverage_percent=None if join.coverage is None else round(join.coverage, 2),
        reason=f"{unique}, and {found}{named}",
        confidence=Confidence.HIGH if sure else Confidence.MEDIUM,
    )
