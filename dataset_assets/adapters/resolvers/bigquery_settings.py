"""Settings of a resolver of BigQuery tables in a target's file."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from typing_extensions import override

from dataset_assets.adapters.bigquery.names import table_path
from dataset_assets.adapters.bigquery.settings import BigQueryEngineSettings, DatasetPath, Project
from dataset_assets.adapters.resolvers.base import ResolverSettings
from dataset_assets.adapters.resolvers.by_period import PERIOD, PartitionedTableSettings
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.adapters.shared.sizes import Amount
from dataset_assets.model import Identifier, Integer, Text

if TYPE_CHECKING:
    from dataset_assets.adapters.resolvers.bigquery import BigQueryResolver


def _valid_location(value: str) -> str:
    return table_path(value.removesuffix(PERIOD) + "x" * value.endswith(PERIOD)) and value


class BigQueryTableSettings(PartitionedTableSettings):
    """Settings of one table, whose `location` is `table`, `dataset.table` or `project.dataset.table`.

    The location of a sharded table ends with `{period}`, which stands for a Period's id without its dashes:
    `events_{period}` with `period: day` is `events_20260131` and so on.
    """

    location: Annotated[str, AfterValidator(_valid_location)]


class BigQuerySettings(ResolverSettings):
    """Settings of a resolver of one BigQuery dataset, which is `dataset` or `project.dataset`.

    A table that `tables` does not name is `<table>` in that dataset. `project` pays for what is read, if that
    is not the project of the target's engine. The keys below it configure its jobs as the engine's keys do.
    """

    type: Literal["bigquery"]
    dataset: DatasetPath
    tables: Mapping[Identifier, BigQueryTableSettings] = Field(default_factory=dict)
    project: Project | None = None
    location: Text | None = None
    api_endpoint: Text | None = None
    storage_endpoint: Text | None = None
    gcp_credentials: Text | None = None
    patience: Annotated[Integer, Field(ge=1, le=86_400)] | None = None
    maximum_bytes_billed: Amount | None = None
    budgets: Mapping[Identifier, Amount] = Field(default_factory=dict)

    @property
    def own_engine(self) -> BigQueryEngineSettings | None:
        """Return the settings of an engine that bills `project`; None without a `project`."""
        own = self.model_dump(include=set(BigQueryEngineSettings.model_fields), exclude_none=True)
        return BigQueryEngineSettings.model_validate(own) if self.project else None

    @model_validator(mode="after")
    def _all_else_needs_a_project(self) -> Self:
        own = set(BigQueryEngineSettings.model_fields) - {"type"}
        given = sorted(own & self.model_dump(exclude_defaults=True).keys())
        if given and not self.project:
            raise ValueError(f"`{given[0]}` needs the `project` that it is said of")
        return self

    @override
    def open(self, name: str, context: TargetContext) -> "BigQueryResolver":
        from dataset_assets.adapters.resolvers.bigquery import BigQueryResolver  # noqa: PLC0415 - imports this module

        return BigQueryResolver(name, self, context.calendars, context.connection)
