"""Convert the results of the audit to Dagster asset checks."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import dagster as dg

from dataset_assets.assets.metadata_values import metadata_value
from dataset_assets.checks.audit import CHECKS
from dataset_assets.checks.drift import drift_checks
from dataset_assets.checks.lookup_keys import LOOKUPS_UNIQUE
from dataset_assets.checks.results import CheckResult
from dataset_assets.checks.row_checks import DECLARED_SCHEMA, OUTPUT_CHECKS
from dataset_assets.checks.valid_times import VALID_TIME_CHECKS
from dataset_assets.contract.scope import Scope
from dataset_assets.publishing.period_coverage import DESCRIPTIONS, applicable

_SCHEMA = "The rows have the declared columns and types"
_ALWAYS = (
    (DECLARED_SCHEMA, _SCHEMA, True),
    (LOOKUPS_UNIQUE, "A lookup has at most one row for a key", True),
)
"""Name, description and `blocking` of the checks that the audit runs for every dataset."""

ResultsByPeriod = Mapping[str | None, tuple[CheckResult, ...]]
"""Period id → the results of its checks; the key is None for an unpartitioned dataset."""


def check_specs(key: dg.AssetKey, scope: Scope, *, by_period: bool) -> list[dg.AssetCheckSpec]:
    """Return the specs of all checks that a run reports. `by_period`: the main table is stored by Period."""
    dataset = scope.dataset
    times = VALID_TIME_CHECKS if dataset.main_table.bitemporal else ()
    staged = [(check.name, check.description, check.blocking) for check in CHECKS if check.applies(scope)]
    stored = [(name, DESCRIPTIONS[name], False) for name in applicable(dataset, by_period=by_period)]
    drift = [(check.name, check.description, False) for check in drift_checks(dataset)]
    return [
        dg.AssetCheckSpec(name, asset=key, description=text, blocking=blocking)
        for name, text, blocking in (*_ALWAYS, *times, *staged, *_quality(scope), *stored, *drift)
    ]


def _quality(scope: Scope) -> Iterator[tuple[str, str, bool]]:
    rules = scope.dataset.quality
    sensitive = [each.name for each in scope.outputs if each.definition.sensitive] if rules else ()
    return ((each.check_name, f"Quality: {each.words(sensitive)}", each.blocks) for each in rules)


def output_check_specs(key: dg.AssetKey, scope: Scope) -> list[dg.AssetCheckSpec]:
    """Return the specs of all checks that a run of an output reports. `scope` is that of its dataset."""
    checks = [(each.name, each.description) for each in OUTPUT_CHECKS if each.applies(scope)]
    return [
        dg.AssetCheckSpec(name, asset=key, description=text, blocking=True)
        for name, text in ((DECLARED_SCHEMA, _SCHEMA), *checks)
    ]


def check_results(key: dg.AssetKey, results: ResultsByPeriod) -> Iterator[dg.AssetCheckResult]:
    """Yield one result for each check, as Dagster accepts one a run, with all Periods of the run combined."""
    by_name: dict[str, dict[str | None, CheckResult]] = defaultdict(dict)
    for period, checks in results.items():
        for check in checks:
            by_name[check.name][period] = check
    for name, by_period in by_name.items():
        failed = {period: check for period, check in by_period.items() if not check.passed}
        reported = failed or by_period
        blocking = any(check.blocking for check in by_period.values())
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name=name,
            passed=not failed,
            severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
            description="\n\n".join(_texts(reported, several=len(by_period) > 1)),
            metadata=_metadata(reported),
        )


def _texts(reported: Mapping[str | None, CheckResult], *, several: bool) -> Iterable[str]:
    """Return the distinct messages of a check; with several Periods, failures begin with their Period."""
    texts = (
        f"{period}: {check.message}" if several and not check.passed else check.message
        for period, check in reported.items()
    )
    return dict.fromkeys(text for text in texts if text)


def _metadata(reported: Mapping[str | None, CheckResult]) -> dict[str, Any]:
    if len(reported) == 1:
        return {
            name: metadata_value(value)
            for check in reported.values()
            for name, value in check.metadata.items()
        }
    return {
        str(period): metadata_value(dict(check.metadata))
        for period, check in reported.items()
        if check.metadata
    }
