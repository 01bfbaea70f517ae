"""What a target says of BigQuery. It is read and checked without loading Google's libraries."""

# ruff: noqa: PLC0415 - see above

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, Field

from dataset_assets.adapters.bigquery.names import dataset_path, project_name
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.adapters.shared.settings import EngineSettings, WarehouseSettings
from dataset_assets.adapters.shared.sizes import Amount, in_bytes
from dataset_assets.model import Identifier, Integer, Model, Text
from dataset_assets.ports.engine import Engine
from dataset_assets.ports.warehouse import Warehouse

if TYPE_CHECKING:
    from dataset_assets.adapters.bigquery.connection import Connection

Project = Annotated[str, AfterValidator(project_name)]
"""A project's id, not its number or its display name."""
DatasetPath = Annotated[str, AfterValidator(dataset_path)]
"""`dataset` or `project.dataset`."""


class ConnectionSettings(Model):
    """How to reach BigQuery. `project`: where jobs run, and who pays for them.

    Credentials are Google's application default ones; `gcp_credentials`: a service account's key, base64,
    where there is no file to keep it in. An endpoint on this machine is an emulator and is asked without
    any. `patience`: seconds for which what passes by itself (5xx, rate limits, lost connections) is retried.
    """

    project: Project
    location: Text | None = None
    api_endpoint: Text | None = None
    storage_endpoint: Text | None = None
    gcp_credentials: Text | None = None
    patience: Annotated[Integer, Field(ge=1, le=86_400)] = 600

    def open_connection(self) -> "Connection":
        """The connection; nothing is asked yet."""
        from dataset_assets.adapters.bigquery.connection import Connection

        return Connection(self)


class BigQueryEngineSettings(ConnectionSettings, EngineSettings):
    """`maximum_bytes_billed`: no query may be billed for more; `budgets`: less, or more, for one dataset."""

    type: Literal["bigquery"]
    maximum_bytes_billed: Amount = "1TB"
    budgets: Mapping[Identifier, Amount] = Field(default_factory=dict)

    def limit(self, dataset: str) -> int:
        """The bytes that one query for this dataset may be billed for."""
        return in_bytes(self.budgets.get(dataset, self.maximum_bytes_billed))

    def connection(self) -> "Connection":
        """As the base says."""
        return self.open_connection()

    def open(self, context: TargetContext, warehouse: Any, resolvers: Sequence[Any]) -> Engine:  # noqa: ARG002
        """As the base says. What is moved here is kept, for hours, in the warehouse's dataset."""
        from dataset_assets.adapters.bigquery.engine import BigQueryEngine

        if context.connection is None:
            raise TypeError("a BigQuery engine is opened with its connection")
        return BigQueryEngine(self, context.connection, warehouse.path(self.project))


class BigQueryWarehouseSettings(WarehouseSettings):
    """`dataset`: the BigQuery dataset that holds the published tables, `dataset` or `project.dataset`.

    It has to be there. `staging_hours`: after how many hours BigQuery itself removes rows that were staged
    or moved by a run that died.
    """

    type: Literal["bigquery"]
    needs = "bigquery"
    dataset: DatasetPath
    staging_hours: Annotated[Integer, Field(ge=1, le=168)] = 24

    def path(self, project: str) -> tuple[str, str]:
        """(project, dataset), in the engine's project unless it says another."""
        own, _, dataset = self.dataset.rpartition(".")
        return own or project, dataset

    def open(self, context: TargetContext) -> Warehouse:
        """As the base says."""
        from dataset_assets.adapters.bigquery.warehouse import BigQueryWarehouse

        if context.connection is None:
            raise TypeError("a BigQuery warehouse is opened with the engine's connection")
        return BigQueryWarehouse(*self.path(context.connection.settings.project), self.staging_hours)
