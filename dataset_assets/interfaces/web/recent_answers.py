"""Keep rendered answers for a moment, so that many equal requests are answered by one rendering."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from threading import Lock
from time import monotonic

from dataset_assets.catalog.catalog import Catalog

FRESH_SECONDS = 1.0
"""How long an answer is kept; as long as the catalog, which can be that old as well."""
KEPT = 256
"""How many answers are kept; the oldest are forgotten first."""


@dataclass
class RecentAnswers:
    """Rendered answers by what was asked, all of one catalog. Any number of threads can ask for them."""

    _catalog: Catalog | None = None
    _answers: OrderedDict[Hashable, tuple[float, bytes]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def get(self, key: Hashable, catalog: Catalog, render: Callable[[], bytes]) -> bytes:
        """Return the answer for a key, rendered from this catalog less than a second ago, or now."""
        known = self._known(key, catalog)
        if known is not None:
            return known
        rendered = (monotonic(), render())
        with self._lock:
            if catalog is self._catalog:
                self._answers[key] = rendered
                self._answers.move_to_end(key)
                while len(self._answers) > KEPT:
                    self._answers.popitem(last=False)
        return rendered[1]

    def _known(self, key: Hashable, catalog: Catalog) -> bytes | None:
        """Return an answer that is fresh. Answers of another catalog are forgotten."""
        with self._lock:
            if catalog is not self._catalog:
                self._catalog = catalog
                self._answers.clear()
            known = self._answers.get(key)
        return known[1] if known and monotonic() - known[0] < FRESH_SECONDS else None
