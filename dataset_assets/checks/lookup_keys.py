"""Check before the join that each lookup has at most one row for a key (BR-111).

A lookup with `as_of` has at most one for a key and an instant instead (BR-132).
"""

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from dataset_assets.checks.duplicate_keys import SAMPLE, duplicate_keys, first_key
from dataset_assets.checks.results import CheckResult
from dataset_assets.compiler.bitemporal_join import AsKnownJoin
from dataset_assets.compiler.lookup_joins import point_in_time
from dataset_assets.compiler.point_in_time import PointInTimeJoin
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.typing import as_declared
from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.scope import Source
from dataset_assets.contract.system_columns import PERIOD_FROM, PERIOD_TO
from dataset_assets.errors import PeriodError
from dataset_assets.periods.cadence import Cadence
from dataset_assets.ports.engine import Session
from dataset_assets.sql.build import alias, alias_table, column

LOOKUPS_UNIQUE = "lookups_unique"


def lookups_unique(inputs: SelectionInput, session: Session) -> CheckResult:
    """Check that each lookup has at most one row for a key, or with `as_of` for a key and an instant."""
    problems, metadata, hints = [], {}, []
    for lookup in inputs.scope.lookups:
        join = point_in_time(inputs, lookup)
        words, hint, (count, sample) = _repeated(inputs, lookup, join, session)
        if count:
            problems.append(f"lookup {lookup.name} has {count:,} {words}, such as {first_key(sample)}")
            metadata[lookup.name] = {"count": count, "sample": sample}
            hints.append(hint)
    message = "every lookup has at most one row for a key"
    if problems:
        message = "; ".join((*problems, *dict.fromkeys(hints)))
    return CheckResult(LOOKUPS_UNIQUE, not problems, True, message, metadata)


def _repeated(
    inputs: SelectionInput, lookup: Source, join: PointInTimeJoin | None, session: Session
) -> tuple[str, str, tuple[int, list[dict[str, Any]]]]:
    """Return what is wrong with the keys that are counted, the hint, and their number and sample."""
    found = {target.column.name: target.column for _, target in inputs.joins(lookup)}
    if join is None:
        keys = _duplicates(inputs, lookup, found, found, session)
        return "keys more than once", "make it unique, or add a join condition", keys
    if isinstance(join, AsKnownJoin):
        unknown = _unknown_periods(join, session)
        if unknown[0]:
            words = f"ids of Periods that '{join.cadence.name}' does not have"
            return words, "name the grain by which the table was loaded: `as_of: {period: …}`", unknown
        words = "keys with rows that are true and known at one time"
        hint = "join it on every column of its key, so that one row at a time is true and known"
        return words, hint, _overlaps_as_known(join, found, session)
    if join.is_interval:
        words = "keys with intervals that overlap"
        return words, "let each interval end where the next one begins", _overlaps(join, found, session)
    times = {name: inputs.own(lookup, name).column for name in join.as_of.columns}
    start = {name: times[name] for name in join.as_of.columns[:1]}
    keys = _duplicates(inputs, lookup, {**found, **times}, {**found, **start}, session)
    by = "another column in `latest_by`" if join.as_of.latest_by else "`latest_by`"
    return "keys more than once at one time", f"make it unique, or say by {by} which row counts", keys


def _duplicates(
    inputs: SelectionInput,
    lookup: Source,
    keys: Mapping[str, ColumnDef],
    matching: Mapping[str, ColumnDef],
    session: Session,
) -> tuple[int, list[dict[str, Any]]]:
    """Return the keys with more rows than one; a row with NULL in one of `matching` matches no row."""
    relation, free = inputs.relations[lookup.name], inputs.names.free
    read = [exp.alias_(as_declared(lookup, relation, each, lookup.name), name) for name, each in keys.items()]
    rows = exp.select(*read).from_(alias_table(relation.source, lookup.name)).subquery(free("lookup_rows"))
    known = exp.and_(*(exp.not_(column(name).is_(exp.null())) for name in matching))
    source = exp.select("*").from_(rows).where(known).subquery(free("lookup_keys"))
    return duplicate_keys(session, source, [*map(column, keys)], _sensitive(keys), inputs.names)


