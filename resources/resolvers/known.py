"""The resolvers there are."""

from typing import Annotated

from pydantic import Field

from resources.resolvers.bigquery import BigQuerySettings
from resources.resolvers.csv import CsvSettings
from resources.resolvers.delta import DeltaSettings
from resources.resolvers.duckdb import DuckDBFileSettings
from resources.resolvers.parquet import ParquetSettings

AnyResolver = Annotated[
    ParquetSettings | CsvSettings | DeltaSettings | DuckDBFileSettings | BigQuerySettings,
    Field(discriminator="type"),
]
"""Every kind of resolver, found by `type`. To add one: a file with its settings, and its place here."""
