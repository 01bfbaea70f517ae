"""An engine in memory that can read no file: for rows that are part of the program."""

from pathlib import Path
from tempfile import gettempdir

from dataset_assets.adapters.duckdb.engine import DuckDBEngine
from dataset_assets.adapters.duckdb.settings import DuckDBSettings


def memory_engine() -> DuckDBEngine:
    """Return an engine without access to files. One thread is enough for the few rows it is meant for."""
    settings = DuckDBSettings(type="duckdb", memory_limit="1GB", threads=1)
    return DuckDBEngine(settings, (), Path(gettempdir()) / "dataset-assets-memory")
