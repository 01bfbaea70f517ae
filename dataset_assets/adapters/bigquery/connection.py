"""One project's connection to BigQuery; Google's libraries load with the first request, not before."""

# ruff: noqa: PLC0415 - see above

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from dataset_assets.cached_property import cached_property
from dataset_assets.errors import AccessError

if TYPE_CHECKING:
    from google.cloud.bigquery import Client
    from google.cloud.bigquery_storage import BigQueryReadClient

    from dataset_assets.adapters.bigquery.settings import ConnectionSettings

_T = TypeVar("_T")


class Connection:
    """The Google clients of one project, which are created with their first use and then kept."""

    def __init__(self, settings: "ConnectionSettings") -> None:
        self.settings = settings
        self._locations: dict[tuple[str, str], str | None] = {}

    @cached_property
    def client(self) -> "Client":
        """Return the client for jobs and metadata. Raises AccessError if there are no credentials."""
        from dataset_assets.adapters.bigquery.clients import create_client

        return create_client(self.settings)

    @cached_property
    def read_client(self) -> "BigQueryReadClient":
        """Return the client of the Storage Read API, which reads rows in bulk."""
        from dataset_assets.adapters.bigquery.clients import create_read_client

        return create_read_client(self.client, self.settings.storage_endpoint)

    def retry(self, request: Callable[[], _T], seconds: float | None = None) -> _T:
        """Send an idempotent request, retry it after transient failures, and return its response.

        Retries end after `seconds`, and never later than `retry_seconds`. Raises DatasetAssetsError for a
        failure that a person can fix.
        """
        from dataset_assets.adapters.bigquery.clients import with_retries

        return with_retries(request, min(seconds or self.retry_seconds, self.retry_seconds))

    def location_of(self, project: str, dataset: str) -> str | None:
        """Return the location of jobs over a dataset: the settings' location, else the dataset's own.

        BigQuery finds a job by its id only together with its location. None if the dataset's metadata may
        not be read; BigQuery then derives the location from a query's tables. Raises ResolveError if the
        dataset does not exist.
        """
        from dataset_assets.adapters.bigquery.clients import NO_RETRY, TIMEOUT

        if self.settings.location:
            return self.settings.location
        key = (project, dataset)
        if key not in self._locations:
            name, client = ".".join(key), self.client
            try:
                metadata = self.retry(lambda: client.get_dataset(name, retry=NO_RETRY, timeout=TIMEOUT))
                self._locations[key] = metadata.location
            except AccessError:
                self._locations[key] = None
        return self._locations[key]

    @property
    def retry_seconds(self) -> float:
        """Return the seconds for which transient failures are retried: `patience` in the target's file."""
        return float(self.settings.patience)

    def close(self) -> None:
        """Close the sockets; the next request opens new ones."""
        if "client" in self.__dict__:
            self.__dict__.pop("client").close()
