"""Order Datasets so that nested ones come first, and say why one cannot be nested (BR-122).

The reasons are a cycle, too many levels, or a broken file.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from dataset_assets.contract.model import Dataset
from dataset_assets.text.wording import listed, shown

MAX_DEPTH = 32
"""The number of levels of nested Datasets from which on a Dataset cannot be used."""

_MOST_SHOWN = 12


class Nesting:
    """The graph of all Datasets, by stem, whose files can be understood at least in parts."""

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
        """Return all stems, nested Datasets first; those in or above a cycle are last."""
        return sorted(self._nested, key=lambda stem: (self._depth.get(stem, len(self._nested)), stem))

    def depth(self, stem: str) -> int:
        """Return the number of levels below a Dataset; with MAX_DEPTH or more it cannot be used."""
        return self._depth.get(stem, MAX_DEPTH)

    def same_id_files(self, stem: str, id_: UUID | None) -> tuple[str, ...]:
        """Return the stems of the other files with the same id."""
        return tuple(other for other in self._stems.get(id_, ()) if other != stem) if id_ else ()

    def unusable_reason(self, stem: str, id_: UUID) -> tuple[str, str]:
        """Return (what is wrong, hint) for a nested Dataset that cannot be used."""
        stems = self._stems.get(id_)
        if not stems:
            hint = "use the `id` of another file in datasets/; one without an id gets it by `lock`"
            return f"is {shown(str(id_))}, an id that no dataset has", hint
        path = next(self._paths(stems[0], stem), None)
        if path:
            return f"makes a cycle: {_path_text((stem, *path))}", "remove one of these lookups"
        if len(stems) > 1:
            names = listed((f"`{name}`" for name in stems), between=" and ")
            return f"is {shown(str(id_))}, the id of {names}", "give each file its own id"
        if self.depth(stems[0]) >= MAX_DEPTH and stems[0] in self._depth:
            return f"is nested more than {MAX_DEPTH} levels deep", "use fewer levels"
        return f"is the dataset `{stems[0]}`, whose file has faults", "fix that file"

    def _depths(self) -> dict[str, int]:
        """Return the number of levels below each Dataset, without those in or above a cycle."""
        above: dict[str, list[str]] = defaultdict(list)
        waits_for: dict[str, int] = {}
        for stem, inner in self._nested.items():
            waits_for[stem] = len(set(inner))
            for name in set(inner):
                above[name].append(stem)
        depths: dict[str, int] = {}
        depth, level = 0, [stem for stem, number in waits_for.items() if not number]
        while level:
            depths |= dict.fromkeys(level, depth)
            done, level, depth = level, [], depth + 1
            for stem in (outer for name in done for outer in above[name]):
                waits_for[stem] -= 1
                if not waits_for[stem]:
                    level.append(stem)
        return depths

    def _paths(self, start: str, end: str) -> Iterator[list[str]]:
        """Yield the paths from one Dataset down to another, the shortest first."""
        paths, seen = [[start]], {start}
        while paths:
            path = paths.pop(0)
            if path[-1] == end:
                yield path
            for inner in self._nested[path[-1]]:
                if inner not in seen:
                    seen.add(inner)
                    paths.append([*path, inner])


def _path_text(stems: Sequence[str]) -> str:
    """Return a path as `a -> b -> a`, shortened in the middle if it is long."""
    if len(stems) > _MOST_SHOWN:
        stems = (*stems[: _MOST_SHOWN - 2], f"({len(stems) - _MOST_SHOWN + 1:,} more)", stems[-1])
    return " -> ".join(stems)
