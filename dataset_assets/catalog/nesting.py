"""Which Datasets contain which others, and why one cannot be used (BR-122)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from dataset_assets.contract.model import Dataset
from dataset_assets.text.wording import listed, shown

MAX_DEPTH = 32
"""Levels of nested Datasets."""

_LONGEST_WAY = 12


class Nesting:
    """`datasets` by stem, as far as their files can be understood."""

    def __init__(self, datasets: Mapping[str, Dataset]) -> None:
        self._stems: dict[UUID, list[str]] = defaultdict(list)
        for stem, dataset in datasets.items():
            if dataset.id:
                self._stems[dataset.id].append(stem)
        self._nested = {
            stem: [inner for id_ in dataset.nested_ids() for inner in self._stems.get(id_, ())]
            for stem, dataset in datasets.items()
        }
        self._depth = self._depths()

    def order(self) -> list[str]:
        """All stems, nested Datasets before those that contain them; those in or above a cycle at the end."""
        return sorted(self._nested, key=lambda stem: (self._depth.get(stem, len(self._nested)), stem))

    def depth(self, stem: str) -> int:
        """How many levels are nested below it; `MAX_DEPTH` and more cannot be used."""
        return self._depth.get(stem, MAX_DEPTH)

    def same_id_files(self, stem: str, id_: UUID | None) -> tuple[str, ...]:
        """The other files with the same id."""
        return tuple(other for other in self._stems.get(id_, ()) if other != stem) if id_ else ()

    def unusable_reason(self, stem: str, id_: UUID) -> tuple[str, str]:
        """(what is wrong, what would do) with a nested Dataset that could not be used."""
        stems = self._stems.get(id_)
        if not stems:
            hint = "use the `id` of another file in datasets/; one without an id gets it by `lock`"
            return f"is {shown(str(id_))}, an id that no dataset has", hint
        path = next(self._ways(stems[0], stem), None)
        if path:
            return f"makes a cycle: {_way((stem, *path))}", "remove one of these lookups"
        if len(stems) > 1:
            names = listed((f"`{name}`" for name in stems), between=" and ")
            return f"is {shown(str(id_))}, the id of {names}", "give each file its own id"
        if self.depth(stems[0]) >= MAX_DEPTH and stems[0] in self._depth:
            return f"is nested more than {MAX_DEPTH} levels deep", "use fewer levels"
        return f"is the dataset `{stems[0]}`, whose file has faults", "fix that file"

    def _depths(self) -> dict[str, int]:
        """The number of levels below each Dataset; none for those in or above a cycle."""
        waiting = {stem: set(inner) for stem, inner in self._nested.items()}
        above: dict[str, list[str]] = defaultdict(list)
        for stem, inner in waiting.items():
            for name in inner:
                above[name].append(stem)
        depths: dict[str, int] = {}
        level = [stem for stem, inner in waiting.items() if not inner]
        while level:
            depths |= dict.fromkeys(level, max(depths.values(), default=-1) + 1)
            done, level = level, []
            for stem in (outer for name in done for outer in above[name]):
                waiting[stem].difference_update(done)
                if not waiting[stem] and stem not in level:
                    level.append(stem)
        return depths

    def _ways(self, start: str, end: str) -> Iterator[list[str]]:
        """The shortest way from one Dataset down to another, if there is one."""
        ways, seen = [[start]], {start}
        while ways:
            way = ways.pop(0)
            if way[-1] == end:
                yield way
            for inner in self._nested[way[-1]]:
                if inner not in seen:
                    seen.add(inner)
                    ways.append([*way, inner])


def _way(stems: Sequence[str]) -> str:
    """`a -> b -> a`; in the middle of a long one are only so many as fit on a line."""
    if len(stems) > _LONGEST_WAY:
        stems = (*stems[: _LONGEST_WAY - 2], f"({len(stems) - _LONGEST_WAY + 1:,} more)", stems[-1])
    return " -> ".join(stems)
