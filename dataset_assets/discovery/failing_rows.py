"""Find the rows that a run would publish and that fail a check. Nothing is published.

The rows are selected as a run selects them, so that they are also found if the check stopped the publication.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.checks.row_checks import NATURAL_KEY_UNIQUE
from dataset_assets.contract.quality import CHECK_PREFIX, ConditionRule, QualityRule, UniqueRule
from dataset_assets.contract.scope import Scope
from dataset_assets.discovery.preview import PreviewColumn, first_rows, preview_columns, preview_rows
from dataset_assets.discovery.runs import Reports, open_run, selection_queries
from dataset_assets.errors import Fault, ResolveError
from dataset_assets.model import Instant, Model
from dataset_assets.ports.target import Target
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.rows.counting import count_rows
from dataset_assets.sql.build import assemble, column, number
from dataset_assets.system_errors import system_errors_as_faults
from dataset_assets.text.wording import did_you_mean, listed, shown

NOT_NULL = "not_null"
_TIMES = "_times"


class FailingRows(Model):
    """The rows that fail a check: their number, and the first of them as in a preview."""

    dataset: str
    period: str | None
    as_of: Instant
    check: str
    total: int
    columns: tuple[PreviewColumn, ...]
    rows: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class _RowCheck:
    """A check that single rows fail: those for which `fails` is true, or that repeat a key of `unique`."""

    name: str
    fails: exp.Expr | None = None
    unique: Sequence[str] = ()

    def failing(self, rows: exp.Expr) -> exp.Subquery:
        """Return the failing rows, for FROM."""
        if self.fails is not None:
            return exp.select("*").from_(rows.copy()).where(self.fails.copy()).subquery()
        keys = [column(name) for name in self.unique]
        times = exp.Window(this=exp.Count(this=exp.Star()), partition_by=keys)
        counted = exp.select("*", exp.alias_(times, _TIMES)).from_(rows.copy())
        counted = counted.where(*(exp.not_(key.copy().is_(exp.null())) for key in keys))
        repeated = exp.GT(this=column(_TIMES), expression=number(1))
        return exp.select("*").from_(counted.subquery()).where(repeated).subquery()


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
        failing = found.failing(selected)
        return FailingRows(
            dataset=entry.stem,
            period=run.prepared.period,
            as_of=at.as_of,
            check=found.name,
            total=count_rows(run.session, failing, {"total": exp.true()})["total"],
            columns=preview_columns(run.prepared.columns),
            rows=preview_rows(run.prepared.columns, run.session.rows(first_rows(run, failing, limit))),
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
    if required := [column(each.name).is_(exp.null()) for each in columns if not each.nullable]:
        found.append(_RowCheck(NOT_NULL, exp.or_(*required)))
    if NATURAL_KEY_UNIQUE.applies(scope):
        found.append(_RowCheck(NATURAL_KEY_UNIQUE.name, unique=dataset.natural_key_columns))
    return found


def _of_rule(rule: QualityRule, types: Mapping[str, str]) -> _RowCheck | None:
    if isinstance(rule, ConditionRule):
        kept = exp.Coalesce(this=rule.condition(types).condition(), expressions=[exp.false()])
        return _RowCheck(rule.check_name, exp.not_(kept))
    return _RowCheck(rule.check_name, unique=rule.columns) if isinstance(rule, UniqueRule) else None
