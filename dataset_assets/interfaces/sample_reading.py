"""Read samples that `materialize --sample` wrote (BR-138)."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from dataset_assets.contract.scope import sensitive_names
from dataset_assets.errors import Fault, ResolveError, UnsupportedError, raise_all
from dataset_assets.interfaces.row_selection import RowSelection, named_columns, split_value_of
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.samples import StoredSample
from dataset_assets.selection.sample import EMPTY, Sample
from dataset_assets.selection.splits import SPLIT_COLUMN
from dataset_assets.sql.build import alias_table, column, number
from dataset_assets.sql.where.where import Where, parse_where
from dataset_assets.text.wording import listed

if TYPE_CHECKING:
    import pyarrow as pa

_OF_PUBLICATIONS = (
    "version", "with_system", "include_deleted", "valid_at", "known_in", "history"
)  # fmt: skip
"""The options of a publication that a sample lacks, because it has no system columns."""


@dataclass(frozen=True)
class SampleRows:
    """Rows of samples that can be read while their session is open, those of each Period after another."""

    session: Session
    samples: tuple[Relation, ...]
    columns: tuple[str, ...]
    sensitive: frozenset[str]
    split: int | None
    limit: int | None
    where: Where | None

    @property
    def total(self) -> int:
        """Number of rows, not counting the limit."""
        count = exp.alias_(exp.Count(this=exp.Star()), "row_count")
        counts = (self.session.rows(self._filtered(each, count))[0]["row_count"] for each in self.samples)
        return sum(map(int, counts))

    def tables(self) -> "Iterator[pa.Table]":
        """Yield one Arrow table for each Period, at least one; its rows are in the order of all columns."""
        remaining = self.limit
        for each in self.samples:
            query = self._filtered(each, *map(column, self.columns))
            query = query.order_by(
                *(exp.Ordered(this=column(name), nulls_first=True) for name in self.columns)
            )
            table = self.session.arrow(query if remaining is None else query.limit(remaining))
            yield table
            remaining = None if remaining is None else remaining - table.num_rows
            if remaining == 0:
                return

    def _filtered(self, sample: Relation, *shown: exp.Expr) -> exp.Select:
        query = exp.select(*shown).from_(alias_table(sample.source, "sampled"))
        if self.split is not None:
            query = query.where(exp.EQ(this=column(SPLIT_COLUMN), expression=number(self.split)))
        return query.where(self.where.condition()) if self.where else query


@contextmanager
def open_sample(workspace: Workspace, selection: RowSelection, share: str) -> Generator[SampleRows]:
    """Open a session and yield the rows of the sample of this share.

    Columns are sensitive that the file marks so, or did when the sample was written, or does not have.
    Raises ResolveError if there is no such sample or if those of several Periods have different columns, and
    UnsupportedError for what samples do not have.
    """
    _check(selection)
    sample = EMPTY if share == str(EMPTY) else Sample.parse(share)
    entry, warehouse = workspace.catalog.entry(selection.name), workspace.target.warehouse
    with workspace.target.engine.connect(JobContext(entry.stem)) as session:
        stored = _chosen(warehouse.samples(session), entry.stem, sample, selection.partition)
        relations = tuple(warehouse.sample_rows(each, session) for each in stored)
        last = relations[-1]
        names = [each.name for each in last.columns]
        _check_columns(selection, stored, relations)
        columns = named_columns(selection, names) if selection.columns else tuple(names)
        sensitive = sensitive_names([workspace.catalog.scope(entry)], names)
        sensitive |= frozenset(name for each in stored for name in each.record.sensitive)
        types = {each.name: each.type.value for each in last.columns}
        yield SampleRows(
            session,
            relations,
            columns,
            sensitive.intersection(columns),
            split_value_of(entry.stem, workspace.catalog.checked(entry).split_config, selection.split),
            selection.limit,
            parse_where(selection.where, types) if selection.where is not None else None,
        )


def _check(selection: RowSelection) -> None:
    used = [name for name in _OF_PUBLICATIONS if getattr(selection, name) not in (None, False)]
    hint = "leave it out, or leave out --sample"
    raise_all(
        UnsupportedError,
        (Fault(f"a sample has no --{name.replace('_', '-')}", hint=hint) for name in used),
    )


def _check_columns(
    selection: RowSelection, stored: Sequence[StoredSample], relations: Sequence[Relation]
) -> None:
    """Raise ResolveError if the samples do not have the same columns, or no split that is asked for."""
    hint = "materialize the sample anew"
    found = [{(each.name, each.type) for each in relation.columns} for relation in relations]
    differing = [each.record.period for each, own in zip(stored, found, strict=True) if own != found[-1]]
    if differing:
        periods = listed(str(each) for each in differing)
        message = f"samples of {periods} have other columns than that of {stored[-1].record.period}"
        raise ResolveError(Fault(message, hint=f"name one with --partition, or {hint}"))
    if selection.split is not None and SPLIT_COLUMN not in {name for name, _ in found[-1]}:
        raise ResolveError(Fault(f"the sample of {selection.name} was written without a split", hint=hint))


def _chosen(
    samples: Sequence[StoredSample], dataset: str, sample: Sample, period: str | None
) -> list[StoredSample]:
    own = [each for each in samples if each.record.dataset == dataset]
    found = [
        each
        for each in own
        if each.record.sample == str(sample) and (period is None or each.record.period == period)
    ]
    if not found:
        of = f" of {period}" if period else ""
        there = listed(f"{each.record.period or 'all rows'} {each.record.sample}" for each in own)
        command = f"run `dataset-assets materialize {dataset} --sample {sample}`"
        hint = f"there are: {there}" if own else command
        raise ResolveError(Fault(f"there is no sample {sample} of {dataset}{of}", hint=hint))
    return found
