"""Check that the staged rows have the columns that the dataset declares."""

from collections.abc import Sequence

from dataset_assets.checks.audit import CheckResult
from dataset_assets.ports.relation import PhysicalType, Relation
from dataset_assets.ports.warehouse import PublishedColumn

DECLARED_SCHEMA = "declared_schema"


def declared_schema(staged: Relation, columns: Sequence[PublishedColumn]) -> CheckResult:
    """Check that the staged rows have exactly the declared columns; resolving checks the sources' columns."""
    found = {physical.name: physical.type for physical in staged.columns if not physical.name.startswith("_")}
    wanted = {each.name: PhysicalType(each.type.value) for each in columns}
    passed = found == wanted
    many = f"{len(wanted)} column{'s' * (len(wanted) != 1)}"
    message = f"{many}, as declared" if passed else f"declared {wanted}, staged {found}"
    return CheckResult(DECLARED_SCHEMA, passed, True, message)
