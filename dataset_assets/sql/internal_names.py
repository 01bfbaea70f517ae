"""Choose internal names of a query (CTEs, aliases, helper columns) that differ from all names of the user."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, count


@dataclass(frozen=True)
class Names:
    """Chooses free internal names. `taken` holds all identifiers of the user in the query, in lower case.

    Both engines ignore the case of names, and each lets an alias, a CTE or a table hide a column of the same
    name in some place. An internal name that differs from all others cannot hide anything.
    """

    taken: frozenset[str] = frozenset()

    @classmethod
    def beside(cls, identifiers: Iterable[str]) -> "Names":
        """Return the names that are free if these identifiers are taken."""
        return cls(frozenset(each.lower() for each in identifiers))

    def and_beside(self, identifiers: Iterable[str]) -> "Names":
        """Return the names that are free if these identifiers are taken as well."""
        return Names(self.taken | Names.beside(identifiers).taken)

    def free(self, wanted: str) -> str:
        """Return the wanted name or, if it is taken, the first free one of `wanted_2`, `wanted_3`, ..."""
        candidates = chain([wanted], (f"{wanted}_{number}" for number in count(2)))
        return next(each for each in candidates if each.lower() not in self.taken)


NO_NAMES = Names()
"""All names are free, because the query contains no name of the user."""
