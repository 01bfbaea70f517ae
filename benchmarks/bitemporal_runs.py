"""Loads of a bitemporal dataset of 1.5 million rows from Parquet files to the publication.

A first load, one of which 1 % changed, one whose snapshot is the last one, and a late one, as ratios to the
first. `DATASET_ASSETS_LOADED=150000` sets another size.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.bitemporal import CHANGED, FIRST, ROWS
from benchmarks.measure import Report, rounds
from benchmarks.small_project import SmallProject, small_project
from dataset_assets.ports.target import Target
from dataset_assets.publishing.publish_outcome import RefreshCounts

STEM = "prices"
DATASET = """\
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce1177
  name: Prices
  owner: ada
  natural_key_columns: [product_id, store]
  main_table:
    name: prices
    bitemporal: true
    valid_from: begun
    valid_to: ended
    columns:
      - {name: product_id, type: integer, nullable: false}
      - {name: store, type: string}
      - {name: price, type: decimal}
      - {name: brand, type: string}
      - {name: stock, type: integer}
      - {name: begun, type: timestamp, nullable: false}
      - {name: ended, type: timestamp}
  partitions: {period: month, start: 2026-01}
"""
TABLES = ', tables: {prices: {location: "prices/{period}.parquet", period: month}}'
SNAPSHOT = """
SELECT range // 10 AS product_id, 'store ' || range % 10 AS store,
  CAST(IF(range % 100 = {changed}, 99.5, (range % 977) / 10) AS DECIMAL(38, 9)) AS price,
  'brand ' || range % 3001 AS brand, range % 17 AS stock,
  TIMESTAMPTZ '2026-01-01' + INTERVAL 1 HOUR * CAST(range % 300 AS INTEGER) AS begun,
  CAST(NULL AS TIMESTAMPTZ) AS ended
FROM range({rows})
"""
SNAPSHOTS = {"2026-01": -1, "2026-02": 8, "2026-03": 7, "2026-04": 7}
"""Which of each hundred rows of a Period has another price than in the first."""
SAME, LATE = "load of the same snapshot", "late load of which 1 % changed"
LOADS = {FIRST: "2026-01", CHANGED: "2026-03", SAME: "2026-04", LATE: "2026-02"}
"""The loads of a round, in the order in which they are made, each with its Period."""


@dataclass
class _Round:
    """The loads of one round go to one warehouse, which the first load begins."""

    project: SmallProject
    counts: dict[str, RefreshCounts] = field(default_factory=dict)
    target: Target | None = None

    def load(self, name: str) -> Callable[[], object]:
        """Return the work of one load."""

        def work() -> None:
            if name == FIRST or self.target is None:
                self.target = self.project.target()
            self.counts[name] = self.project.materialize(self.target, STEM, LOADS[name]).counts

        return work


def main(repeats: int) -> Report:
    """Each round has a new warehouse; the run stops if a load changed other rows than it should."""
    with small_project({STEM: DATASET}, TABLES) as project:
        for period, changed in SNAPSHOTS.items():
            project.write(f"prices/{period}", SNAPSHOT.format(changed=changed, rows=ROWS))
        loads = _Round(project)
        series = rounds({name: loads.load(name) for name in LOADS}, repeats)
    touched = {name: (each.added, each.changed, each.removed) for name, each in loads.counts.items()}
    few = ROWS // 100
    expected = {FIRST: (ROWS, 0, 0), CHANGED: (few, few, 0), SAME: (0, 0, 0), LATE: (2 * few, few, 0)}
    assert touched == expected, (touched, expected)
    return {"table": {name: found.against(series[FIRST]) for name, found in series.items()}, "rows": ROWS}
