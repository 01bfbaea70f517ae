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


def erased_tables(
    warehouse: Warehouse, dataset: str, dataset_id: str | None, session: Session
) -> Sequence[str]:
    """Return the names of the tables with erasures that a dataset has published, its own one first.

    They are several if its file had another name. Tables are only searched if another one has erasures.
    """
    erased = warehouse.tables_with_erasures(session)
    own, others = [each for each in erased if each == dataset], set(erased) - {dataset}
    if not others or dataset_id is None:
        return own
    return [*own, *(each for each in warehouse.published_by(dataset_id, session) if each in others)]


def erased_keys(
    warehouse: Warehouse, tables: Sequence[str], scope: Scope, session: Session
) -> tuple[ErasedKeys, ...]:
    """Return the keys of the rows that were erased in tables of a dataset.

    Raises PublishError if its file lacks a column of them.
    """
    latest = [each for name in tables for each in latest_erasures(warehouse.erasures(name, session))]
    raise_all(PublishError, (fault for each in latest for fault in _faults(scope, each)))
    return tuple(ErasedKeys(each.columns, each.salt, warehouse.erased_keys(each, session)) for each in latest)


def _faults(scope: Scope, erasure: Erasure) -> Iterator[Fault]:
    for each in erasure.columns:
        found = scope.find(each.reference)
        if found is None or found.column.type is not each.type:
            has = f"the type {found.column.type}" if found else "no such column"
            known_by = f"{each.reference} ({each.type})"
            message = f"rows of {erasure.dataset} were erased by the column {known_by}; its file has"
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
