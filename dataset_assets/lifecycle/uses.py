"""Record which training run used which publications, and pin publications, as an API and pages would.

A use pins: what a model was trained on stays readable, whatever a target's retention is (BR-208).
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from dataset_assets.errors import DatasetAssetsError, Fault, NotStoredError, ResolveError, raise_all
from dataset_assets.lifecycle.history import not_published
from dataset_assets.model import Instant, Model
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.retention import RecordedPublication
from dataset_assets.ports.target import Target
from dataset_assets.ports.uses import Pin, PinRequest, Use
from dataset_assets.text.wording import listed, shown

_LONGEST_RUN = 250
"""Characters of a training run's id, at most."""


@dataclass(frozen=True)
class PublicationChoice:
    """Which publications of a dataset: of some Periods or of all, in a table version or as they are now.

    An unpartitioned dataset has the Periods `(None,)`.
    """

    dataset: str
    periods: tuple[str | None, ...] | None = None
    version: int | None = None


@dataclass(frozen=True)
class TrainingRun:
    """A training run that uses publications: its id, when it used them, and for whom."""

    id: str
    used_at: datetime
    used_by: str | None = None


class RecordedUses(Model):
    """The result of recording a use. `recorded` are the uses that were not known before.

    `pins` are the pins of all publications of the use whose rows can be read.
    """

    dataset: str
    uses: tuple[Use, ...]
    recorded: tuple[Use, ...]
    pins: tuple[Pin, ...]


class UseList(Model):
    """All uses of a dataset, the newest first, and its pins."""

    dataset: str
    last_used_at: Instant | None
    uses: tuple[Use, ...]
    pins: tuple[Pin, ...]


class PinList(Model):
    """The publications that were pinned or unpinned."""

    dataset: str
    pins: tuple[Pin, ...]


def check_training_run(run_id: str) -> None:
    """Raise DatasetAssetsError if the id of a training run is empty, too long, or not one printable line."""
    if not run_id.strip() or len(run_id) > _LONGEST_RUN or not run_id.isprintable():
        message = f"the training run {shown(run_id)} is not an id"
        hint = f"use one line of 1 to {_LONGEST_RUN} characters, such as the run id of MLflow"
        raise DatasetAssetsError(Fault(message, hint=hint))


def record_use(target: Target, choice: PublicationChoice, run: TrainingRun) -> RecordedUses:
    """Record that a training run used publications, once for each, and pin them.

    A publication whose rows are gone is recorded and not pinned. Raises ResolveError if there is no such
    publication, and DatasetAssetsError as `check_training_run` does.
    """
    check_training_run(run.id)
    with _session(target, choice) as session:
        version, found = _publications(target, choice, session)
        uses = [_use(choice.dataset, each, run) for each in found]
        pins = _pin_readable(target, choice.dataset, found, version, run, session)
        recorded = target.warehouse.record_uses(uses, session)
    return RecordedUses(dataset=choice.dataset, uses=tuple(uses), recorded=tuple(recorded), pins=tuple(pins))


def list_uses(target: Target, dataset: str) -> UseList:
    """Return the uses and the pins of a dataset; both are empty if there are none."""
    with target.engine.connect(JobContext(dataset)) as session:
        uses = target.warehouse.uses(dataset, session)
        pins = target.warehouse.pins(dataset, session)
    newest = sorted(uses, key=lambda each: each.used_at, reverse=True)
    last = newest[0].used_at if newest else None
    return UseList(dataset=dataset, last_used_at=last, uses=tuple(newest), pins=tuple(pins))


def last_uses(target: Target, datasets: Sequence[str]) -> Mapping[str, datetime]:
    """Return the time of the last use of each dataset that was used, with one request to the warehouse."""
    with target.engine.connect() as session:
        return target.warehouse.last_uses(datasets, session)


def pin(target: Target, choice: PublicationChoice, request: PinRequest) -> PinList:
    """Pin publications: no retention removes their rows. Raises ResolveError if their rows are gone."""
    with _session(target, choice) as session:
        version, found = _publications(target, choice, session)
        periods = [each.period for each in found]
        pins = target.warehouse.pin(choice.dataset, periods, version, request, session)
    return PinList(dataset=choice.dataset, pins=tuple(pins))


def unpin(
    target: Target, choice: PublicationChoice, request: PinRequest, *, every_version: bool = False
) -> PinList:
    """Remove the pins of publications, with `every_version` those of all table versions, and return them."""
    with _session(target, choice) as session:
        version, found = _publications(target, choice, session)
        periods = [each.period for each in found]
        removed = target.warehouse.unpin(
            choice.dataset, periods, None if every_version else version, request, session
        )
    return PinList(dataset=choice.dataset, pins=tuple(removed))


@contextmanager
def _session(target: Target, choice: PublicationChoice) -> Generator[Session]:
    """Open a session whose jobs are its own: a command that is repeated runs them again."""
    with target.engine.connect(JobContext(choice.dataset, run_id=str(uuid4()))) as session:
        yield session


def _publications(
    target: Target, choice: PublicationChoice, session: Session
) -> tuple[int, list[RecordedPublication]]:
    """Return the table version of a choice, and the publications that it has.

    Raises ResolveError if there are none.
    """
    warehouse = target.warehouse
    newest = warehouse.version(choice.dataset, session)
    if newest is None:
        raise not_published(choice.dataset)
    version = newest if choice.version is None else choice.version
    published = warehouse.periods(choice.dataset, session)
    periods = published if choice.periods is None else choice.periods
    raise_all(
        NotStoredError,
        (_unknown_period(choice.dataset, each, published) for each in periods if each not in published),
    )
    found = warehouse.recorded(choice.dataset, periods, version, session)
    if not found:
        of = f" of {listed(filter(None, periods))}" if any(periods) else ""
        message = f"version {version} of {choice.dataset} has no publication{of}"
        raise NotStoredError(Fault(message, hint="name a later version: `show --history` lists them"))
    return version, found


def _unknown_period(dataset: str, period: str | None, published: Sequence[str | None]) -> Fault:
    names = [each for each in published if each]
    of = f" of {period}" if period else ""
    hint = f"published are: {listed(names, 12)}" if names else "leave out the partition"
    return Fault(f"{dataset}{of} is not published", hint=hint)


def _pin_readable(
    target: Target,
    dataset: str,
    found: Sequence[RecordedPublication],
    version: int,
    run: TrainingRun,
    session: Session,
) -> list[Pin]:
    """Pin the publications for a training run, those that expired only if their rows are still there."""
    warehouse, request = target.warehouse, PinRequest(f"training run {run.id}", run.used_at, run.used_by)
    kept = [each.period for each in found if each.expired_at is None]
    pins = list(warehouse.pin(dataset, kept, version, request, session)) if kept else []
    for each in found:
        if each.expired_at is not None:
            try:
                pins += warehouse.pin(dataset, [each.period], version, request, session)
            except ResolveError:
                continue
    return pins


def _use(dataset: str, publication: RecordedPublication, run: TrainingRun) -> Use:
    record = publication.record
    columns = record.get("statistics", {}).get("columns", {})
    return Use(
        dataset=dataset,
        dataset_id=record.get("dataset_id"),
        version_number=record["version"],
        config_sha256=record["sha256"],
        period=publication.period,
        table_version=publication.table_version,
        digest=record["digest"],
        actual_row_count=record["counts"]["rows"],
        actual_unique_users=columns.get("user_id", {}).get("cardinality"),
        actual_unique_products=columns.get("product_id", {}).get("cardinality"),
        training_run=run.id,
        used_at=run.used_at,
        used_by=run.used_by,
    )
