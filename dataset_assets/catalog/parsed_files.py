"""Parse the files of `datasets/`, each by itself, and check them against the rules, all together."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dataset_assets.catalog.checked_files import CheckedFiles
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
from dataset_assets.text.digest import digest
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
    files: Mapping[str, ParsedFile],
    calendars: Calendars | None,
    users: Users | None,
    known: CheckedFiles | None = None,
) -> Iterator[tuple[str, tuple[Fault, ...]]]:
    """Yield (stem, all faults) of every file, nested Datasets first: a broken one breaks what contains it.

    The rules are not applied to files that are `known` to have no fault.
    """
    yield from _Checks(files, calendars, users, known).run()


class _Checks:
    """One check of all files. `valid` and `keys` are of the Datasets without faults so far, by id."""

    def __init__(
        self,
        files: Mapping[str, ParsedFile],
        calendars: Calendars | None,
        users: Users | None,
        known: CheckedFiles | None,
    ) -> None:
        self.files, self.calendars, self.users, self.known = files, calendars, users, known
        self.nesting = Nesting({stem: each.dataset for stem, each in files.items() if each.dataset})
        self.namesakes: dict[str, list[str]] = defaultdict(list)
        for stem in files:
            self.namesakes[stem.lower()].append(stem)
        self.valid: dict[object, NamedDataset] = {}
        self.keys: dict[object, str] = {}
        texts = (each.model_dump_json() if each else "" for each in (calendars, users))
        self.shared = digest(texts) if known else ""

    def run(self) -> Iterator[tuple[str, tuple[Fault, ...]]]:
        """Yield (stem, all faults) of every file."""
        unreadable = (stem for stem, each in self.files.items() if not each.dataset)
        for stem in (*self.nesting.order(), *unreadable):
            each = self.files[stem]
            key = self._key(stem, each)
            rule_faults = self._rule_faults(stem, each, key)
            faults = (*first_faults(sorted((*each.faults, *rule_faults), key=_place)), *each.lock.faults)
            id_ = each.dataset.id if each.dataset else None
            if each.dataset and id_ and not faults and self.nesting.depth(stem) < MAX_DEPTH:
                self.valid[id_] = NamedDataset(stem, each.dataset, self.valid.get)
                self.keys[id_] = key
            yield stem, faults

    def _key(self, stem: str, each: ParsedFile) -> str:
        """Return a digest of all that the rules read of a file; empty if they read more than files."""
        others = len(self.namesakes[stem.lower()]) > 1
        if not self.known or not each.dataset or not each.document or not each.document.sha256 or others:
            return ""
        if each.faults or each.lock.faults or self.nesting.same_id_files(stem, each.dataset.id):
            return ""
        nested = [self.keys.get(id_, "") for id_ in each.dataset.nested_ids()]
        own = (self.shared, stem, each.document.sha256, each.lock.sha256)
        return digest((*own, *nested)) if all(nested) else ""

    def _rule_faults(self, stem: str, each: ParsedFile, key: str) -> tuple[Fault, ...]:
        """Return the faults that the rules find. They are not applied if they are known to find none."""
        if not each.dataset or not each.document or (key and self.known and self.known.is_faultless(key)):
            return ()
        same_id = self.nesting.same_id_files(stem, each.dataset.id)
        inputs = RuleInput(
            stem=stem,
            dataset=each.dataset,
            scope=Scope(each.dataset, self.valid.get, self.calendars or Calendars()),
            calendars=self.calendars,
            users=self.users,
            lock=each.lock,
            same_id_files=_unlocked_copies(self.files, stem, same_id),
            namesakes=tuple(name for name in self.namesakes[stem.lower()] if name != stem),
            unusable_reason=partial(self.nesting.unusable_reason, stem),
            placeholders=each.placeholders,
        )
        faults = check(inputs, each.document)
        if key and self.known and not faults:
            self.known.keep_faultless(key)
        return faults


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
