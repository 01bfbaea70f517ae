"""Leave out the rows that were erased: read the keys by which a selection knows them, and count them."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlglot import exp

from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_erased
from dataset_assets.contract.scope import Scope
from dataset_assets.errors import Fault, PublishError, raise_all
from dataset_assets.ports.engine import Session
from dataset_assets.ports.erasure import ERASED_ROWS, ErasedKeys, Erasure, latest_erasures
from dataset_assets.ports.warehouse import Warehouse
from dataset_assets.sql.build import assemble, table


def erased_keys(warehouse: Warehouse, dataset: str, scope: Scope, session: Session) -> tuple[ErasedKeys, ...]:
    """Return the keys of erased rows of a dataset. Raises PublishError if its file lacks a column of them."""
    latest = latest_erasures(warehouse.erasures(dataset, session))
    raise_all(PublishError, (fault for each in latest for fault in _faults(dataset, scope, each)))
    return tuple(ErasedKeys(each.columns, each.salt, warehouse.erased_keys(each, session)) for each in latest)


def _faults(dataset: str, scope: Scope, erasure: Erasure) -> Iterator[Fault]:
    for each in erasure.columns:
        found = scope.find(each.reference)
        if found is None or found.column.type is not each.type:
            has = f"the type {found.column.type}" if found else "no such column"
            message = (
                f"rows of {dataset} were erased by the column {each.reference} ({each.type}); its file has"
            )
            hint = "declare it again as it was: without it the erased rows would come back (docs/erasure.md)"
            yield Fault(f"{message} {has}", hint=hint)


def erased_figures(inputs: SelectionInput, session: Session) -> dict[str, Any]:
    """Return the entry about erased rows in the record of a run; empty for a dataset without erasures."""
    if not inputs.erased:
        return {}
    ctes: Sequence[Any] = compile_erased(inputs)
    count = exp.select(exp.alias_(exp.Count(this=exp.Star()), "n")).from_(table(ctes[-1].name))
    [answer] = session.rows(assemble(ctes, count))
    return {ERASED_ROWS: int(answer["n"])}
