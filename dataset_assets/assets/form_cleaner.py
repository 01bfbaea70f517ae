"""Take conditions and labels out of the forms of the jobs that change rows, as stored with runs."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from dataset_assets.assets.event_cleaner import Json, checked, parsed
from dataset_assets.assets.row_jobs import FORMS
from dataset_assets.catalog.catalog import Catalog
from dataset_assets.lifecycle.erased_records import without_texts


@dataclass(frozen=True)
class FormCleaner:
    """Cleans the forms that name one of some datasets; `names` are their stems and ids."""

    names: Collection[str]

    @classmethod
    def of(cls, catalog: Catalog, stems: Sequence[str]) -> Self:
        """Return the cleaner for published tables: a form names a dataset by its stem or its id."""
        datasets = [entry.dataset for stem in stems if (entry := catalog.named(stem)) and entry.dataset]
        return cls({*stems, *(str(each.id) for each in datasets)})

    @property
    def texts(self) -> list[str]:
        """Texts of which a stored run with such a form has one."""
        return [f'"{name}"' for name in sorted(self.names)]

    def clean(self, text: str) -> str:
        """Return a stored run without conditions and labels. Raises UnreadableError if it has to stay."""
        stored = parsed(text)
        config = stored.get("run_config")
        ours = dict(self._forms(config))
        if not isinstance(config, dict) or not ours:
            return text
        ops = config["ops"] | {
            op: {**config["ops"][op], "config": without_texts(form)} for op, form in ours.items()
        }
        return checked(text, stored, {**stored, "run_config": {**config, "ops": ops}})

    def steps(self, config: Any) -> list[str]:
        """Return the steps of a run whose forms name one of the datasets."""
        return [op for op, _ in self._forms(config)]

    def _forms(self, config: Any) -> Iterator[tuple[str, Json]]:
        ops = config.get("ops") if isinstance(config, Mapping) else None
        for op, given in ops.items() if isinstance(ops, Mapping) else ():
            form = given.get("config") if isinstance(given, Mapping) else None
            if not isinstance(form, Mapping) or not op.startswith(tuple(each.job_name for each in FORMS)):
                continue
            if str(form.get("dataset")) in self.names:
                yield op, form
