"""Find the record of an earlier publication, and prepare the run that made it once more."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from dataset_assets.cached_property import cached_property
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.versions import Version
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope
from dataset_assets.errors import Fault, ResolveError
from dataset_assets.lifecycle.recorded_sources import RecordedSources
from dataset_assets.model import Model
from dataset_assets.periods.period import Period
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.target import Target
from dataset_assets.ports.warehouse import Record, Warehouse
from dataset_assets.publishing.loaded_periods import loads_of, record_of_load
from dataset_assets.publishing.prepared_run import PreparedRun, Request
from dataset_assets.publishing.recorded_columns import RecordedDatasets
from dataset_assets.publishing.snapshot import inputs_of_rows
from dataset_assets.publishing.source_locator import ResolvedSources
from dataset_assets.text.wording import listed, shown

FIRST_RECORDS = 16
"""Records that are read at first; if the publication is not among them, this many times more are read."""
MOST_LISTED = 12
"""Periods or versions that an error lists."""


class RebuildRequest(Model):
    """Which publication to rebuild: the newest with the structure `version` of the Period.

    `digest` chooses another publication of that version by the first characters of its digest.
    """

    version: int
    period: str | None = None
    digest: str = ""


@dataclass(frozen=True)
class PastRun:
    """The run that made a publication, as its record describes it."""

    catalog: Catalog
    target: Target
    entry: Entry
    record: Record
    session: Session

    @cached_property
    def definition(self) -> Dataset:
        """The definition of the dataset as it was published."""
        return Dataset.model_validate(self.record["definition"])

    @cached_property
    def period(self) -> Period | None:
        """The Period of the publication. Raises PeriodError if its calendar no longer exists."""
        partitions, period = self.definition.partitions, self.record["period"]
        return self.catalog.calendars.cadence(partitions.period).parse(period) if partitions else None

    def resolve(self, job: JobContext, stack: ExitStack) -> tuple[RecordedSources, ResolvedSources]:
        """Resolve the sources in versions that are known to give these rows, all readable if possible.

        A run that found the rows unchanged in later versions of the sources has recorded these as well.
        """
        attempts = []
        for inputs in inputs_of_rows(self.record):
            locator = self._locator(inputs)
            attempts.append((locator, stack.enter_context(locator.resolve(self.session, job))))
            if not locator.gone or inputs is self.record:
                break
        return next((each for each in attempts if not each[0].gone), attempts[0])

    def _locator(self, inputs: Mapping[str, Any]) -> RecordedSources:
        record = {**self.record, "sources": inputs["sources"]}
        datasets = RecordedDatasets(self.catalog, self.target.warehouse, self.session, record)
        return RecordedSources(
            scope=Scope(self.definition, datasets, self.catalog.calendars),
            target=self.target,
            as_of=self._request(datetime.fromisoformat(inputs["as_of"])).looks_back_from,
            period=self.period,
            stem=self.entry.stem,
            versions=inputs["sources"],
            read_at=datetime.fromisoformat(inputs.get("confirmed_at") or self.record["published_at"]),
        )

    def _request(self, as_of: datetime) -> Request:
        return Request(
            entry=replace(self.entry, dataset=self.definition, faults=()),
            run_id=self.record["run_id"],
            now=datetime.fromisoformat(self.record["published_at"]),
            period=self.period,
            as_of=as_of,
        )

    def prepare(self, inputs: SelectionInput) -> PreparedRun:
        """Return the run over these inputs, without an earlier publication."""
        record, request = self.record, self._request(inputs.as_of.instant)
        version = Version(record["version"], record["sha256"], pending=False, kind="same", summary="")
        return PreparedRun(request, inputs, compile_rows(inputs), version, UUID(record["dataset_id"]), None)


def find_record(warehouse: Warehouse, stem: str, request: RebuildRequest, session: Session) -> Record:
    """Return the record of the requested publication, of a bitemporal table that of a load of the Period.

    Raises ResolveError if there is none.
    """
    periods = warehouse.periods(stem, session)
    loads = _loads(warehouse, stem, session) if periods == [None] else ()
    if request.period not in (loads or periods):
        raise ResolveError(_unknown_period(stem, request.period, [*loads] or periods))
    stored = None if loads else request.period
    count, records = FIRST_RECORDS, list[Record]()
    while True:
        records = warehouse.recent(stem, [stored], session, count)
        for record in _of_load(request.period, records) if loads else records:
            if record["version"] == request.version and record["digest"].startswith(request.digest):
                return record
        if len(records) < count:
            raise ResolveError(_unknown_version(stem, request, records))
        count *= FIRST_RECORDS


def _loads(warehouse: Warehouse, stem: str, session: Session) -> Sequence[str]:
    """Return the Periods that a bitemporal table was loaded with; none if it is no bitemporal table."""
    newest = warehouse.recent(stem, [None], session)
    return [*loads_of(newest[0])] if newest else []


def _of_load(period: str | None, records: Iterable[Record]) -> Iterator[Record]:
    """Yield the records of the loads of a Period, each from a record that has the load's definition."""
    for record in records:
        load = record_of_load(record, period)
        if load and load["sha256"] == record["sha256"]:
            yield load


def _unknown_period(stem: str, period: str | None, periods: Sequence[str | None]) -> Fault:
    names = [each for each in periods if each]
    if period is None and names:
        return Fault(f"{stem} is published by Period", hint=f"name one: {listed(names, MOST_LISTED)}")
    what = f"{stem} of {period}" if period else stem
    hint = f"published are: {listed(names, MOST_LISTED)}" if names else "leave out the Period"
    return Fault(f"there is no publication of {what}", hint=hint if periods else f"materialize {stem} first")


def _unknown_version(stem: str, request: RebuildRequest, records: Sequence[Record]) -> Fault:
    digest = f" whose digest begins with {shown(request.digest)}" if request.digest else ""
    period = f" of {request.period}" if request.period else ""
    message = f"there is no publication{period} of version {request.version} of {stem}{digest}"
    versions = sorted({each["version"] for each in records})
    return Fault(
        message, hint=f"its publications have the versions {listed(map(str, versions), MOST_LISTED)}"
    )
