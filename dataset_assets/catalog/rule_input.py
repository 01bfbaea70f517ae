"""What a rule looks at, what it finds, and what both know about the parts of a file that are broken."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from uuid import UUID

from dataset_assets.catalog.users import Users
from dataset_assets.catalog.versions import Lock
from dataset_assets.contract.model import Dataset, LookupDef, TableTarget
from dataset_assets.contract.scope import Reference, Scope, Source
from dataset_assets.periods.calendar import Calendars
from dataset_assets.text.wording import listed, nearest, shown

Loc = tuple[str | int, ...]
"""A path below the key `dataset:`."""

ANY = "*"
"""Stands for every step in a `Loc` that a finding rests on."""

PLACEHOLDER = "placeholder_for_what_is_broken"
"""The name of what has none, or none that can be understood. No message shows it."""

MAIN = ("main_table",)
_LIST_OF_LOOKUPS = ("lookups", -1)
"""In doubt when `lookups` as a whole is, not when one of them is."""
_LISTED = 12


@dataclass(frozen=True)
class CheckFinding:
    """One broken rule. `rests_on`: what must be sound, or it is but a consequence of another fault.

    `hint` may be a function: a nearest name is looked for only when the finding is told.
    """

    loc: Loc
    message: str
    hint: str | Callable[[], str] = ""
    rests_on: tuple[Loc, ...] = ()


@dataclass(frozen=True)
class RuleInput:
    """A Dataset and all that rules may ask about it.

    `calendars` and `users` are None where their files are missing or broken. `same_id_files` are the stems
    of other files with the same id, `namesakes` those that differ from this one by case only. `why_not` says
    why a nested Dataset cannot be used. `doubts` are the places whose values are placeholders, because what
    the file says there could not be understood.
    """

    stem: str
    dataset: Dataset
    scope: Scope
    calendars: Calendars | None
    users: Users | None
    lock: Lock
    same_id_files: tuple[str, ...]
    namesakes: tuple[str, ...]
    why_not: Callable[[UUID], tuple[str, str]]
    doubts: frozenset[Loc] = field(default=frozenset())

    def is_sound(self, finding: CheckFinding) -> bool:
        """Whether nothing that the finding rests on is in doubt."""
        if not self._doubts:
            return True
        parts = tuple(part for part in (finding.loc, *finding.rests_on) if part)
        return not any(_touch(doubt, part) for doubt in self._doubts for part in parts)

    @cached_property
    def _doubts(self) -> frozenset[Loc]:
        """Also the columns, and without an alias the name, of a nested Dataset that cannot be used."""
        unknown: set[Loc] = set()
        for number, (lookup, source) in enumerate(zip(self.dataset.lookups, self.sources, strict=True)):
            if source is None:
                unknown.add(("lookups", number, "target", "columns"))
                if not lookup.alias:
                    unknown.add(("lookups", number, "alias"))
        return self.doubts | unknown

    @cached_property
    def sources(self) -> tuple[Source | None, ...]:
        """The lookups in the order of the file; None for a nested Dataset that cannot be used."""
        found = {id(source.lookup): source for source in self.scope.lookups}
        return tuple(found.get(id(lookup)) for lookup in self.dataset.lookups)

    @cached_property
    def lookup_names(self) -> tuple[str | None, ...]:
        """By which the file refers to its lookups, in small letters: both engines fold case."""
        return tuple(
            name.lower() if (name := lookup_name(lookup, source)) else None
            for lookup, source in zip(self.dataset.lookups, self.sources, strict=True)
        )

    @cached_property
    def lookup_places(self) -> Mapping[str, int]:
        """The place of each lookup that has a name, by that; of two alike that of the first."""
        places: dict[str, int] = {}
        for number, name in enumerate(self.lookup_names):
            if name:
                places.setdefault(name, number)
        return places

    def place(self, reference: Reference) -> Loc:
        """Where the referenced column is declared (or would be, in a nested Dataset)."""
        source = reference.source
        number = source.numbers[reference.column.name.lower()]
        if source.lookup is None:
            return (*MAIN, "columns", number)
        return ("lookups", self.lookup_places[source.name.lower()], "target", "columns", number)

    def unresolved(self, loc: Loc, ref: str) -> Iterator[CheckFinding]:
        """What is wrong with `column` or `alias.column`, if it refers to nothing (BR-110)."""
        alias, _, name = ref.rpartition(".")
        if not alias:
            yield from self._undeclared(loc, ref, name, self.scope.main)
        elif alias.lower() in self.lookup_places:
            source = self.sources[self.lookup_places[alias.lower()]]
            if source:
                yield from self._undeclared(loc, ref, name, source)
        elif self._lookup_names_are_sound or alias.lower() == self.scope.main.name.lower():
            yield self._no_such_lookup(loc, ref, alias, name)

    def _undeclared(self, loc: Loc, ref: str, name: str, source: Source) -> Iterator[CheckFinding]:
        if source.column(name):
            return
        if source.lookup is None:
            owner, base = called("the main table", source.name), MAIN
        else:
            place = self.lookup_places[source.name.lower()]
            owner, base = called("the lookup", source.name), ("lookups", place, "target")
        names_of = (*base, "columns", ANY, "name")
        hint = partial(suggestion, name, (column.name for column in source.columns))
        yield CheckFinding(loc, f"is {shown(ref)}, which {owner} does not have", hint, (names_of,))

    def _no_such_lookup(self, loc: Loc, ref: str, alias: str, name: str) -> CheckFinding:
        if alias.lower() == self.scope.main.name.lower():
            message = f"is {shown(ref)}, but the main table's columns stand alone"
            return CheckFinding(loc, message, f"write `{name}`")
        hint = (
            partial(suggestion, alias, self.lookup_places)
            if self.lookup_places
            else "this dataset has no lookups"
        )
        return CheckFinding(
            loc, f"is {shown(ref)}, but there is no lookup `{alias}`", hint, (_LIST_OF_LOOKUPS,)
        )

    @cached_property
    def _lookup_names_are_sound(self) -> bool:
        """Whether all lookups' names are known. With an alias one has a name, whatever its target is."""
        named_by: Iterator[Loc] = (
            ("lookups", number, "alias") if lookup.alias else ("lookups", number)
            for number, lookup in enumerate(self.dataset.lookups)
        )
        return not any(_touch(doubt, part) for part in named_by for doubt in self._doubts)


def lookup_name(lookup: LookupDef, source: Source | None) -> str | None:
    """The alias, or the table's name, or the nested Dataset's stem if that is known."""
    if lookup.alias or source is None:
        return lookup.alias
    return lookup.target.name if isinstance(lookup.target, TableTarget) else source.name


def called(what: str, name: str) -> str:
    """`what` with its name, if it has one."""
    return what if name == PLACEHOLDER else f"{what} `{name}`"


def suggestion(word: str, names: Iterable[str]) -> str:
    """The nearest known word, or the known ones."""
    known = [name for name in names if name != PLACEHOLDER]
    meant = nearest(word, known)
    if meant:
        return f"did you mean `{meant}`?"
    return f"there are {listed(known, _LISTED)}" if known else ""


def _touch(doubt: Loc, part: Loc) -> bool:
    """Whether one lies within the other."""
    return all(mine in (theirs, ANY) for theirs, mine in zip(doubt, part, strict=False))
