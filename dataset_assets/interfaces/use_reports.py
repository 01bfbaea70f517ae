"""Record uses of published datasets, and report new ones to the Dagster instance of the project if any."""

import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from getpass import getuser
from pathlib import Path

import yaml

from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.lifecycle.uses import PublicationChoice, RecordedUses, TrainingRun, record_use
from dataset_assets.system_errors import system_errors_as_faults

STEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
"""Valid name of a published table: only such a name is passed to a warehouse."""


def published_name(workspace: Workspace, name: str) -> str:
    """Return the name of a dataset's published table; `name` is a stem, an id, or the name of a table.

    Raises ContractError if nothing can have that name.
    """
    entry = workspace.catalog_if_any.named(name)
    if entry is None and not STEM.fullmatch(name):
        workspace.catalog.entry(name)
    return entry.stem if entry else name


def record_and_report(
    workspace: Workspace, choice: PublicationChoice, training_run: str, used_by: str | None = None
) -> RecordedUses:
    """Record that a training run used publications, and report those uses that are new to Dagster.

    `used_by` is by default the user of this process.

    Raises as `record_use` does, and ContractError if the Dagster instance cannot be opened.
    """
    run = TrainingRun(training_run, datetime.now(UTC), used_by or current_user())
    with system_errors_as_faults():  # a user who may read may not write
        recorded = record_use(workspace.target, choice, run)
    if recorded.recorded:
        report_to_dagster(workspace, lambda folder: _write_uses(workspace, recorded, folder))
    return recorded


def report_to_dagster(workspace: Workspace, write: Callable[[Path | None], None]) -> None:
    """Call `write` if there is a Dagster instance to report to.

    It receives the folder of the project whose dagster.yaml the instance has; None for that of DAGSTER_HOME.
    """
    has_home = bool(os.environ.get("DAGSTER_HOME"))
    folder = None if has_home else instance_folder(workspace.settings.definitions)
    if has_home or folder:
        write(folder)


def _write_uses(workspace: Workspace, recorded: RecordedUses, folder: Path | None) -> None:
    from dataset_assets.assets.use_events import write_uses  # noqa: PLC0415 - Dagster takes seconds to load

    write_uses(workspace.catalog_if_any, workspace.target, recorded.recorded, folder)


def current_user() -> str | None:
    """Return the name of the user of this process; None if it has none."""
    with suppress(OSError, KeyError):
        return getuser()
    return None


def instance_folder(definitions: Path) -> Path | None:
    """Return the working directory if it is the project of these definitions and stores Dagster's events.

    `dagster dev` opens the same files in that folder. A dagster.yaml without `storage` stores no events.
    """
    folder = Path.cwd()
    file = folder / "dagster.yaml"
    if not (file.is_file() and definitions.resolve().is_relative_to(folder.resolve())):
        return None
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    return folder if isinstance(settings, dict) and settings.get("storage") else None
