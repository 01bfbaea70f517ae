"""Parse the files of `datasets/`, each by itself, and check them against the rules, all together."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dataset_assets.catalog.nesting import MAX_DEPTH, Nesting
from dataset_assets.catalog.partial_dataset import partial_dataset
from dataset_assets.catalog.rule_input import Loc, RuleInput
from dataset_assets.catalog.rules import ROOT, check
from dataset_assets.catalog.users import Users
from dataset_assets.catalog.versions import Lock, read_lock
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import NamedDataset, Scope
from dataset_assets.errors import ContractError, Fault, first_faults
from dataset_assets.periods.cadence import Calendars
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import Document, read_file


@dataclass(frozen=True)
class ParsedFile:
    """One file of `datasets/` that was parsed by itself.

    `dataset` is None if nothing of the file can be understood. If parts cannot be understood, it has
    placeholders there, and `placeholders` are their places.
    """

    path: Path
    document: Document | None
    dataset: Dataset | None
    placeholders: frozenset[Loc]
    faults: tuple[Fault, ...]
    lock: Lock

    @property
    def is_whole(self) -> bool:
        """Whether the whole file was understood, so that `dataset` has no placeholders."""
        return self.dataset is not None and not self.faults


def parse_file(path: Path, read: Callable[[Path], Document] = read_file) -> ParsedFile:
    """Read a file and its lock. Raises nothing: faults become part of the result."""
    lock = read_lock(path.with_suffix(".lock"))
    dataset, placeholders, faults, document = None, frozenset[Loc](), (), None
    try:
        document = read(path)
        dataset = build(document, Dataset, ROOT)
    except ContractError as error:
        faults = error.faults
        if document and isinstance(document.data, dict):
            dataset, placeholders = partial_dataset(document.data.get(ROOT))
    if dataset and dataset.id is None and lock.id:
        dataset = dataset.model_copy(update={"id": lock.id})
    return ParsedFile(path, document, dataset, placeholders, faults, lock)


def check_files(
    files: Mapping[str, ParsedFile], calendars: Calendars | None, users: Users | None
) -> Iterator[tuple[str, tuple[Fault, ...]]]:
    """Yield (stem, all faults) of every file, nested Datasets first: a broken one breaks what contains it."""
    nesting = Nesting({stem: each.dataset for stem, each in files.items() if each.dataset})
    namesakes: dict[str, list[str]] = defaultdict(list)
    for stem in files:
        namesakes[stem.lower()].append(stem)
    valid: dict[object, NamedDataset] = {}
    for stem in (*nesting.order(), *(stem for stem, each in files.items() if not each.dataset)):
        each = files[stem]
        rule_faults: tuple[Fault, ...] = ()
        if each.dataset and each.document:
            inputs = RuleInput(
                stem=stem,
                dataset=each.dataset,
                scope=Scope(each.dataset, valid.get),
                calendars=calendars,
                users=users,
                lock=each.lock,
                same_id_files=_unlocked_copies(files, stem, nesting.same_id_files(stem, each.dataset.id)),
                namesakes=tuple(name for name in namesakes[stem.lower()] if name != stem),
                unusable_reason=partial(nesting.unusable_reason, stem),
                placeholders=each.placeholders,
            )
            rule_faults = check(inputs, each.document)
        faults = (*first_faults(sorted((*each.faults, *rule_faults), key=_place)), *each.lock.faults)
        if each.dataset and each.dataset.id and not faults and nesting.depth(stem) < MAX_DEPTH:
            valid[each.dataset.id] = NamedDataset(stem, each.dataset, valid.get)
        yield stem, faults


def _unlocked_copies(files: Mapping[str, ParsedFile], stem: str, same_id: tuple[str, ...]) -> tuple[str, ...]:
    """Return the files to blame for an id that several have.

    The file whose lock has the id owns it, so that only unlocked copies are reported. If the lock was copied
    too, no copy can be distinguished from the original.
    """
    own = files[stem]
    if own.dataset and own.lock.id == own.dataset.id:
        return tuple(other for other in same_id if files[other].lock.id == own.lock.id)
    return same_id


def _place(fault: Fault) -> tuple[int, int, str]:
    position = fault.position
    return (position.line, position.column, fault.field) if position else (0, 0, fault.field)