def _overlaps(
    join: PointInTimeJoin, keys: Mapping[str, ColumnDef], session: Session
) -> tuple[int, list[dict[str, Any]]]:
    """Return the keys with intervals that overlap the next one of the key.

    Of intervals that overlap each other at least one overlaps the next one.
    """
    free, start, end = join.inputs.names.free, column(join.start_name), join.end
    order = [exp.Ordered(this=start, nulls_first=True), exp.Ordered(this=end, nulls_first=False)]
    following = exp.Window(
        this=exp.Lead(this=start.copy()),
        partition_by=[*map(column, keys)],
        order=exp.Order(expressions=order),
    )
    ordered = exp.select("*", exp.alias_(following, free("next_start")))
    ordered = ordered.from_(join.history().subquery(free("history")))
    ordered = ordered.where(exp.and_(*(exp.not_(column(name).is_(exp.null())) for name in keys)))
    following_start = column(free("next_start"))
    is_overlapped = exp.or_(end.is_(exp.null()), exp.LT(this=following_start, expression=end.copy()))
    is_followed = exp.not_(following_start.copy().is_(exp.null()))
    overlapping = exp.select("*").from_(ordered.subquery(free("lookup_rows")))
    source = overlapping.where(exp.and_(is_followed, is_overlapped)).subquery(free("lookup_keys"))
    return duplicate_keys(
        session, source, [*map(column, keys)], _sensitive(keys), join.inputs.names, at_least=1
    )


def _overlaps_as_known(
    join: AsKnownJoin, keys: Mapping[str, ColumnDef], session: Session
) -> tuple[int, list[dict[str, Any]]]:
    """Return the keys with two rows whose valid times overlap, and whose known times do."""
    free = join.inputs.names.free
    one, other, place = map(free, ("one", "other", "place"))
    order = [exp.Ordered(this=column(name), nulls_first=True) for ends in join.bounds_of_row for name in ends]
    numbers = exp.Window(
        this=exp.RowNumber(), partition_by=[*map(column, keys)], order=exp.Order(expressions=order)
    )
    rows = exp.select("*", exp.alias_(numbers, place)).from_(join.history().subquery(free("history")))
    same = [exp.EQ(this=column(name, one), expression=column(name, other)) for name in keys]
    later = exp.LT(this=column(place, one), expression=column(place, other))
    both = [
        exp.LT(this=column(begin, left), expression=column(end, right))
        for begin, end in join.bounds_of_row
        for left, right in ((one, other), (other, one))
    ]
    pairs = exp.select(*(column(name, one) for name in keys)).from_(alias_table(rows.subquery(), one))
    pairs = pairs.join(alias_table(rows.subquery(), other), on=exp.and_(*same, later, *both))
    source = pairs.subquery(free("lookup_keys"))
    return duplicate_keys(
        session, source, [*map(column, keys)], _sensitive(keys), join.inputs.names, at_least=1
    )


def _unknown_periods(join: AsKnownJoin, session: Session) -> tuple[int, list[dict[str, Any]]]:
    """Return the ids of Periods that the cadence does not have: nothing would know when they begin."""
    period, times = map(join.inputs.names.free, ("period", "times"))
    history = join.history().subquery(join.inputs.names.free("history"))
    ids = exp.select(exp.alias_(exp.Count(this=exp.Star()), times))
    counted = [
        row
        for name in (PERIOD_FROM, PERIOD_TO)
        for row in session.rows(ids.select(alias(column(name), period)).from_(history.copy()).group_by(name))
    ]
    unknown = {
        row[period]: row[times] for row in counted if row[period] and not _is_known(join.cadence, row[period])
    }
    sample = [{times: unknown[each], "period": each} for each in sorted(unknown)[:SAMPLE]]
    return len(unknown), sample


def _is_known(cadence: Cadence, id_: str) -> bool:
    try:
        return cadence.parse(id_).id == id_
    except PeriodError:
        return False


def _sensitive(keys: Mapping[str, ColumnDef]) -> set[str]:
    return {name.lower() for name, each in keys.items() if each.sensitive}
