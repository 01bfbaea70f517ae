"""A process that publishes: `publisher.py ROOT FIRST COUNT PERIOD...`.

Publication n holds 1,000 rows whose `a` is n, so that a mixture of two would show.
"""

import sys
from pathlib import Path

from dataset_assets.errors import SupersededError
from resources.delta_warehouse import DeltaWarehouse
from tests.resources.conftest import engine_for, publish

if __name__ == "__main__":
    root, first, count, *periods = sys.argv[1:]
    warehouse = DeltaWarehouse(Path(root) / "warehouse")
    with engine_for(Path(root), spill=Path(root) / "spill").connect() as session:
        for n in range(int(first), int(first) + int(count)):
            for period in periods:
                rows = f"SELECT {n}::BIGINT AS a FROM RANGE(1000)"
                try:
                    publish(warehouse, session, rows, period, run=f"run-{n}", record={"n": n})
                except SupersededError:
                    continue
                sys.stdout.write(f"{period} {n}\n")
                sys.stdout.flush()
