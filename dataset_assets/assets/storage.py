"""Open Dagster's SQLite storage in one process at a time (docs/decisions/0014).

Dagster creates its tables if there are none, and treats a database that has tables but no version yet as one
of an old release. If several processes open a new folder at once, as a webserver and a daemon that start
together do, one may fail because another has just created the tables. Or it writes a second version beside
the first, after which nothing can open the database. Dagster's private classes are used in this module alone.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from filelock import FileLock, Timeout
from typing_extensions import override

from dataset_assets.errors import DatasetAssetsError, Fault

LOCK_SECONDS = 120.0
"""Seconds to wait for another process, which needs a few seconds to create the tables."""

_HINT = "let it be a folder on a disk of this machine that may be written to, or keep them in PostgreSQL"


class SharedSqliteStorage(DagsterSqliteStorage):
    """Storage for `storage: custom:` of a dagster.yaml, with the `base_dir` of `storage: sqlite:`."""

    @classmethod
    @override
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Return the storage of a dagster.yaml. Dagster's own method would return one of its own class."""
        return cls.from_local(inst_data=inst_data, **config_value)

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Raise DatasetAssetsError if the folder cannot be written or stays locked too long."""
        lock = Path(base_dir) / ".opening"
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(lock, timeout=LOCK_SECONDS):
                super().__init__(base_dir, inst_data)
        except Timeout:
            message = f"another process has held {lock} for {LOCK_SECONDS:.0f} seconds"
            raise DatasetAssetsError(Fault(message, hint="end that process, then try again")) from None
        except OSError as error:
            message = f"Dagster cannot keep its runs and events in {base_dir}: {error.strerror}"
            raise DatasetAssetsError(Fault(message, hint=_HINT)) from None
