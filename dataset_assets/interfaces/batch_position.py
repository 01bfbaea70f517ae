"""The position in an epoch: the rows of a shard, and the state from which reading resumes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dataset_assets.errors import DatasetAssetsError, Fault, ResolveError, raise_all
from dataset_assets.interfaces.pinned_rows import PinnedReading
from dataset_assets.interfaces.row_selection import RowSelection
from dataset_assets.text.digest import digest
from dataset_assets.text.wording import listed, shown


@dataclass(frozen=True)
class Shard:
    """One of `count` parts of an epoch, by its `index` from 0: a range of positions."""

    index: int = 0
    count: int = 1

    def positions(self, rows: int) -> range:
        """Return its positions among those of all rows. The sizes of two shards differ by at most one."""
        return range(rows * self.index // self.count, rows * (self.index + 1) // self.count)


def worker_shard(rank: int, world_size: int, worker: int = 0, workers: int = 1) -> Shard:
    """Return the shard of one of the `workers` of one of `world_size` processes that train together."""
    return Shard(rank * workers + worker, world_size * workers)


@dataclass(frozen=True)
class EpochPlace:
    """An epoch of a reading: the seed of its order, its number, and the shard that is read."""

    seed: int | None
    epoch: int
    shard: Shard

    def state(self, reading: PinnedReading, rows: int, position: int) -> dict[str, Any]:
        """Return the state after `position` rows of the shard; `rows` is the number of rows of all shards."""
        return {
            **_identity(reading, rows),
            "seed": self.seed,
            "epoch": self.epoch,
            "shard": [self.shard.index, self.shard.count],
            "position": position,
        }

    def position(self, reading: PinnedReading, rows: int, state: Mapping[str, Any]) -> int:
        """Return the position of a state.

        Raises ResolveError if it is that of other rows, and DatasetAssetsError if it is one of another epoch,
        order or shard.
        """
        expected = self.state(reading, rows, 0)
        _check_form(state, expected)
        raise_all(ResolveError, _changes(reading, rows, state))
        order = ("seed", "epoch", "shard")
        found = [name for name in order if _plain(state[name]) != expected[name]]
        raise_all(DatasetAssetsError, (_other(name, state[name], expected[name]) for name in found))
        position = state["position"]
        if not is_whole(position) or not 0 <= position <= len(self.shard.positions(rows)):
            raise DatasetAssetsError(
                Fault(f"the state has the position {shown(position)}", hint="start anew")
            )
        return position


def _check_form(state: Any, expected: Mapping[str, Any]) -> None:
    """Raise DatasetAssetsError if a state lacks an entry, or has one of another kind than `expected`."""
    given = state if isinstance(state, Mapping) else {}
    missing = [name for name in expected if name not in given]
    others = [] if missing else [name for name in _FORMS if not _FORMS[name](given[name])]
    if missing or others:
        what = f"lacks {listed(missing)}" if missing else f"has {shown(given[others[0]])} as {others[0]}"
        message = f"the state {what}"
        raise DatasetAssetsError(Fault(message, hint="pass the `state` of an iterator of `batches`"))


def _identity(reading: PinnedReading, rows: int) -> dict[str, Any]:
    pinned = reading.rows
    return {
        "dataset": pinned.dataset,
        "table_version": pinned.table_version,
        "publications": dict(pinned.versions),
        "selection": _selection_digest(reading.selection),
        "rows": rows,
    }


def _selection_digest(selection: RowSelection) -> str:
    """Return a digest of the parameters that select the rows. Columns are not among them."""
    names = ("split", "where", "include_deleted", "valid_at", "known_in", "history")
    return digest(f"{name}={getattr(selection, name)}" for name in names)


def _changes(reading: PinnedReading, rows: int, state: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a fault for each difference between the rows of a state and those that are selected."""
    now, dataset = _identity(reading, rows), reading.rows.dataset
    if state["dataset"] != dataset:
        hint = "pass a state of this dataset"
        yield Fault(f"the state is one of {shown(state['dataset'])}, not of {dataset}", hint=hint)
        return
    before = _plain(state["publications"])
    changed = [period for period, version in now["publications"].items() if before.get(period) != version]
    changed += [period for period in before if period not in now["publications"]]
    if changed:
        message = f"{dataset} changed since the state was taken: {listed(changed, 6)}"
        hint = f"read `version={state['table_version']}`, which the state is of, or start the epoch anew"
        yield Fault(message, hint=hint)
    elif state["selection"] != now["selection"]:
        yield Fault("the state is one of other rows", hint="pass the same `split`, `where` and other options")
    elif state["rows"] != rows:
        message = f"{dataset} has {rows:,} such rows, and had {state['rows']:,} when the state was taken"
        yield Fault(message, hint="start the epoch anew")


def _other(name: str, before: Any, now: Any) -> Fault:
    return Fault(f"the state has {name} {before}, and {name} is {now}", hint=f"pass {name}={_plain(before)}")


def _plain(value: Any) -> Any:
    """Return a value as JSON would give it back: a tuple as a list."""
    return list(value) if isinstance(value, tuple) else value


def check_order(epoch: int, shard: tuple[int, int]) -> None:
    """Raise DatasetAssetsError with all faults of an epoch and a shard."""
    raise_all(DatasetAssetsError, [*_faults_of_epoch(epoch), *_faults_of_shard(shard)])


def check_batches(batch_size: int, seed: int | None) -> None:
    """Raise DatasetAssetsError with all faults of a batch size and a seed."""
    faults = []
    if not is_whole(batch_size) or batch_size < 1:
        faults.append(Fault(f"batch_size is {shown(batch_size)}", hint="use a number of rows from 1"))
    if seed is not None and not is_whole(seed):
        faults.append(Fault(f"seed is {shown(seed)}", hint="use an integer, or None for the stored order"))
    raise_all(DatasetAssetsError, faults)


def _faults_of_epoch(epoch: int) -> Iterator[Fault]:
    if not is_whole(epoch) or epoch < 0:
        yield Fault(f"epoch is {shown(epoch)}", hint="use a number from 0")


def _faults_of_shard(shard: tuple[int, int]) -> Iterator[Fault]:
    numbers = tuple(shard) if isinstance(shard, tuple | list) else ()
    if len(numbers) != 2 or not all(map(is_whole, numbers)) or not 0 <= numbers[0] < numbers[1]:
        named = f"{shown(numbers[0])} of {shown(numbers[1])}" if len(numbers) == 2 else shown(shard)
        yield Fault(f"shard is {named}", hint="use (index, count) with an index from 0 to count - 1")


def is_whole(value: Any) -> bool:
    """Return whether a value is an integer, and no boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


_FORMS: Mapping[str, Callable[[Any], bool]] = {
    "publications": lambda value: isinstance(value, Mapping),
    "table_version": is_whole,
    "rows": is_whole,
}
"""Entry of a state → whether a value has its form. All other entries are compared with the expected value."""
