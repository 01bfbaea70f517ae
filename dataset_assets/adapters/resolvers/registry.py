"""The resolvers there are."""

from typing import Annotated

from pydantic import Field

from dataset_assets.adapters.resolvers.bigquery import BigQuerySettings
from dataset_assets.adapters.resolvers.csv import CsvSettings
from dataset_assets.adapters.resolvers.delta import DeltaSettings
from dataset_assets.adapters.resolvers.duckdb import DuckDBFileSettings
from dataset_assets.adapters.resolvers.parquet import ParquetSettings

AnyResolver = Annotated[
    ParquetSettings | CsvSettings | DeltaSettings | DuckDBFileSettings | BigQuerySettings,
    Field(discriminator="type"),
]
"""Every kind of resolver, found by `type`. To add one: a file with its settings, and its place here."""
