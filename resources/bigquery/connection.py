"""One project's way to BigQuery. Google's libraries load when something is asked, not before."""

# ruff: noqa: PLC0415 - see above

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from google.cloud.bigquery import Client
    from google.cloud.bigquery_storage import BigQueryReadClient

    from resources.bigquery.settings import ConnectionSettings

_T = TypeVar("_T")


class Connection:
    """One project's clients, made when they are first used and kept."""

    def __init__(self, settings: "ConnectionSettings") -> None:
        self.settings = settings

    @cached_property
    def client(self) -> "Client":
        """For jobs and metadata. Raises AccessError where there are no credentials."""
        from resources.bigquery.clients import client_of

        return client_of(self.settings)

    @cached_property
    def reader(self) -> "BigQueryReadClient":
        """For rows in bulk, by the Storage Read API."""
        from resources.bigquery.clients import reader_of

        return reader_of(self.client, self.settings.storage_endpoint)

    def ask(self, request: Callable[[], _T]) -> _T:
        """Sends a request that may be sent twice, until it is answered. Raises plain errors."""
        from resources.bigquery.clients import answered

        return answered(request, self.patience)

    @property
    def patience(self) -> float:
        """Seconds."""
        return float(self.settings.patience)

    def close(self) -> None:
        """Lets go of sockets; the next use opens new ones."""
        if "client" in self.__dict__:
            self.__dict__.pop("client").close()
