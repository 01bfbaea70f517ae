"""One project's way to BigQuery. Google's libraries load when something is asked, not before."""

# ruff: noqa: PLC0415 - see above

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from dataset_assets.errors import AccessError

if TYPE_CHECKING:
    from google.cloud.bigquery import Client
    from google.cloud.bigquery_storage import BigQueryReadClient

    from dataset_assets.adapters.bigquery.settings import ConnectionSettings

_T = TypeVar("_T")


class Connection:
    """One project's clients, made when they are first used and kept."""

    def __init__(self, settings: "ConnectionSettings") -> None:
        self.settings = settings
        self._locations: dict[tuple[str, str], str | None] = {}

    @cached_property
    def client(self) -> "Client":
        """For jobs and metadata. Raises AccessError where there are no credentials."""
        from dataset_assets.adapters.bigquery.clients import client_of

        return client_of(self.settings)

    @cached_property
    def reader(self) -> "BigQueryReadClient":
        """For rows in bulk, by the Storage Read API."""
        from dataset_assets.adapters.bigquery.clients import reader_of

        return reader_of(self.client, self.settings.storage_endpoint)

    def ask(self, request: Callable[[], _T], patience: float | None = None) -> _T:
        """Sends a request that may be sent twice, until it is answered. Raises plain errors."""
        from dataset_assets.adapters.bigquery.clients import answered

        return answered(request, min(patience or self.patience, self.patience))

    def location_of(self, project: str, dataset: str) -> str | None:
        """Where jobs over this dataset run: as the settings say, else where it is.

        A job can be found again by its id only together with its location. None where the dataset may not
        be looked at: BigQuery then goes by the tables of a query. Raises ResolveError where there is none.
        """
        from dataset_assets.adapters.bigquery.clients import ONCE, TIMEOUT

        if self.settings.location:
            return self.settings.location
        place = (project, dataset)
        if place not in self._locations:
            name, client = ".".join(place), self.client
            try:
                found = self.ask(lambda: client.get_dataset(name, retry=ONCE, timeout=TIMEOUT)).location
            except AccessError:
                found = None
            self._locations[place] = found
        return self._locations[place]

    @property
    def patience(self) -> float:
        """Seconds."""
        return float(self.settings.patience)

    def close(self) -> None:
        """Lets go of sockets; the next use opens new ones."""
        if "client" in self.__dict__:
            self.__dict__.pop("client").close()
