"""List the erasures of a warehouse: each with its datasets, and whether it is finished."""

from collections.abc import Sequence

from dataset_assets.lifecycle.erasure_report import Certificate
from dataset_assets.model import Instant, Model
from dataset_assets.ports.engine import JobContext
from dataset_assets.ports.erasure import Erasure
from dataset_assets.ports.target import Target


class ListedErasure(Model):
    """One erasure of one or more datasets; `certificate` is None until it is finished in all of them."""

    id: str
    begun_at: Instant
    finished_at: Instant | None
    by: str | None
    datasets: tuple[str, ...]
    columns: tuple[str, ...]
    certificate: Certificate | None


class ErasureList(Model):
    """Erasures, the oldest first."""

    erasures: tuple[ListedErasure, ...]


def list_erasures(target: Target, datasets: Sequence[str]) -> ErasureList:
    """Return the erasures of these datasets; of all tables if none is named, also of those without a file."""
    found: dict[str, list[Erasure]] = {}
    with target.engine.connect(JobContext("erasures")) as session:
        for stem in datasets or target.warehouse.tables_with_erasures(session):
            for each in target.warehouse.erasures(stem, session):
                found.setdefault(each.id, []).append(each)
    listed = (_listed(entries) for entries in found.values())
    return ErasureList(erasures=tuple(sorted(listed, key=lambda each: (each.begun_at, each.id))))


def _listed(entries: Sequence[Erasure]) -> ListedErasure:
    finished = [each.finished_at for each in entries if each.finished_at]
    is_finished = len(finished) == len(entries)
    stored = entries[0].certificate if is_finished else None
    return ListedErasure(
        id=entries[0].id,
        begun_at=min(each.begun_at for each in entries),
        finished_at=max(finished) if is_finished else None,
        by=entries[0].by,
        datasets=tuple(each.dataset for each in entries),
        columns=tuple(
            dict.fromkeys(f"{each.dataset}.{one.name}" for each in entries for one in each.columns)
        ),
        certificate=Certificate.model_validate(stored) if stored else None,
    )
