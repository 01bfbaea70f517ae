"""The files of `datasets/` on their way to a catalog: read, built as far as possible, checked together."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dataset_assets.catalog.nesting import MAX_DEPTH, Nesting
from dataset_assets.catalog.partial_models import repaired
from dataset_assets.catalog.rule_input import Loc, RuleInput
from dataset_assets.catalog.rules import ROOT, check
from dataset_assets.catalog.users import Users
from dataset_assets.catalog.versions import Lock, read_lock
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Named, Scope
from dataset_assets.errors import ContractError, Fault, first_faults
from dataset_assets.periods.calendar import Calendars
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import Document, read_file


@dataclass(frozen=True)
class ParsedFile:
    """A file before it meets the others. `dataset` may be a repaired one; then `doubts` are the repairs."""

    path: Path
    document: Document | None
    dataset: Dataset | None
    doubts: frozenset[Loc]
    faults: tuple[Fault, ...]
    lock: Lock

    @property
    def is_whole(self) -> bool:
        """Whether `dataset` is what the file says."""
        return self.dataset is not None and not self.faults


def parsed(path: Path, read: Callable[[Path], Document] = read_file) -> ParsedFile:
    """Reads a file and its lock. Faults become part of the draft."""
    lock = read_lock(path.with_suffix(".lock"))
    dataset, doubts, faults, document = None, frozenset[Loc](), (), None
    try:
        document = read(path)
        dataset = build(document, Dataset, ROOT)
    except ContractError as error:
        faults = error.faults
        if document and isinstance(document.data, dict):
            dataset, doubts = repaired(document.data.get(ROOT))
    if dataset and dataset.id is None and lock.id:
        dataset = dataset.model_copy(update={"id": lock.id})
    return ParsedFile(path, document, dataset, doubts, faults, lock)


def checked(
    drafts: Mapping[str, ParsedFile], calendars: Calendars | None, users: Users | None
) -> Iterator[tuple[str, tuple[Fault, ...]]]:
    """(stem, all faults) of every draft, nested Datasets first: a broken one breaks what contains it."""
    nesting = Nesting({stem: each.dataset for stem, each in drafts.items() if each.dataset})
    namesakes: dict[str, list[str]] = defaultdict(list)
    for stem in drafts:
        namesakes[stem.lower()].append(stem)
    sound: dict[object, Named] = {}
    for stem in (*nesting.order(), *(stem for stem, each in drafts.items() if not each.dataset)):
        each = drafts[stem]
        found: tuple[Fault, ...] = ()
        if each.dataset and each.document:
            about = RuleInput(
                stem=stem,
                dataset=each.dataset,
                scope=Scope(each.dataset, sound.get),
                calendars=calendars,
                users=users,
                lock=each.lock,
                same_id_files=_unlocked_copies(drafts, stem, nesting.same_id_files(stem, each.dataset.id)),
                namesakes=tuple(name for name in namesakes[stem.lower()] if name != stem),
                why_not=partial(nesting.why_not, stem),
                doubts=each.doubts,
            )
            found = check(about, each.document)
        faults = (*first_faults(sorted((*each.faults, *found), key=_place)), *each.lock.faults)
        if each.dataset and each.dataset.id and not faults and nesting.depth(stem) < MAX_DEPTH:
            sound[each.dataset.id] = Named(stem, each.dataset, sound.get)
        yield stem, faults


def _unlocked_copies(drafts: Mapping[str, ParsedFile], stem: str, found: tuple[str, ...]) -> tuple[str, ...]:
    """A file that is locked owns its id; a copy of it is at fault alone, unless its lock was copied too."""
    own = drafts[stem]
    if own.dataset and own.lock.id == own.dataset.id:
        return tuple(other for other in found if drafts[other].lock.id == own.lock.id)
    return found


def _place(fault: Fault) -> tuple[int, int, str]:
    position = fault.position
    return (position.line, position.column, fault.field) if position else (0, 0, fault.field)
