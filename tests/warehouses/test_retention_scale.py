"""Two thousand publications of one dataset: with retention, the last cost what the first did.

`DATASET_ASSETS_PROVE=1` publishes all of them; otherwise it is a small share. With `-s` pytest shows the
figures.
"""

import os
import statistics
import sys
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dataset_assets.adapters.delta.warehouse import DeltaWarehouse
from dataset_assets.errors import ResolveError
from dataset_assets.ports.retention import Retention, RetentionRequest
from tests.warehouses.test_retention import publish
from tests.warehouses.warehouse_fixtures import DeltaLocation, OpenWarehouse

PUBLICATIONS = 2_000 if os.environ.get("DATASET_ASSETS_PROVE") else 240
KEPT, RHYTHM = 50, 50
"""Publications that are kept, and publications between two runs of retention."""
TOMBSTONE_BYTES = 150
"""A checkpoint names the file of each replaced publication for ten years, and a log has up to two of them."""


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


def test_the_last_publications_cost_what_the_first_did(tmp_path: Path) -> None:
    """Each publication has a session of its own, as in a run."""
    location = DeltaLocation(tmp_path / "warehouse")
    path, seconds, folders, vacuums = location.root / "sales", [], [], []
    for n in range(PUBLICATIONS):
        with location.open() as opened:
            began = time.process_time()
            publish(opened, [n])
            seconds.append(time.process_time() - began)
            if (n + 1) % RHYTHM == 0:
                folders.append(Folder.of(path))
                vacuums.append(_expire(opened))
    with location.open() as opened:
        assert opened.values() == [PUBLICATIONS - 1]
        assert opened.values("2026-01", PUBLICATIONS - KEPT) == [PUBLICATIONS - KEPT]
        with pytest.raises(ResolveError, match="expired by retention"):
            opened.values("2026-01", PUBLICATIONS - KEPT - 1)
    first, last = (statistics.median(part) for part in (seconds[2:12], seconds[-10:]))
    figures = [
        f"{PUBLICATIONS:,} publications, CPU seconds each: first ten {first:.4f}, last ten {last:.4f}",
        f"retention, CPU seconds: first {vacuums[1]:.3f}, last {vacuums[-1]:.3f}",
        f"before the second run of retention {folders[1]}",
        f"before the last one {folders[-1]}",
    ]
    sys.stdout.write("\n".join(["", *figures, ""]))
    assert (folders[-1].data_files, folders[-1].records) == (folders[1].data_files, folders[1].records)
    assert folders[-1].data_files == KEPT + RHYTHM
    assert folders[-1].log_files <= folders[1].log_files + 2
    assert folders[-1].log_bytes - folders[1].log_bytes < TOMBSTONE_BYTES * PUBLICATIONS
    assert last < 1.5 * first


def _expire(opened: OpenWarehouse) -> float:
    """Run retention and return its CPU seconds."""
    assert isinstance(opened.warehouse, DeltaWarehouse)
    warehouse = replace(opened.warehouse, retention=Retention(publications=KEPT))
    began = time.process_time()
    warehouse.expire("sales", RetentionRequest(datetime.now(UTC), timedelta(0)), opened.session)
    return time.process_time() - began
