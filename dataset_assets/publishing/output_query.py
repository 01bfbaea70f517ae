"""The queries of one run of an output: its rows, and how many of them are new, changed or touched."""

from dataclasses import dataclass

from sqlglot import exp

from dataset_assets.cached_property import cached_property
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import Publication
from dataset_assets.publishing.output_sources import OutputSources
from dataset_assets.publishing.publish_outcome import RefreshCounts
from dataset_assets.rows.counting import count_rows
from dataset_assets.rows.output_rows import (
    IS_SAME,
    WAS_VISIBLE,
    EarlierOutput,
    OutputStamp,
    published_rows,
    rows_after,
    stamped_rows,
    touched_by,
)
from dataset_assets.rows.visible_rows import deleted_rows
from dataset_assets.sql.build import column


@dataclass(frozen=True)
class RowCounts:
    """The numbers of rows of an output, compared with the publication before.

    `deleted` counts the deleted rows in the table, `touched` the rows that each operation touched.
    `are_as_before` says that no row is new, gone or different in any column.
    """

    refresh: RefreshCounts
    deleted: int
    touched: tuple[int, ...]
    are_as_before: bool


@dataclass(frozen=True)
class OutputQuery:
    """The queries of one run of an output."""

    sources: OutputSources
    before: EarlierOutput
    stamp: OutputStamp

    @cached_property
    def rows(self) -> exp.Query:
        """The rows as they are published."""
        return published_rows(self._stamped, self._names, include_deleted=self._includes_deleted)

    def counted(self, previous: Publication | None, session: Session) -> RowCounts:
        """Count the rows in one pass over them."""
        is_visible, was_visible, is_same = exp.not_(column("_deleted")), column(WAS_VISIBLE), column(IS_SAME)
        kept = exp.and_(is_visible, was_visible)
        published = exp.true() if self._includes_deleted else is_visible
        conditions = {
            "all_rows": published,
            "same": exp.and_(published, is_same),
            "visible": is_visible,
            "kept": kept,
            "changed": exp.and_(kept, exp.not_(is_same)),
        }
        n = count_rows(session, self._stamped, conditions | {mark: column(mark) for mark in self._marks})
        record = previous.record if previous else {}
        earlier = int(record["counts"]["rows"]) if record else 0
        before = earlier + deleted_rows(record) if record else -1
        refresh = RefreshCounts.compared(n["visible"], n["kept"], n["changed"], earlier)
        return RowCounts(
            refresh=refresh,
            deleted=n["all_rows"] - n["visible"],
            touched=tuple(n[mark] for mark in self._marks),
            are_as_before=n["same"] == n["all_rows"] == before,
        )

    @property
    def _includes_deleted(self) -> bool:
        return self.sources.request.output.step.include_deleted

    @property
    def _marks(self) -> list[str]:
        return [touched_by(index) for index, _ in enumerate(self.sources.operations)]

    @property
    def _names(self) -> list[str]:
        return [each.name for each in self.sources.published.stored]

    @cached_property
    def _stamped(self) -> exp.Subquery:
        relations = [each.relation.source for each in self.sources.publications]
        names = [each.name for each in self.sources.columns.stored]
        rows = rows_after(relations, names, self.sources.operations)
        return stamped_rows(rows, self.before, self._names, self._marks, self.stamp).subquery("_stamped")
