"""Settings of the BigQuery engine and warehouse in a target's file.

Reading and checking them does not load Google's libraries.
"""

# ruff: noqa: PLC0415 - see above

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator
from typing_extensions import override

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
"""The id of a Google Cloud project, not its number or its display name."""
DatasetPath = Annotated[str, AfterValidator(dataset_path)]
"""`dataset` or `project.dataset`."""


class ConnectionSettings(Model):
    """Settings of a connection to BigQuery. `project` runs the jobs and pays for them.

    Credentials are Google's application default credentials, or `gcp_credentials`: a service account's key
    file, base64-encoded. An endpoint on this machine is an emulator and receives no credentials. `patience`
    is the number of seconds for which transient failures (5xx, rate limits, lost connections) are retried.
    """

    project: Project
    location: Text | None = None
    api_endpoint: Text | None = None
    storage_endpoint: Text | None = None
    gcp_credentials: Text | None = None
    patience: Annotated[Integer, Field(ge=1, le=86_400)] = 600

    def open_connection(self) -> "Connection":
        """Return the connection, which sends no request yet."""
        from dataset_assets.adapters.bigquery.connection import Connection

        return Connection(self)


class BigQueryEngineSettings(ConnectionSettings, EngineSettings):
    """Settings of the BigQuery engine.

    `maximum_bytes_billed` limits the bytes that one query may be billed for; `budgets` replaces this limit
    for single datasets.
    """

    type: Literal["bigquery"]
    maximum_bytes_billed: Amount = "1TB"
    budgets: Mapping[Identifier, Amount] = Field(default_factory=dict)

    def limit(self, dataset: str) -> int:
        """Return the bytes that one query for this dataset may be billed for."""
        return in_bytes(self.budgets.get(dataset, self.maximum_bytes_billed))

    @override
    def connection(self) -> "Connection":
        return self.open_connection()

    @override
    def open(self, context: TargetContext, warehouse: Any, resolvers: Sequence[Any]) -> Engine:
        from dataset_assets.adapters.bigquery.engine import BigQueryEngine

        if context.connection is None:
            raise TypeError("a BigQuery engine is opened with its connection")
        return BigQueryEngine(self, context.connection, warehouse.path(self.project))


_POLICY_TAG = re.compile(r"projects/[^/]+/locations/[^/]+/taxonomies/[^/]+/policyTags/[^/]+")


def _policy_tag(name: str) -> str:
    if not _POLICY_TAG.fullmatch(name):
        form = "projects/P/locations/L/taxonomies/T/policyTags/N"
        raise ValueError(f"is not the resource name of a policy tag; write it as {form}")
    return name


class BigQueryWarehouseSettings(WarehouseSettings):
    """Settings of a warehouse in one BigQuery dataset, which has to exist.

    `dataset` holds the published tables: `dataset` or `project.dataset`. `staging_hours` is the number of
    hours after which BigQuery itself removes the staged or transferred rows of a run that died. `policy_tag`
    is the resource name of the policy tag that sensitive columns of published tables get (BR-146).
    """

    type: Literal["bigquery"]
    needs = "bigquery"
    dataset: DatasetPath
    staging_hours: Annotated[Integer, Field(ge=1, le=168)] = 24
    policy_tag: Annotated[str, AfterValidator(_policy_tag)] | None = None

    @field_validator("retention", mode="before")
    @classmethod
    def _time_travel_is_googles(cls, value: Any) -> Any:
        if value is not None:
            kept = "keeps replaced rows for the time travel of its dataset, 2 to 7 days"
            raise ValueError(f"has no effect in BigQuery, which itself {kept}; pin what has to stay longer")
        return value

    def path(self, project: str) -> tuple[str, str]:
        """Return (project, dataset); `project`, the engine's, is the default."""
        own_project, _, dataset = self.dataset.rpartition(".")
        return own_project or project, dataset

    @override
    def seen_from_elsewhere(self, base: Path, engine: Any) -> Self:
        return self.model_copy(update={"dataset": ".".join(self.path(engine.project))})

    @override
    def open(self, context: TargetContext) -> Warehouse:
        from dataset_assets.adapters.bigquery.warehouse import BigQueryWarehouse

        if context.connection is None:
            raise TypeError("a BigQuery warehouse is opened with the engine's connection")
        path = self.path(context.connection.settings.project)
        return BigQueryWarehouse(*path, self.staging_hours, self.sample_days, self.policy_tag)
