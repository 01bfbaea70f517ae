"""Plan the publications of a target after it adopts this folder's definitions, for a pull request.

Only metadata is read, and rows of datasets that were published in both targets, to compare them. Nothing is
published, claimed or locked (BR-140).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.discovery.cost import estimate_cost
from dataset_assets.errors import ContractError, DatasetAssetsError, Fault
from dataset_assets.lifecycle.changed_definitions import (
    ChangedDefinition,
    changed_definition,
    new_definition,
)
from dataset_assets.lifecycle.compare_rows import SideRequest, compare_rows
from dataset_assets.lifecycle.target_change import DatasetChange, PlanAgainst, RowsHere, State
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.as_of_choice import default_as_of
from dataset_assets.publishing.continuity import column_conflicts
from dataset_assets.publishing.output_sources import OUTPUT
from dataset_assets.staleness.plan import Plan, plan_all
from dataset_assets.staleness.reasons import Reason, StalenessReason, StalePublication
from dataset_assets.staleness.source_states import SourceStates
from dataset_assets.system_errors import system_errors_as_faults

_NEW = Reason(StalenessReason.NEW)
_OF_DEFINITION = {StalenessReason.VERSION, StalenessReason.NOT_REUSABLE}
"""The reasons that the definitions give, unlike sources that changed."""


@system_errors_as_faults()
def plan_against(catalog: Catalog, target: Target, other: Target, name: str | None = None) -> PlanAgainst:
    """Return what changes in the target `other`, for all datasets or for one and those that read it.

    `target` is the own one, whose publications are compared with those of the other. Raises ContractError if
    both are the same, and DatasetAssetsError if the other one cannot be read.
    """
    if target.name == other.name:
        message = f"the target {target.name!r} cannot be compared with itself"
        raise ContractError(Fault(message, hint="name another one with --against or --target"))
    found = _Comparison.of(catalog, target, other)
    wanted = None if name is None else found.with_readers(catalog.entry(name).stem)
    changes = tuple(each for each in found.changes() if wanted is None or each.dataset in wanted)
    return PlanAgainst(target=target.name, against=other.name, datasets=changes)


@dataclass(frozen=True)
class _Comparison:
    """The definitions of the catalog, and what the other target has published.

    `records` are those of the last Period, by stem, `published` all Periods, `refused` why no Period of a
    dataset can be published there, `own` the records of the own target.
    """

    catalog: Catalog
    target: Target
    other: Target
    records: Mapping[str, Record]
    published: Mapping[str, Sequence[str | None]]
    refused: Mapping[str, Sequence[Fault]]
    own: Mapping[str, Record]
    plans: Mapping[str, Plan]

    @classmethod
    def of(cls, catalog: Catalog, target: Target, other: Target) -> "_Comparison":
        """Read the last records of both targets, and plan the other one."""
        warehouse = other.warehouse
        with other.engine.connect(JobContext("plan")) as session:
            stems = sorted({*catalog.entries, *warehouse.published_tables(session)})
            found = warehouse.last_records(stems, session).records
            records = {stem: each for stem, each in found.items() if each and OUTPUT not in each}
            states = SourceStates(catalog, other, datetime.now(UTC), session)
            states.read_records(records)
            published = {stem: [*states.records(stem)] for stem in records}
            valid = [entry for stem, entry in catalog.entries.items() if entry.ok and stem in records]
            refused = {each.stem: _refusals(states, each, records[each.stem]) for each in valid}
        with target.engine.connect(JobContext("plan")) as session:
            own = target.warehouse.last_records([*records], session).records
        plans = {plan.entry.stem: plan for plan in plan_all(catalog, other).plans}
        return cls(catalog, target, other, records, published, refused, own, plans)

    @cached_property
    def definitions(self) -> Mapping[str, ChangedDefinition]:
        """The changed definition of each valid dataset, by stem."""
        return {
            stem: changed_definition(self.catalog, entry, self.records[stem])
            if stem in self.records
            else new_definition(self.catalog, entry)
            for stem, entry in self.catalog.entries.items()
            if entry.ok
        }

    @cached_property
    def nested(self) -> Mapping[str, Sequence[str]]:
        """The datasets that each valid dataset reads itself."""
        found = {}
        for stem in self.definitions:
            scope = self.catalog.scope(self.catalog.entries[stem])
            found[stem] = list(dict.fromkeys(each.nested.stem for each in scope.sources if each.nested))
        return found

    @cached_property
    def ordered(self) -> Sequence[str]:
        """The valid datasets, each after those that it reads."""
        return self._order(self.nested)

    @cached_property
    def causes(self) -> Mapping[str, tuple[str, ...]]:
        """The changed datasets that each valid dataset reads, directly or through others."""
        found: dict[str, tuple[str, ...]] = {}
        for stem in self.ordered:
            read = dict[str, None]()
            for each in self.nested[stem]:
                if each in self.definitions and self.definitions[each].is_change:
                    read[each] = None
                read |= dict.fromkeys(found.get(each, ()))
            found[stem] = tuple(read)
        return found

    def with_readers(self, stem: str) -> set[str]:
        """Return a dataset and all that read it, directly or through others."""
        wanted = {stem}
        for each in self.ordered:
            if wanted.intersection(self.nested[each]):
                wanted.add(each)
        return wanted

    def changes(self) -> Iterator[DatasetChange]:
        """Yield the change of each dataset: of files in the order of their nesting, then of removed ones."""
        for stem in self._order(self.catalog.entries):
            entry = self.catalog.entries[stem]
            if entry.ok:
                yield self._change(entry)
            else:
                faults = tuple(map(str, entry.faults))
                yield DatasetChange(
                    dataset=stem, state="broken", obstacles=faults, readers=self._readers(stem)
                )
        for stem in sorted(self.records.keys() - self.catalog.entries.keys()):
            yield self._removed(stem)

    def _change(self, entry: Entry) -> DatasetChange:
        stem, definition, plan = entry.stem, self.definitions[entry.stem], self.plans.get(entry.stem)
        causes = self.causes[stem]
        state = _state(definition, causes)
        due = list(self._due(stem, state, plan))
        record = self.records.get(stem)
        refused = () if state == "unchanged" else self.refused.get(stem, ())
        obstacles = [*refused, *(fault for each in due for fault in each.obstacles)]
        return DatasetChange(
            dataset=stem,
            state=state,
            kind=definition.kind,
            version_before=record["version"] if record else None,
            version_after=definition.version,
            changes=definition.changes,
            columns=definition.columns,
            settings=definition.settings,
            because_of=causes if state == "affected" else (),
            readers=self._readers(stem),
            last_period=record["period"] if record else None,
            row_count=record["counts"]["rows"] if record else None,
            publications=len(due),
            periods=tuple(each.period.id for each in due if each.period),
            row_estimate=_sum(each.rows for each in due),
            size_estimate=_sum(each.size_bytes for each in due),
            bytes_estimated=self._bytes(entry, due),
            rows_here=self._rows_here(entry, definition),
            obstacles=tuple(dict.fromkeys(map(str, obstacles))),
        )

    def _removed(self, stem: str) -> DatasetChange:
        record = self.records[stem]
        renamed = self.catalog.named(str(record.get("dataset_id") or ""))
        return DatasetChange(
            dataset=stem,
            state="removed",
            version_before=record["version"],
            renamed_to=renamed.stem if renamed else None,
            last_period=record["period"],
            row_count=record["counts"]["rows"],
        )

    def _due(self, stem: str, state: State, plan: Plan | None) -> Iterator[StalePublication]:
        """Yield the publications that the change makes due, without those that are due already."""
        if plan is None or state == "unchanged":
            return
        if state == "new":
            yield from plan.due
        elif state == "changed":
            yield from (each for each in plan.due if _is_of_definition(each))
        else:
            record, schedule = self.records.get(stem), self.catalog.checked(plan.entry).partitions
            for period_id in self.published.get(stem, ()) if record else ():
                period = self._period(plan.entry, period_id) if schedule and period_id else None
                rows, size = (record["counts"]["rows"], record["size_bytes"]) if record else (None, None)
                yield StalePublication(period, (), rows, size)

    def _period(self, entry: Entry, period_id: str) -> Period | None:
        partitions = self.catalog.checked(entry).partitions
        return self.catalog.calendars.cadence(partitions.period).parse(period_id) if partitions else None

    def _bytes(self, entry: Entry, due: Sequence[StalePublication]) -> int | None:
        """Return the bytes to be billed, by a dry run of the last publication; None if nothing is billed."""
        possible = [each for each in due if not each.obstacles]
        if not possible or not self.other.engine.bills_bytes:
            return None
        at = default_as_of(possible[-1].period, datetime.now(UTC))
        try:
            reads = estimate_cost(self.catalog, self.other, entry, at).reads
        except DatasetAssetsError:  # `obstacles` name what a run would be refused for
            return None
        return None if reads is None else reads * len(possible)

    def _rows_here(self, entry: Entry, definition: ChangedDefinition) -> RowsHere | None:
        """Compare the own target's last Period, if it is of today's definition, with the one there."""
        own = self.own.get(entry.stem)
        if not own or own["sha256"] != definition.sha256 or own["period"] not in self.published[entry.stem]:
            return None
        published, period = self.catalog.published(entry.stem), own["period"]
        before, after = (SideRequest(published, each, period or "") for each in (self.other, self.target))
        rows = compare_rows(self.catalog, before, after)
        counts = {name: getattr(rows, name).rows for name in ("same", "added", "removed", "changed")}
        return RowsHere(period=period, **counts)

    def _readers(self, stem: str) -> tuple[str, ...]:
        """Return the datasets and the outputs that read a dataset, directly or through others."""
        wanted = self.with_readers(stem) - {stem}
        datasets = [each for each in self.ordered if each in wanted]
        outputs = (each.stem for each in self.catalog.outputs.values() if each.dataset in {stem, *datasets})
        return (*datasets, *outputs)

    def _order(self, stems: Iterable[str]) -> list[str]:
        place = self.catalog.build_order
        return sorted(stems, key=lambda stem: (place.get(stem, len(place)), stem))


def _refusals(states: SourceStates, entry: Entry, last: Record) -> tuple[Fault, ...]:
    """Return why no Period can be published of a dataset whose last publication has this record."""
    scope, refused = states.inputs(entry).scope, states.continuity_faults(entry)
    if refused or scope.dataset.main_table.bitemporal or len(states.records(entry.stem)) == 1:
        return refused
    columns = tuple(each.definition for each in scope.outputs)
    return tuple(column_conflicts(columns, {last["period"]: last}, None))


def _state(definition: ChangedDefinition, causes: Sequence[str]) -> State:
    if definition.kind == "first":
        return "new"
    if definition.is_change:
        return "changed"
    return "affected" if causes else "unchanged"


def _is_of_definition(due: StalePublication) -> bool:
    return _NEW not in due.reasons and any(each.why in _OF_DEFINITION for each in due.reasons)


def _sum(numbers: Iterable[int | None]) -> int | None:
    """Return the total; None if there is no number or one is unknown."""
    found = list(numbers)
    known = [each for each in found if each is not None]
    return sum(known) if found and len(known) == len(found) else None
