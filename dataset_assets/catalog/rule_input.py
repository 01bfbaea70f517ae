"""The input and the output of a rule: a dataset with all that rules may read, and a violation of a rule.

A file may be broken in places. Rules then run on a dataset with placeholders in these places, and violations
that depend on a placeholder are not reported.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.users import Users
from dataset_assets.catalog.versions import Lock
from dataset_assets.contract.model import Dataset, LookupDef, TableRef, TableTarget
from dataset_assets.contract.scope import Reference, Scope, Source, first_indexes
from dataset_assets.periods.cadence import Calendars
from dataset_assets.text.wording import did_you_mean, listed, shown

Loc = tuple[str | int, ...]
"""A path below the key `dataset:`."""

ANY = "*"
"""Matches every step in a `Loc` that a violation depends on."""

PLACEHOLDER = "placeholder_for_what_is_broken"
"""The name of a thing whose name is missing or cannot be understood. No message shows it."""

MAIN = ("main_table",)
LIST_OF_LOOKUPS = ("lookups", -1)
"""An index that no lookup has.

A violation depends on it if it needs the list of lookups, but no particular one of them.
"""
_MOST_LISTED = 12


@dataclass(frozen=True)
class RuleViolation:
    """One place of a file where a rule does not hold.

    `depends_on` are the places that must not be placeholders; otherwise the violation may be the consequence
    of another fault. `hint` may be a function, so that a nearest name is computed only for what is reported.
    """

    loc: Loc
    message: str
    hint: str | Callable[[], str] = ""
    depends_on: tuple[Loc, ...] = ()


@dataclass(frozen=True)
class RuleInput:
    """A dataset and all that the rules may read about it.

    `calendars` and `users` are None if their files are missing or broken. `same_id_files` are the stems of
    other files with the same id, `namesakes` those that differ from this one by case only. `unusable_reason`
    returns for the id of a nested Dataset (what is wrong, hint). `placeholders` are the places whose values
    are placeholders, because the text of the file could not be understood there.
    """

    stem: str
    dataset: Dataset
    scope: Scope
    calendars: Calendars | None
    users: Users | None
    lock: Lock
    same_id_files: tuple[str, ...]
    namesakes: tuple[str, ...]
    unusable_reason: Callable[[UUID], tuple[str, str]]
    placeholders: frozenset[Loc] = field(default=frozenset())

    def is_certain(self, violation: RuleViolation) -> bool:
        """Return whether the violation depends on no placeholder."""
        if not self._unknown:
            return True
        parts = tuple(part for part in (violation.loc, *violation.depends_on) if part)
        return not any(_overlap(unknown, part) for unknown in self._unknown for part in parts)

    @cached_property
    def _unknown(self) -> frozenset[Loc]:
        """The placeholders, and the columns of each nested Dataset that cannot be used.

        The name of such a Dataset is unknown as well if the lookup has no alias.
        """
        unknown: set[Loc] = set()
        for number, lookup, source in self.numbered_lookups():
            if source is None:
                unknown.add(("lookups", number, "target", "columns"))
                if not lookup.alias:
                    unknown.add(("lookups", number, "alias"))
        return self.placeholders | unknown

    def tables(self) -> Iterator[tuple[Loc, TableRef]]:
        """Yield (place, table) of the main table and of each lookup into a table."""
        yield MAIN, self.dataset.main_table
        for number, lookup in enumerate(self.dataset.lookups):
            if isinstance(lookup.target, TableTarget):
                yield ("lookups", number, "target"), lookup.target

    def numbered_lookups(self) -> Iterator[tuple[int, LookupDef, Source | None]]:
        """Yield (number, lookup, source) in the order of the file; see `lookup_sources` for a None."""
        for number, lookup in enumerate(self.dataset.lookups):
            yield number, lookup, self.lookup_sources[number]

    @cached_property
    def lookup_sources(self) -> tuple[Source | None, ...]:
        """The source of each lookup, in the order of the file; None for an unusable nested Dataset."""
        sources = {id(source.lookup): source for source in self.scope.lookups}
        return tuple(sources.get(id(lookup)) for lookup in self.dataset.lookups)

    @cached_property
    def lookup_names(self) -> tuple[str | None, ...]:
        """The name by which the file refers to each lookup, in lower case because both engines fold case."""
        return tuple(
            name.lower() if (name := lookup_name(lookup, source)) else None
            for _, lookup, source in self.numbered_lookups()
        )

    @cached_property
    def lookup_numbers(self) -> Mapping[str, int]:
        """The number of each lookup by its name; of equal names the first number counts."""
        numbers = first_indexes(name or "" for name in self.lookup_names)
        return {name: number for name, number in numbers.items() if name}

    def declaration(self, reference: Reference) -> Loc:
        """Return the place where the column is declared, or would be if its nested Dataset were a table."""
        source = reference.source
        number = source.numbers[reference.column.name.lower()]
        if source.lookup is None:
            return (*MAIN, "columns", number)
        return ("lookups", self.lookup_numbers[source.name.lower()], "target", "columns", number)

    def unresolved(self, loc: Loc, ref: str) -> Iterator[RuleViolation]:
        """Yield a violation if `column` or `alias.column` refers to no column (BR-110)."""
        alias, _, name = ref.rpartition(".")
        if not alias:
            yield from self._undeclared(loc, ref, name, self.scope.main)
        elif alias.lower() in self.lookup_numbers:
            source = self.lookup_sources[self.lookup_numbers[alias.lower()]]
            if source:
                yield from self._undeclared(loc, ref, name, source)
        elif self._lookup_names_are_certain or alias.lower() == self.scope.main.name.lower():
            yield self._no_such_lookup(loc, ref, alias, name)

    def _undeclared(self, loc: Loc, ref: str, name: str, source: Source) -> Iterator[RuleViolation]:
        if source.column(name):
            return
        if source.lookup is None:
            owner, base = with_name("the main table", source.name), MAIN
        else:
            place = self.lookup_numbers[source.name.lower()]
            owner, base = with_name("the lookup", source.name), ("lookups", place, "target")
        names_of = (*base, "columns", ANY, "name")
        hint = partial(name_hint, name, (column.name for column in source.columns))
        yield RuleViolation(loc, f"is {shown(ref)}, which {owner} does not have", hint, (names_of,))

    def _no_such_lookup(self, loc: Loc, ref: str, alias: str, name: str) -> RuleViolation:
        if alias.lower() == self.scope.main.name.lower():
            message = f"is {shown(ref)}, but the main table's columns stand alone"
            return RuleViolation(loc, message, f"write `{name}`")
        hint = (
            partial(name_hint, alias, self.lookup_numbers)
            if self.lookup_numbers
            else "this dataset has no lookups"
        )
        return RuleViolation(
            loc, f"is {shown(ref)}, but there is no lookup `{alias}`", hint, (LIST_OF_LOOKUPS,)
        )

    @cached_property
    def _lookup_names_are_certain(self) -> bool:
        """Whether the names of all lookups are known; an alias is known, whatever the target is."""
        named_by: Iterator[Loc] = (
            ("lookups", number, "alias") if lookup.alias else ("lookups", number)
            for number, lookup in enumerate(self.dataset.lookups)
        )
        return not any(_overlap(unknown, part) for part in named_by for unknown in self._unknown)


def later_lookup(inputs: RuleInput, number: int, ref: str) -> str | None:
    """Return the lookup that `ref` names if it is not joined before the lookup with this number."""
    alias = ref.rpartition(".")[0]
    return alias if inputs.lookup_numbers.get(alias.lower(), -1) >= number else None


def lookup_name(lookup: LookupDef, source: Source | None) -> str | None:
    """Return the alias, else the name of the table, else the stem of the nested Dataset if it is known."""
    if lookup.alias or source is None:
        return lookup.alias
    return lookup.target.name if isinstance(lookup.target, TableTarget) else source.name


def with_name(what: str, name: str) -> str:
    """Return `what` followed by its name, or alone if the name is a placeholder."""
    return what if name == PLACEHOLDER else f"{what} `{name}`"


def name_hint(word: str, names: Iterable[str]) -> str:
    """Return a hint with the nearest known name, else with the known names."""
    known = [name for name in names if name != PLACEHOLDER]
    return did_you_mean(word, known, f"there are {listed(known, _MOST_LISTED)}" if known else "")


def _overlap(unknown: Loc, part: Loc) -> bool:
    """Return whether one of the places contains the other."""
    return all(step in (other, ANY) for other, step in zip(unknown, part, strict=False))
