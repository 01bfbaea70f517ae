"""Marks by which a warehouse says, without reading rows, which datasets were published since."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataset_assets.ports.engine import Session

CONFIRMATION = "affirmed"
"""The record's key for the inputs of the latest run that selected the same rows."""
LOADED_PERIODS = "loaded_periods"
"""The key of a bitemporal table's record for its loads, by the id of the Period, in the order of the ids."""


@dataclass(frozen=True)
class RecordMarks:
    """A mark for each dataset with publications: it changes whenever one of the dataset's records does.

    `store` is the state of the store that the marks were read from, if one store has those of all datasets.
    """

    by_dataset: Mapping[str, str]
    store: str = ""


class RecordMarker(ABC):
    """The part of a warehouse that says which records may have changed, and reads those of many datasets."""

    @abstractmethod
    def record_marks(self, datasets: Sequence[str], session: Session, before: RecordMarks) -> RecordMarks:
        """Return the marks of the datasets; a dataset without publications has none.

        If no record changed since the marks `before` were read, only metadata is read, and nothing is billed.
        """

    def records_of_many(
        self,
        datasets: Sequence[str],  # noqa: ARG002
        session: Session,  # noqa: ARG002
    ) -> Mapping[str, Mapping[str | None, Mapping[str, Any]]]:
        """Return the record of each published Period of these datasets, if one query reads them all.

        Without such a query the result is empty: each dataset has a store of its own.
        """
        return {}
