"""Check before the join that each lookup has at most one row for a key (BR-111)."""

from collections.abc import Sequence

from sqlglot import exp

from dataset_assets.checks.duplicate_keys import duplicate_keys, first_key
from dataset_assets.checks.results import CheckResult
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.typing import as_declared
from dataset_assets.contract.scope import Source
from dataset_assets.ports.engine import Session
from dataset_assets.sql.build import alias_table, column

LOOKUPS_UNIQUE = "lookups_unique"


def lookups_unique(inputs: SelectionInput, session: Session) -> CheckResult:
    """Check that each lookup has at most one row for a key (BR-111)."""
    problems, metadata = [], {}
    for lookup in inputs.scope.lookups:
        count, sample = duplicate_keys(session, *_lookup_keys(inputs, lookup), inputs.names)
        if count:
            words = f"lookup {lookup.name} has {count:,} keys more than once"
            problems.append(f"{words}, such as {first_key(sample)}")
            metadata[lookup.name] = {"count": count, "sample": sample}
    hint = "make it unique, or add a join condition"
    message = "; ".join((*problems, hint)) if problems else "every lookup has at most one row for a key"
    return CheckResult(LOOKUPS_UNIQUE, not problems, True, message, metadata)


def _lookup_keys(inputs: SelectionInput, lookup: Source) -> tuple[exp.Expr, Sequence[exp.Expr], set[str]]:
    relation = inputs.relations[lookup.name]
    found = [target.column for _, target in inputs.joins(lookup)]
    keys = [exp.alias_(as_declared(lookup, relation, target, lookup.name), target.name) for target in found]
    names = [column(target.name) for target in found]
    free = inputs.names.free
    rows = exp.select(*keys).from_(alias_table(relation.source, lookup.name)).subquery(free("lookup_rows"))
    matching = exp.and_(*(exp.not_(name.is_(exp.null())) for name in names))
    source = exp.select("*").from_(rows).where(matching).subquery(free("lookup_keys"))  # NULL matches no row
    return source, names, {target.name.lower() for target in found if target.sensitive}
