"""Internal names of a query (CTEs, table aliases, helper columns) that no name of the user's is equal to."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, count


@dataclass(frozen=True)
class Names:
    """Hands out internal names. `taken` holds every identifier of the user that the query can see, folded.

    Both engines fold the case of names, and each lets an alias, a CTE or a table hide a column of the same
    name somewhere. An internal name that is nobody else's cannot hide anything.
    """

    taken: frozenset[str] = frozenset()

    @classmethod
    def beside(cls, identifiers: Iterable[str]) -> "Names":
        """The names that are free beside these identifiers."""
        return cls(frozenset(each.lower() for each in identifiers))

    def and_beside(self, identifiers: Iterable[str]) -> "Names":
        """The names that are free beside these identifiers too."""
        return Names(self.taken | Names.beside(identifiers).taken)

    def free(self, wanted: str) -> str:
        """The wanted name; where it is taken, the first of `wanted_2`, `wanted_3`, … that is not."""
        candidates = chain([wanted], (f"{wanted}_{number}" for number in count(2)))
        return next(each for each in candidates if each.lower() not in self.taken)


NO_NAMES = Names()
"""Where the user has called nothing anything."""
