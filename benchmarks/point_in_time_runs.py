"""A dataset with a lookup as of the time of 1.5 million rows, from Parquet files to the publication.

The same dataset with a plain join of the latest values is the base. The lookup is a list of changes, and a
bitemporal table of the same changes, which gives the same values. polars' `join_asof` is the join alone.
`DATASET_ASSETS_SALES=150000` sets another size.
"""

from benchmarks.environment import baseline_python
from benchmarks.measure import Report, Series, in_process, rounds
from benchmarks.point_in_time import CHANGES, PLAIN, POLARS, ROWS, TABLES
from benchmarks.small_project import small_project
from dataset_assets.publishing.materialize import Materialization

DATASET = """\
dataset:
  id: 01a2001c-5bae-7b91-b4bb-a18b13ce117{number}
  name: Sales {number}
  owner: ada
  natural_key_columns: [line]
  main_table:
    name: sales
    columns:
      - {{name: line, type: integer, nullable: false}}
      - {{name: item, type: integer, nullable: false}}
      - {{name: sold_at, type: timestamp, nullable: false}}
      - {{name: amount, type: integer, nullable: false}}
  lookups:
    - alias: listed
      target:
        type: table
        name: {table}
        bitemporal: {bitemporal}
        columns: [{columns}]
      join_conditions: [{{source_column: item, target_column: item}}]
      {as_of}
  column_mapping: {{user_id: line, product_id: item, timestamp: sold_at, revenue: amount}}
  extra_columns: [listed.price]
"""
ITEM, CHANGED, PRICE = (
    "{name: item, type: integer, nullable: false}",
    "{name: changed_at, type: timestamp, nullable: false}",
    "{name: price, type: integer}",
)
LIST = f"{ITEM}, {CHANGED}, {PRICE}"
HISTORY = """
SELECT item, price, changed_at AS _valid_from,
  lead(changed_at) OVER (PARTITION BY item ORDER BY changed_at) AS _valid_to,
  strftime(changed_at, '%Y-%m') AS _period_from, CAST(NULL AS VARCHAR) AS _period_to
FROM '{folder}/prices.parquet'
"""
AS_OF, AGED, AS_KNOWN = "point in time", "point in time, max_age 90d", "bitemporal, as known"
LOOKUPS = {
    PLAIN: ("plain", "latest", LIST, ""),
    AS_OF: ("changes", "prices", LIST, "as_of: {column: changed_at}"),
    AGED: ("aged", "prices", LIST, "as_of: {column: changed_at, max_age: 90d}"),
    AS_KNOWN: ("known", "history", f"{ITEM}, {PRICE}", "as_of: {knowledge: as_known, period: month}"),
}
"""Stem, table, columns of the table and `as_of` of each dataset."""


def main(repeats: int) -> Report:
    """Publish the datasets in turn, each time to a new warehouse, then measure polars in its own process."""
    with small_project(_datasets()) as project:
        folder = project.root / "data"
        for table, rows in {**TABLES, "history": HISTORY}.items():
            project.write(table, rows.format(folder=folder))
        published: dict[str, Materialization] = {}

        def publish(name: str) -> None:
            published[name] = project.materialize(project.target(), LOOKUPS[name][0])

        series = rounds({name: lambda name=name: publish(name) for name in LOOKUPS}, repeats)
        found = in_process(baseline_python(), str(POLARS), str(folder), str(repeats))
        known = {name: _known(each) for name, each in published.items()}
    assert known[AGED] == found["counts"]["known"], (known, found["counts"])
    assert known[AS_OF] == known[AS_KNOWN], known
    polars = Series(found["wall"], found["cpu"])
    table = {name: each.against(series[PLAIN]) for name, each in series.items()}
    table["polars join_asof alone, tolerance 90d"] = polars.against(series[PLAIN])
    return {"table": table, "rows": ROWS, "changes": CHANGES, "known": known}


def _datasets() -> dict[str, str]:
    found = {}
    for number, (stem, table, columns, as_of) in enumerate(LOOKUPS.values()):
        bitemporal = str(table == "history").lower()
        found[stem] = DATASET.format(
            number=number, table=table, columns=columns, as_of=as_of, bitemporal=bitemporal
        )
    return found


def _known(published: Materialization) -> int:
    """Return how many rows found a price."""
    assert published.counts.rows == ROWS
    return ROWS - published.statistics.columns["listed__price"].null_count
