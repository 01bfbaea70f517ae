"""Find publications that may have copied values of rows that an interrupted erasure has removed already."""

from dataclasses import dataclass
from datetime import datetime

from typing_extensions import override

from dataset_assets.cached_property import cached_property
from dataset_assets.errors import Fault, PublishError
from dataset_assets.lifecycle.erased_records import marks_of
from dataset_assets.lifecycle.row_erasers import RowEraser
from dataset_assets.ports.engine import Session
from dataset_assets.ports.erasure import DependentTable, Erasure
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.publishing.recorded_columns import NESTED
from dataset_assets.publishing.snapshot import latest_inputs


@dataclass(frozen=True)
class UnknownCopies(RowEraser):
    """Means no row of a table that an interrupted erasure has changed: what was copied is not known any more.

    A publication that was made since then, of rows that are gone, does not show which of its rows are meant.
    """

    warehouse: Warehouse
    session: Session
    table: DependentTable
    erasure: Erasure

    @override
    def condition(self, record: Record) -> None:
        """Raise PublishError for a publication since the erasure began that read rows which are gone."""
        is_own = record.get("operation", {}).get("erasure") == self.erasure.id
        is_later = datetime.fromisoformat(record["published_at"]) >= self.erasure.begun_at
        if is_later and not is_own and not marks_of(self.erasure.id, [record]) and self._read_gone(record):
            message = f"it was made of rows of {self._source} that are gone"
            raise PublishError(Fault(message, hint="publish it again, or unpin it, then erase again"))

    @override
    def columns_of(self, record: Record) -> None:
        """Return None: which columns had copied values is not known any more."""

    @property
    def _source(self) -> str:
        return self.table.output_of or self.table.nests or ""

    def _read_gone(self, record: Record) -> bool:
        """Return whether a publication read one of the source that has no rows any more."""
        name = f"{NESTED}{self._source}"
        read = {
            digest
            for key, digest in latest_inputs(record)["sources"].items()
            if key == name or key.startswith(f"{name}/")
        }
        return not read <= self._kept

    @cached_property
    def _kept(self) -> set[str]:
        """The digests of the publications of the source that this erasure has not removed."""
        records = self.warehouse.all_records(self._source, self.session)
        return {
            each["digest"]
            for each in records
            if each and not any(mark["outcome"] == "removed" for _, mark in marks_of(self.erasure.id, [each]))
        }
