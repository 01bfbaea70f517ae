"""Replace the values of sensitive columns by made-up ones: a recorded test never holds them (BR-206)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from dataset_assets.catalog.definition_test_rules import Row
from dataset_assets.catalog.typed_values import Value
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.contract.model import ColumnType
from dataset_assets.definition_tests.candidates import Candidates
from dataset_assets.errors import Fault, UnsupportedError, visible

Column = tuple[str, str]
"""The name of a source in the scope, and that of a column of it."""

_FIRST_DAY = date(2000, 1, 1)
_FIRST_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)
_MAKERS: Mapping[ColumnType, Callable[[int], Value]] = {
    ColumnType.STRING: lambda number: f"made-up {number}",
    ColumnType.INTEGER: lambda number: number,
    ColumnType.DECIMAL: Decimal,
    ColumnType.DATE: lambda number: _FIRST_DAY + timedelta(days=number),
    ColumnType.TIMESTAMP: lambda number: _FIRST_INSTANT + timedelta(days=number),
}


def without_sensitive(inputs: SelectionInput, found: Candidates) -> Candidates:
    """Return the rows with made-up values in sensitive columns and in the columns that are joined to them.

    Equal values stay equal. Raises UnsupportedError for a sensitive boolean, which nothing can hide.
    """
    types = {
        (source.name, each.name): each.type
        for source in inputs.scope.sources
        for each in source.stored_columns
    }
    hidden = _hidden(inputs)
    for source, name in sorted(hidden):
        if types[source, name] is ColumnType.BOOLEAN:
            message = f"{source}.{name} is a sensitive boolean, for which there are no made-up values"
            raise UnsupportedError(Fault(message, hint="write the test by hand: docs/definition_tests.md"))
    made: dict[tuple[ColumnType, Value], Value] = {}

    def replaced(source: str, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            yield {
                name: _made_up(made, types[source, name], value)
                if (source, name) in hidden
                else _written(value)
                for name, value in row.items()
            }

    main = list(replaced(inputs.scope.main.name, found.main))
    return Candidates(main, {name: list(replaced(name, rows)) for name, rows in found.lookups.items()})


def _written(value: Value | None) -> Value | None:
    """Return a value that a file can hold: control characters are escaped."""
    return visible(value) if isinstance(value, str) else value


def _made_up(
    made: dict[tuple[ColumnType, Value], Value], kind: ColumnType, value: Value | None
) -> Value | None:
    if value is None:
        return None
    number = sum(known is kind for known, _ in made) + 1
    return made.setdefault((kind, value), _MAKERS[kind](number))


def _hidden(inputs: SelectionInput) -> set[Column]:
    """Return the sensitive columns, and those that joins compare with them."""
    scope = inputs.scope
    hidden = {
        (source.name, each.name) for source in scope.sources for each in source.columns if each.sensitive
    }
    pairs = [
        ((one.source.name, one.column.name), (other.source.name, other.column.name))
        for lookup in scope.lookups
        for one, other in inputs.joins(lookup)
    ]
    size = -1
    while size != len(hidden):
        size = len(hidden)
        hidden |= {each for pair in pairs if hidden.intersection(pair) for each in pair}
    return hidden
