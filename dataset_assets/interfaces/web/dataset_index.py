"""Answer lists of datasets from memory: the files' contents, and the target's records of publications.

What the files say is computed once for a catalog. What the target records is read for the datasets that are
shown; when it is older than FRESH_SECONDS it is read again in the background, so that no list waits twice.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.model import Status
from dataset_assets.lifecycle.listing import (
    ListedDataset,
    ListedFacts,
    listed_dataset,
    listed_facts,
    with_facts,
)
from dataset_assets.ports.target import Target

FRESH_SECONDS = 30.0
"""The age from which the facts of a dataset's publications are read again."""


@dataclass(frozen=True)
class ListQuery:
    """Which datasets a list has: all words of `search` occur in a dataset's names, owner, model or tables.

    Archived datasets are listed if their status is asked for, or with `archived`.
    """

    search: str = ""
    status: Status | None = None
    ml_model: str | None = None
    archived: bool = False

    def takes(self, listed: ListedDataset, text: str) -> bool:
        """Whether a dataset is in the list; `text` is what the search looks in."""
        if self.ml_model is not None and listed.ml_model != self.ml_model:
            return False
        if self.status is not None and listed.status is not self.status:
            return False
        if self.status is None and not self.archived and listed.status is Status.ARCHIVED:
            return False
        return all(word in text for word in self.search.lower().split())


class DatasetIndex:
    """The lists of one server. Any number of threads can ask for them."""

    def __init__(self, open_target: Callable[[], Target]) -> None:
        self._open_target = open_target
        self._files: tuple[Catalog, tuple[tuple[ListedDataset, str], ...]] | None = None
        self._known: dict[str, tuple[float, ListedFacts]] = {}
        self._reading = Lock()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="facts")
        self._refreshing: set[str] = set()

    def matching(self, catalog: Catalog, query: ListQuery) -> list[ListedDataset]:
        """Return the datasets of a list by stem, without facts of their publications."""
        return [listed for listed, text in self._indexed(catalog) if query.takes(listed, text)]

    def models(self, catalog: Catalog) -> list[str]:
        """Return the models that datasets name, sorted."""
        return sorted({listed.ml_model for listed, _ in self._indexed(catalog) if listed.ml_model})

    def described(self, chosen: Sequence[ListedDataset]) -> tuple[list[ListedDataset], tuple[str, ...]]:
        """Return datasets with the facts of their publications, and why some are missing."""
        facts = self._facts([each.dataset for each in chosen if not each.faults])
        remarks = dict.fromkeys(remark for each in facts.values() for remark in each.remarks)
        described = [with_facts(each, facts.get(each.dataset, ListedFacts())) for each in chosen]
        return described, tuple(remarks)

    def forget(self, stem: str) -> None:
        """Read the facts of a dataset again when they are needed: it was published or used."""
        self._known.pop(stem, None)

    def close(self) -> None:
        """Read nothing any more."""
        self._background.shutdown(wait=False, cancel_futures=True)

    def _indexed(self, catalog: Catalog) -> tuple[tuple[ListedDataset, str], ...]:
        files = self._files
        if files is None or files[0] is not catalog:
            listed = (listed_dataset(catalog, entry) for entry in catalog.entries.values())
            files = self._files = (catalog, tuple((each, _text(each)) for each in listed))
        return files[1]

    def _facts(self, stems: Sequence[str]) -> Mapping[str, ListedFacts]:
        """Return what is known of each dataset; read what is not known, and begin to read what is old."""
        if any(stem not in self._known for stem in stems):
            with self._reading:  # two lists that need the same facts read them once
                self._read([stem for stem in stems if stem not in self._known])
        known = {stem: found for stem in stems if (found := self._known.get(stem))}
        self._refresh([stem for stem, (read_at, _) in known.items() if monotonic() - read_at > FRESH_SECONDS])
        return {stem: facts for stem, (_, facts) in known.items()}

    def _refresh(self, stems: Sequence[str]) -> None:
        due = [stem for stem in stems if stem not in self._refreshing]
        if due:
            self._refreshing.update(due)
            self._background.submit(self._read, due)

    def _read(self, stems: Sequence[str]) -> None:
        if not stems:
            return
        try:
            found, now = listed_facts(stems, self._open_target), monotonic()
            for stem in stems:
                self._known[stem] = (now, _facts_of(stem, found))
        finally:
            self._refreshing.difference_update(stems)


def _facts_of(stem: str, found: ListedFacts) -> ListedFacts:
    publications = {stem: found.publications[stem]} if stem in found.publications else {}
    used = {stem: found.used[stem]} if stem in found.used else {}
    return ListedFacts(publications, used, found.faults)


def _text(listed: ListedDataset) -> str:
    names = (listed.dataset, listed.name, listed.description, listed.owner, listed.ml_model, *listed.tables)
    return " ".join(name for name in names if name).lower()
