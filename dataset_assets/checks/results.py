"""The result of one check, and the error for blocking checks that failed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dataset_assets.errors import DatasetAssetsError, Fault


@dataclass(frozen=True)
class CheckResult:
    """The result of one check: whether it passed, and a sentence for people."""

    name: str
    passed: bool
    blocking: bool
    message: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


class AuditError(DatasetAssetsError):
    """Blocking checks failed and nothing was published; `checks` holds the results of all checks that ran."""

    def __init__(self, checks: Sequence[CheckResult]) -> None:
        self.checks = tuple(checks)
        super().__init__(*(Fault(check.message, check.name) for check in checks if _blocks(check)))


CheckFinding = tuple[bool, str, Mapping[str, Any]]
"""Whether a check passed, a sentence for people, and figures."""


def raise_failed(results: Sequence[CheckResult]) -> None:
    """Raise AuditError with all results if a blocking check failed."""
    if any(map(_blocks, results)):
        raise AuditError(results)


def _blocks(check: CheckResult) -> bool:
    return check.blocking and not check.passed
