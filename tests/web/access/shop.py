"""A project whose names and rows attack whoever shows them, and whose sensitive column has a marker."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.interfaces.workspace import Workspace

MARKER = "Zq7SENSITIVE"
"""Begins every value of the sensitive column, and is written nowhere else."""
SCRIPT = "<script>alert('{}')</script>"
IMAGE = '"><img src=x onerror=alert(1)>'
USERS = """\
users:
  rita: {email: rita@example.com}
  ed: {email: Ed@example.com, role: editor}
  pat: {email: pat@example.com, role: publisher}
  twin-a: {email: twin@example.com, role: publisher}
  twin-b: {email: twin@example.com, role: publisher}
  shop: {team: shop}
"""
TARGET = """\
target:
  engine: {type: duckdb, memory_limit: 1GB, threads: 2}
  warehouse: {type: delta, root: ./warehouse}
  default_resolver: retail
  resolvers:
    retail: {type: parquet, root: ./data}
"""
PEOPLE = f"""\
dataset:
  id: 01a2001c-5baf-7ea5-90b9-0d6b764edd8d
  name: 'People {SCRIPT.format("name").replace("'", "''")}'
  description: 'About {SCRIPT.format("description").replace("'", "''")} {IMAGE}'
  owner: ed
  status: active
  ml_model: recommender
  natural_key_columns: [person_id]
  main_table:
    name: people
    columns:
      - {{name: person_id, type: integer, nullable: false}}
      - {{name: income, type: string, sensitive: true}}
      - {{name: town, type: string}}
      - {{name: seen_at, type: timestamp, nullable: false}}
  column_mapping: {{user_id: person_id, product_id: person_id, timestamp: seen_at, category: town}}
  extra_columns: [income]
  filters:
    date_range: {{type: fixed, start_date: 2026-01-01, end_date: 2026-03-31}}
  split_config: {{strategy: time_based, eval_days: 14}}
"""


@dataclass(frozen=True)
class Shop:
    """The folder of the project, and its workspace."""

    folder: Path
    workspace: Workspace

    @property
    def file(self) -> Path:
        return self.folder / "definitions" / "datasets" / "people.yaml"

    def state(self) -> dict[str, bytes]:
        """Return every file of the definitions: what no attack may change."""
        root = self.folder / "definitions"
        return {
            str(path.relative_to(root)): path.read_bytes()
            for path in sorted(root.rglob("*"))
            if path.is_file() and not path.name.endswith(".guard")
        }


def write_shop(folder: Path, *, locked: bool = False) -> Shop:
    """Write the project and its rows."""
    root = folder / "definitions"
    (root / "datasets").mkdir(parents=True)
    (folder / "data").mkdir()
    (root / "users.yaml").write_text(USERS)
    (root / "datasets" / "people.yaml").write_text(PEOPLE)
    (folder / "local.yaml").write_text(TARGET)
    first = datetime(2026, 1, 1)  # noqa: DTZ001 - naive, as the source has it
    people = pa.table(
        {
            "person_id": list(range(90)),
            "income": [f"{MARKER}{number}" for number in range(90)],
            "town": [SCRIPT.format("town") if number % 2 else IMAGE for number in range(90)],
            "seen_at": [first + timedelta(days=number) for number in range(90)],
            SCRIPT.format("column"): list(range(90)),
        }
    )
    parquet.write_table(people, folder / "data" / "people.parquet")
    settings = Settings(project=folder, definitions=root, target=str(folder / "local.yaml"), locked=locked)
    return Shop(folder, Workspace(settings))
