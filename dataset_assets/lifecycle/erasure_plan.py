"""Find what an erasure is about: the publications with the rows, and the datasets that copied of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlglot import exp

from dataset_assets.errors import DatasetAssetsError, Fault, PublishError, WhereError
from dataset_assets.lifecycle.row_erasers import RowEraser
from dataset_assets.ports.engine import Session
from dataset_assets.ports.erasure import EarlierPublication
from dataset_assets.ports.warehouse import PublicationQuery, Warehouse


@dataclass(frozen=True)
class Matching:
    """A publication with rows to erase; all of them if `condition` is None, because which is not known."""

    publication: EarlierPublication
    condition: exp.Expr | None
    rows: int


@dataclass(frozen=True)
class DatasetPlan:
    """What is erased of one table; `nests` names the dataset whose values it copied.

    `output_of` names the dataset of a Project's output.
    """

    dataset: str
    eraser: RowEraser
    nests: str | None = None
    output_of: str | None = None

    def current(self, warehouse: Warehouse, session: Session) -> list[Matching]:
        """Return the current publications with such rows. Raises DatasetAssetsError if one hides which."""
        periods = warehouse.periods(self.dataset, session)
        found = warehouse.publications(PublicationQuery(self.dataset, periods), session)
        publications = (
            EarlierPublication(
                dataset=self.dataset,
                period=each.period,
                table_version=each.version,
                record=each.record,
                source=each.relation.source,
                pinned=True,
            )
            for each in found
        )
        return [each for publication in publications for each in self.matching(publication, session)]

    def earlier(self, warehouse: Warehouse, session: Session) -> list[Matching]:
        """Return the earlier publications that have such rows."""
        found = warehouse.earlier_publications(self.dataset, session)
        return [each for publication in found for each in self.matching(publication, session)]

    def everywhere(self, warehouse: Warehouse, session: Session) -> list[Matching]:
        """Return the current and the earlier publications with such rows. Raises as `current` does."""
        return [*self.current(warehouse, session), *self.earlier(warehouse, session)]

    def matching(self, publication: EarlierPublication, session: Session) -> Iterator[Matching]:
        """Yield the publication if it has such rows.

        Raises DatasetAssetsError if a pinned one does not show which rows.
        """
        try:
            condition = self.eraser.condition(publication.record)
        except DatasetAssetsError as error:
            if publication.pinned:
                raise _in_publication(publication, error) from None
            yield Matching(publication, None, 0)
            return
        if condition is not None:
            stored = publication.stored
            rows = _count(publication.source, condition, session)
            if rows or (stored is not None and _count(stored, condition, session)):
                yield Matching(publication, condition, rows)


def _count(rows: exp.Expr, condition: exp.Expr, session: Session) -> int:
    count = exp.alias_(exp.Count(this=exp.Star()), "n")
    [found] = session.rows(exp.select(count).from_(rows.copy()).where(condition.copy()))
    return int(found["n"])


def _in_publication(publication: EarlierPublication, error: DatasetAssetsError) -> DatasetAssetsError:
    """Return the error with the name of the publication. Nothing of a condition is shown but its columns."""
    of = f" of {publication.period}" if publication.period else ""
    where = f"{publication.dataset}{of}, table version {publication.table_version}"
    if isinstance(error, WhereError):
        return WhereError(*(replace(each, message=f"{each.message} ({where})") for each in error.faults))
    hint = "publish it again, or unpin it, then erase again"
    return PublishError(*(Fault(f"{where}: {each.message}", hint=each.hint or hint) for each in error.faults))
