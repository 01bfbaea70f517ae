"""Find columns with values that do not fit their declared type, such as NaN or numbers that are too large."""

from collections.abc import Iterator, Sequence

from sqlglot import exp

from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.typing import as_declared, is_as_declared
from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.scope import Source
from dataset_assets.errors import Fault, near
from dataset_assets.ports.engine import Session
from dataset_assets.sql.build import alias_table


def cast_failures(
    inputs: SelectionInput, session: Session, sources: Sequence[Source] | None = None
) -> Iterator[Fault]:
    """Yield a fault for each column with values that do not fit; it counts them and shows none (BR-206).

    Without `sources` all sources of the inputs are searched.
    """
    for source in inputs.scope.sources if sources is None else sources:
        relation = inputs.relations[source.name]
        if relation.find_cast_failures:
            yield from relation.find_cast_failures(inputs.needed(source))
        cast = [each for each in inputs.needed(source) if not is_as_declared(relation, each)]
        counts = {each: count for each in cast if (count := _unfit(inputs, source, each)) is not None}
        if counts:
            shown = [exp.alias_(count, each.name, quoted=True) for each, count in counts.items()]
            if relation.file is not None:
                shown += [
                    exp.alias_(_first_file(relation.file, count), f"{each.name} file", quoted=True)
                    for each, count in counts.items()
                ]
            found = session.rows(exp.select(*shown).from_(alias_table(relation.source, source.name)))[0]
            for each in counts:
                if found[each.name]:
                    yield _fault(source, each, found[each.name], found.get(f"{each.name} file"))


def _first_file(file: exp.Expr, count: exp.CountIf) -> exp.Expr:
    is_unfit = exp.If(this=count.this.copy(), true=file.copy())
    return exp.Min(this=exp.Case(ifs=[is_unfit]))


def _fault(source: Source, column: ColumnDef, count: int, file: str | None) -> Fault:
    where = f" ({near(file)})" if file else ""
    message = f"{count:,} values do not fit {column.type.value}: not a number, infinite, or too large{where}"
    hint = "fix the source, or declare the type that it has"
    return Fault(message, f"{source.name}.{column.name}", hint)


def _unfit(inputs: SelectionInput, source: Source, column: ColumnDef) -> exp.CountIf | None:
    """Return the count of values on which the cast fails; None if the column needs no cast."""
    declared = as_declared(source, inputs.relations[source.name], column, source.name)
    if not isinstance(declared, exp.Cast):
        return None
    tried = exp.TryCast(this=declared.this.copy(), to=declared.to.copy())
    is_not_null = exp.not_(declared.this.copy().is_(exp.null()))
    return exp.CountIf(this=exp.and_(is_not_null, tried.is_(exp.null())))
