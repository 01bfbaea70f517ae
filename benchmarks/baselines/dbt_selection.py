"""Job J's selection as a dbt model on DuckDB: `dbt run` in process, as its own Python interface does it."""

import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

import duckdb
from dbt.cli.main import dbtRunner
from reporting import Counts, report
from sql import HAND_WRITTEN

HERE = Path(__file__).parent
FOLDER = Path(mkdtemp(prefix="dbt-bench-"))
COUNT = """
SELECT COUNT(*), COUNT(DISTINCT product_id), COUNT(DISTINCT user_id), CAST(SUM(split) AS BIGINT) FROM job_j
"""


def select(data: Path) -> Counts:
    """From the Parquet files to the selected rows."""
    project = FOLDER / "project"
    if not project.exists():
        shutil.copytree(HERE / "dbt", project)
        (project / "models").mkdir()
        (project / "models" / "job_j.sql").write_text(HAND_WRITTEN.format(data=data), encoding="utf-8")
        os.environ["BENCH_DATABASE"] = str(FOLDER / "job_j.duckdb")
    folder = str(project)
    done = dbtRunner().invoke(["--quiet", "run", "--project-dir", folder, "--profiles-dir", folder])
    if not done.success:
        raise RuntimeError(f"dbt failed: {done.exception or done.result}")
    with duckdb.connect(os.environ["BENCH_DATABASE"]) as connection:
        rows, products, users, evaluated = connection.execute(COUNT).fetchall()[0]
    return {"rows": rows, "products": products, "users": users, "eval": evaluated}


# dbt starts processes that import this file again.
if __name__ == "__main__":
    try:
        report(select)
    finally:
        shutil.rmtree(FOLDER)
