"""Forget the rows of a person in Python, and list what was forgotten.

from dataset_assets.interfaces.erasure import erase_rows

erase_rows("grocery_recommender", where="user_id = 2375", dry_run=True)
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from dataset_assets.interfaces.use_reports import current_user, published_name, report_to_dagster
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.erase import CleanedElsewhere, erase
from dataset_assets.lifecycle.erasure_list import ErasureList, list_erasures
from dataset_assets.lifecycle.erasure_report import Certificate, EraseRequest
from dataset_assets.system_errors import system_errors_as_faults

NO_INSTANCE = (
    "Dagster's events of these datasets, if there are any: no instance was found to clean. "
    "Erase again in the project's folder, or with DAGSTER_HOME"
)
"""The sentence of a certificate for an erasure that found no Dagster instance to clean."""


def erase_rows(
    *names: str,
    where: str,
    dry_run: bool = False,
    target: str | None = None,
    definitions: Path | None = None,
) -> Certificate:
    """Erase the rows for which `where` is true in everything that was published, and return the certificate.

    Without a name every dataset that has the columns is meant. Nothing is changed with `dry_run`. Raises
    DatasetAssetsError as `lifecycle.erase.erase` does.
    """
    return erase_in(Workspace.of(target, definitions), names, where, dry_run=dry_run)


def erasures(*names: str, target: str | None = None, definitions: Path | None = None) -> ErasureList:
    """Return the erasures of these datasets, or of all, with their certificates; the oldest first."""
    return erasures_in(Workspace.of(target, definitions), names)


def erase_in(workspace: Workspace, names: Sequence[str], where: str, *, dry_run: bool) -> Certificate:
    """Erase in a workspace; see `erase_rows`."""
    request = EraseRequest(
        where=where,
        run_id=str(uuid4()),
        now=datetime.now(UTC),
        datasets=tuple(published_name(workspace, name) for name in names),
        by=current_user(),
        dry_run=dry_run,
    )
    with system_errors_as_faults():
        done = erase(
            workspace.target,
            workspace.catalog_if_any,
            request,
            lambda stems: _clean_dagster(workspace, stems),
        )
    if not dry_run:
        report_to_dagster(workspace, lambda folder: _observe(workspace, done, folder))
    return done


def erasures_in(workspace: Workspace, names: Sequence[str]) -> ErasureList:
    """Return the erasures in a workspace; see `erasures`."""
    stems = tuple(published_name(workspace, name) for name in names)
    return list_erasures(workspace.target, stems)


def _clean_dagster(workspace: Workspace, stems: Sequence[str]) -> CleanedElsewhere:
    """Remove the values from the events of Dagster; without an instance, say that none was cleaned."""
    cleaned: list[CleanedElsewhere] = []

    def clean(folder: Path | None) -> None:
        from dataset_assets.assets.erased_events import clean_events  # noqa: PLC0415 - loads Dagster

        cleaned.append(clean_events(stems, workspace.catalog_if_any, folder))

    report_to_dagster(workspace, clean)
    return cleaned[0] if cleaned else CleanedElsewhere((), (NO_INSTANCE,))


def _observe(workspace: Workspace, done: Certificate, folder: Path | None) -> None:
    from dataset_assets.assets.erasure_events import write_erasure  # noqa: PLC0415 - loads Dagster

    write_erasure(workspace.catalog_if_any, done, folder)
