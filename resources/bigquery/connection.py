"""The clients that talk to BigQuery."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from dagster_gcp import BigQueryResource
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from resources.bigquery.errors import is_transient, plain
from resources.bigquery.settings import ConnectionSettings

if TYPE_CHECKING:
    from google.cloud.bigquery_storage import BigQueryReadClient

_T = TypeVar("_T")

TIMEOUT = 60.0
"""Seconds for one request. What takes longer is not lost: it is asked for again."""
ONCE = Retry(lambda _: False)
"""The clients' own retries are not used: they repeat some requests for ten minutes, and others never."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class EndpointResource(BigQueryResource):
    """Dagster's resource, at another address than Google's. On this machine no credentials are asked for."""

    api_endpoint: str

    @contextmanager
    def get_client(self) -> Generator[bigquery.Client, None, None]:
        """A client of that address."""
        local = urlsplit(self.api_endpoint).hostname in _LOOPBACK
        yield bigquery.Client(
            project=self.project,
            location=self.location,
            credentials=AnonymousCredentials() if local else None,  # ty: ignore[invalid-argument-type]
            client_options={"api_endpoint": self.api_endpoint},
        )


class Connection:
    """One project's clients, made when they are first used and kept."""

    def __init__(self, settings: ConnectionSettings) -> None:
        self.settings = settings

    @cached_property
    def client(self) -> bigquery.Client:
        """For jobs and metadata. Raises AccessError where there are no credentials."""
        given = {"project": self.settings.project, "location": self.settings.location}
        endpoint = self.settings.api_endpoint
        resource = (
            EndpointResource(**given, api_endpoint=endpoint)
            if endpoint
            else BigQueryResource(**given, gcp_credentials=self.settings.gcp_credentials)
        )
        try:
            with resource.get_client() as client:
                return client
        except GoogleAuthError as error:
            raise plain(error) from None

    @cached_property
    def reader(self) -> "BigQueryReadClient":
        """For rows in bulk, by the Storage Read API."""
        from google.cloud import bigquery_storage  # noqa: PLC0415 - most runs move nothing

        endpoint = self.settings.storage_endpoint
        if endpoint is None:
            return bigquery_storage.BigQueryReadClient(credentials=self.client._credentials)  # noqa: SLF001
        return bigquery_storage.BigQueryReadClient(transport=_insecure(endpoint))

    def ask(self, request: Callable[[], _T]) -> _T:
        """Sends a request that may be sent twice, until it is answered. Raises plain errors."""
        retry = Retry(is_transient, initial=0.1, maximum=30.0, multiplier=2.0, timeout=self.patience)
        try:
            return retry(request)()
        except Exception as error:  # noqa: BLE001 - `plain` gives back what it does not know
            raise plain(error) from None

    @property
    def patience(self) -> float:
        """Seconds."""
        return float(self.settings.patience)

    def close(self) -> None:
        """Lets go of sockets; the next use opens new ones."""
        if "client" in self.__dict__:
            self.__dict__.pop("client").close()


def _insecure(endpoint: str) -> Any:
    """A channel to an emulator, which sends rows in messages of any length."""
    import grpc  # noqa: PLC0415 - see reader
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (  # noqa: PLC0415
        BigQueryReadGrpcTransport,
    )

    channel = grpc.insecure_channel(endpoint, options=[("grpc.max_receive_message_length", -1)])
    return BigQueryReadGrpcTransport(channel=channel)
