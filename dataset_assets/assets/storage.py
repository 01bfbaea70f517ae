"""Dagster's SQLite storage, opened by one process at a time (docs/decisions/0014).

Dagster makes its tables where it finds none, and takes a database that has tables and no version yet for
one of an old release. Of several processes that find a fresh folder at once, as a webserver and a daemon that
start together, one may fail at tables that another has just made; or it writes a second version beside that
of the other, and nothing can open the database any more. What is used of Dagster's inside is all in here.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from filelock import FileLock, Timeout

from dataset_assets.errors import DatasetAssetsError, Fault

PATIENCE = 120.0
"""Seconds to wait for another process: making the tables takes a few, opening them none."""

_HINT = "let it be a folder on a disk of this machine that may be written to, or keep them in PostgreSQL"


class SharedSqliteStorage(DagsterSqliteStorage):
    """For `storage: custom:` of a dagster.yaml; `base_dir` as with `storage: sqlite:`, and the same files."""

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Dagster's own makes one of its own class here, whatever class it is asked of."""
        return cls.from_local(inst_data=inst_data, **config_value)

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Raises DatasetAssetsError where it may not write, or another process does not come to an end."""
        lock = Path(base_dir) / ".opening"
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(lock, timeout=PATIENCE):
                super().__init__(base_dir, inst_data)
        except Timeout:
            message = f"another process has held {lock} for {PATIENCE:.0f} seconds"
            raise DatasetAssetsError(Fault(message, hint="end that process, then try again")) from None
        except OSError as error:
            message = f"Dagster cannot keep its runs and events in {base_dir}: {error.strerror}"
            raise DatasetAssetsError(Fault(message, hint=_HINT)) from None
