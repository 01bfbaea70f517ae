"""The columns of an output whose lookups are joined when somebody reads it (BR-009).

The table of such an output stores the columns of the main table and `split`. Lookups are joined on stored
columns, so that the dataset has to publish those that its join conditions read.
"""

from dataset_assets.contract.scope import OutputColumn, Scope


def stored_outputs(scope: Scope) -> tuple[OutputColumn, ...]:
    """Return the published columns that are not read from a lookup."""
    return tuple(each for each in scope.outputs if not (each.reference and each.reference.source.lookup))


def stored_names(scope: Scope) -> dict[str, str]:
    """Map each stored column of the main table, by its name in lower case, to its first published name."""
    names: dict[str, str] = {}
    for each in stored_outputs(scope):
        if each.reference:
            names.setdefault(each.reference.column.name.lower(), each.name)
    return names


def missing_join_columns(scope: Scope) -> list[str]:
    """Return the unpublished columns of the main table that lookups are joined on, or as of."""
    lookups = scope.dataset.lookups
    named = [each.source_column for lookup in lookups for each in lookup.join_conditions]
    as_of = (source.lookup for source in scope.lookups if source.as_of and source.lookup)
    row_times = map(scope.dataset.row_time, as_of)
    references = map(scope.find, (*named, *filter(None, row_times)))
    read = [each.column.name for each in references if each and each.source.lookup is None]
    stored = stored_names(scope)
    return list(dict.fromkeys(name for name in read if name.lower() not in stored))
