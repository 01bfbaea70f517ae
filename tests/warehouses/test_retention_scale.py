"""Two thousand publications of one dataset: with retention, the last cost what the first did.

`DATASET_ASSETS_PROVE=1` publishes all of them; otherwise it is a small share. With `-s` pytest shows the
figures.
"""

import os
import statistics
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dataset_assets.adapters.delta.warehouse import DeltaWarehouse
from dataset_assets.ports.retention import Retention, RetentionRequest
from tests.warehouses.test_retention import publish
from tests.warehouses.warehouse_fixtures import DeltaLocation, OpenWarehouse

PUBLICATIONS = 2_000 if os.environ.get("DATASET_ASSETS_PROVE") else 240
KEPT, RHYTHM = 50, 50
"""Publications that are kept, and publications between two runs of retention."""


@dataclass(frozen=True)
class Folder:
    """What a dataset's folder holds, in files and in bytes."""

    data_files: int
    records: int
    log_files: int
    log_bytes: int
    ledger_bytes: int

    @classmethod
    def of(cls, path: Path) -> "Folder":
        log, ledger = path / "_delta_log", path / "_ledger"
        return cls(
            len(list(path.glob("_period=*/*.parquet"))),
            len(list((path / "_records").rglob("*.json"))),
            len(list(log.iterdir())),
            sum(each.stat().st_size for each in log.iterdir()),
            sum(each.stat().st_size for each in ledger.rglob("*.json*")) if ledger.exists() else 0,
        )


@pytest.fixture
def location(tmp_path: Path) -> DeltaLocation:
    return DeltaLocation(tmp_path / "warehouse")


@pytest.fixture
def opened(location: DeltaLocation) -> Generator[OpenWarehouse]:
    with location.open() as found:
        yield found


def test_the_last_publications_cost_what_the_first_did(opened, location):
    assert isinstance(opened.warehouse, DeltaWarehouse)
    warehouse = replace(opened.warehouse, retention=Retention(publications=KEPT))
    path, seconds, folders, vacuums = location.root / "sales", [], [], []
    for n in range(PUBLICATIONS):
        began = time.process_time()
        publish(opened, [n])
        seconds.append(time.process_time() - began)
        if (n + 1) % RHYTHM == 0:
            folders.append(Folder.of(path))
            began = time.process_time()
            now = datetime.now(UTC)
            warehouse.expire("sales", RetentionRequest(now, timedelta(0)), opened.session)
            vacuums.append(time.process_time() - began)
    first, last = (statistics.median(part) for part in (seconds[2:12], seconds[-10:]))
    began = time.process_time()
    assert opened.values() == [PUBLICATIONS - 1]
    read = time.process_time() - began
    figures = [
        f"{PUBLICATIONS:,} publications, CPU seconds each: first ten {first:.4f}, last ten {last:.4f}",
        f"reading the last one: {read:.4f}; retention: first {vacuums[1]:.3f}, last {vacuums[-1]:.3f}",
        f"before the second run of retention {folders[1]}",
        f"before the last one {folders[-1]}",
    ]
    sys.stdout.write("\n".join(["", *figures, ""]))
    assert (folders[-1].data_files, folders[-1].records) == (folders[1].data_files, folders[1].records)
    assert folders[-1].data_files == KEPT + RHYTHM
    assert folders[-1].log_files <= folders[1].log_files + 2
    assert last < 1.5 * first
