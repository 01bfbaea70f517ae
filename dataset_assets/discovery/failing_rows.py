"""Find the rows that a run would publish and that fail a check. Nothing is published.

The rows are selected as a run selects them, so that they are also found if the check stopped the publication.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.checks.audit import SPLIT_UNIT_NOT_NULL
from dataset_assets.checks.row_checks import DUPLICATES_ACROSS_SPLITS, NATURAL_KEY_UNIQUE
from dataset_assets.checks.valid_times import VALID_TIME_BOUNDS, VALID_TIME_OVERLAPS
from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.quality import CHECK_PREFIX, ConditionRule, QualityRule, UniqueRule
from dataset_assets.contract.scope import Scope
from dataset_assets.contract.system_columns import VALID_FROM, VALID_TO
from dataset_assets.discovery.preview import PreviewColumn, first_rows, preview_columns, preview_rows
from dataset_assets.discovery.runs import OpenRun, Reports, open_run, selection_queries
from dataset_assets.errors import Fault, ResolveError
from dataset_assets.model import Instant, Model
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.publishing.duplicate_rows import content_columns
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.rows.counting import count_rows
from dataset_assets.rows.valid_time import Snapshot
from dataset_assets.selection.splits import SPLIT_COLUMN
from dataset_assets.sql.build import any_null, assemble, column, number
from dataset_assets.system_errors import system_errors_as_faults
from dataset_assets.text.wording import did_you_mean, listed, shown

NOT_NULL = "not_null"
_TIMES, _FIRST_SPLIT, _LAST_SPLIT = "_times", "_first_split", "_last_split"


class FailingRows(Model):
    """The rows that fail a check: their number, and the first of them as in a preview."""

    dataset: str
    period: str | None
    as_of: Instant
    check: str
    total: int
    columns: tuple[PreviewColumn, ...]
    rows: tuple[Mapping[str, Any], ...]


Failing = Callable[[OpenRun, exp.Expr], exp.Query]
"""Returns the query of those of the selected rows that fail a check."""


@dataclass(frozen=True)
class _RowCheck:
    """A check that single rows fail. Of a check of valid times, the rows are shown with their valid time."""

    name: str
    failing: Failing
    is_of_valid_times: bool = False

    def columns(self, run: OpenRun) -> tuple[PublishedColumn, ...]:
        """Return the columns of the failing rows."""
        times = (PublishedColumn(name, ColumnType.TIMESTAMP, True) for name in (VALID_FROM, VALID_TO))
        return (*run.prepared.columns, *(times if self.is_of_valid_times else ()))


@system_errors_as_faults()
def failing_rows(
    catalog: Catalog,
    target: Target,
    entry: Entry,
    at: AsOfChoice,
    check: str,
    limit: int,
    reports: Reports | None = None,
) -> FailingRows:
    """Return the rows that a run would publish and that fail the check, at most `limit` of them.

    `check` is the name of a quality rule, or of a check of single rows. Raises ResolveError if there is no
    such check, and DatasetAssetsError as `open_run` does.
    """
    catalog.checked(entry)
    found = _row_check(catalog.scope(entry), check)

    with open_run(catalog, target, entry, at, selection_queries, reports or Reports()) as run:
        selected = run.session.store("selected_rows", assemble(run.prepared.selection))
        failing = found.failing(run, selected).subquery()
        columns = found.columns(run)
        return FailingRows(
            dataset=entry.stem,
            period=run.prepared.period,
            as_of=at.as_of,
            check=found.name,
            total=count_rows(run.session, failing, {"total": exp.true()})["total"],
            columns=preview_columns(columns),
            rows=preview_rows(columns, run.session.rows(first_rows(run, failing, limit, columns))),
        )


def _row_check(scope: Scope, name: str) -> _RowCheck:
    """Return a check by its name. Raises ResolveError if there is none, or if it is not about single rows."""
    checks = {each.name: each for each in _row_checks(scope)}
    found = checks.get(name) or checks.get(CHECK_PREFIX + name)
    if found is not None:
        return found
    if any(name in (each.name, each.check_name) for each in scope.dataset.quality):
        message = f"the rule {shown(name)} is not about single rows of the dataset"
        raise ResolveError(Fault(message, hint="`analyze` shows its figures"))
    short = [each.removeprefix(CHECK_PREFIX) for each in checks]
    hint = did_you_mean(name, short, f"there are {listed(short)}" if short else "it has no rules on rows")
    raise ResolveError(Fault(f"there is no check {shown(name)} of single rows", hint=hint))


def _row_checks(scope: Scope) -> list[_RowCheck]:
    dataset, columns = scope.dataset, [each.definition for each in scope.outputs]
    types = {each.name: each.type.value for each in columns}
    found = [each for rule in dataset.quality if (each := _of_rule(rule, types))]
    if required := [column(each.name) for each in columns if not each.nullable]:
        found.append(_RowCheck(NOT_NULL, _where(any_null(required))))
    if NATURAL_KEY_UNIQUE.applies(scope):
        found.append(_RowCheck(NATURAL_KEY_UNIQUE.name, _repeated(dataset.natural_key_columns)))
    config = dataset.split_config
    if config and config.refuses_null:
        lacks_unit = any_null(map(column, config.unit_columns))
        found.append(_RowCheck(SPLIT_UNIT_NOT_NULL.name, _where(lacks_unit)))
    if DUPLICATES_ACROSS_SPLITS.applies(scope):
        content = [each.name for each in content_columns(PublishedColumns(scope))]
        found.append(_RowCheck(DUPLICATES_ACROSS_SPLITS.name, _in_several_parts(content)))
    if dataset.main_table.bitemporal:
        found.append(_RowCheck(VALID_TIME_BOUNDS, _without_interval, is_of_valid_times=True))
        found.append(_RowCheck(VALID_TIME_OVERLAPS, _overlapping, is_of_valid_times=True))
    return found


def _of_rule(rule: QualityRule, types: Mapping[str, str]) -> _RowCheck | None:
    if isinstance(rule, ConditionRule):
        kept = exp.Coalesce(this=rule.condition(types).condition(), expressions=[exp.false()])
        return _RowCheck(rule.check_name, _where(exp.not_(kept)))
    if isinstance(rule, UniqueRule):
        return _RowCheck(rule.check_name, _repeated(rule.columns, ignores_null=True))
    return None


def _where(fails: exp.Expr) -> Failing:
    return lambda _, rows: exp.select("*").from_(rows.copy()).where(fails.copy())


def _repeated(names: Sequence[str], *, ignores_null: bool = False) -> Failing:
    """Return the function that finds rows whose key other rows have as well.

    NULL is a value like others in a natural key; a rule `unique` ignores rows with NULL.
    """

    def failing(_: OpenRun, rows: exp.Expr) -> exp.Query:
        keys = [column(name) for name in names]
        times = exp.Window(this=exp.Count(this=exp.Star()), partition_by=keys)
        counted = exp.select("*", exp.alias_(times, _TIMES)).from_(rows.copy())
        if ignores_null:
            counted = counted.where(*(exp.not_(key.copy().is_(exp.null())) for key in keys))
        repeated = exp.GT(this=column(_TIMES), expression=number(1))
        return exp.select("*").from_(counted.subquery()).where(repeated)

    return failing


def _without_interval(run: OpenRun, rows: exp.Expr) -> exp.Query:
    return _snapshot(run, rows).unusable_rows([each.name for each in run.prepared.columns])


def _overlapping(run: OpenRun, rows: exp.Expr) -> exp.Query:
    snapshot = _snapshot(run, rows)
    segments = run.session.store("segments", assemble(snapshot.segments()))
    return snapshot.overlapping_rows(segments)


def _snapshot(run: OpenRun, rows: exp.Expr) -> Snapshot:
    period = run.prepared.request.period
    if period is None:
        raise LookupError("a bitemporal dataset without a Period was not refused")
    return run.prepared.snapshot(rows, period)


def _in_several_parts(content: Sequence[str]) -> Failing:
    """Return the query of the rows that equal a row of another part of the split in these columns."""

    def bound(end: type[exp.AggFunc]) -> exp.Expr:
        equal_rows = [column(name) for name in content]
        return exp.Window(this=end(this=column(SPLIT_COLUMN)), partition_by=equal_rows)

    def failing(_: OpenRun, rows: exp.Expr) -> exp.Query:
        bounds = {_FIRST_SPLIT: bound(exp.Min), _LAST_SPLIT: bound(exp.Max)}
        named = (exp.alias_(value, name) for name, value in bounds.items())
        parts = exp.select("*", *named).from_(rows.copy())
        differ = exp.NEQ(this=column(_FIRST_SPLIT), expression=column(_LAST_SPLIT))
        return exp.select("*").from_(parts.subquery()).where(differ)

    return failing
