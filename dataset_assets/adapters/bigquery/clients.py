"""Google's clients, and how they are asked. Only what talks to BigQuery loads this."""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from dagster_gcp import BigQueryResource
from dagster_gcp.bigquery.utils import setup_gcp_creds
from google.api_core.retry import Retry
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from dataset_assets.adapters.bigquery.errors import is_transient, plain
from dataset_assets.errors import AccessError, Fault

if TYPE_CHECKING:
    from google.cloud.bigquery_storage import BigQueryReadClient

    from dataset_assets.adapters.bigquery.settings import ConnectionSettings

_T = TypeVar("_T")

TIMEOUT = 60.0
"""Seconds for one request. What takes longer is not lost: it is asked for again."""
CLEANING = 10.0
"""Seconds for what may be left undone: BigQuery ends it, or removes it, by itself."""
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
        with setup_gcp_creds(self.gcp_credentials) if self.gcp_credentials else nullcontext():
            yield bigquery.Client(
                project=self.project,
                location=self.location,
                credentials=AnonymousCredentials() if local else None,
                client_options={"api_endpoint": self.api_endpoint},
            )


def client_of(settings: "ConnectionSettings") -> bigquery.Client:
    """For jobs and metadata. Raises AccessError where there are no credentials."""
    given = settings.model_dump(include={"project", "location", "gcp_credentials"})
    endpoint = settings.api_endpoint
    if settings.gcp_credentials and "GOOGLE_APPLICATION_CREDENTIALS" in os.environ:
        message = "`gcp_credentials` is given, and GOOGLE_APPLICATION_CREDENTIALS is set"
        raise AccessError(Fault(message, hint="leave out one of them"))
    resource = EndpointResource(**given, api_endpoint=endpoint) if endpoint else BigQueryResource(**given)
    try:
        with resource.get_client() as client:
            return client
    except GoogleAuthError as error:
        raise plain(error) from None
    except ValueError:
        if not settings.gcp_credentials:
            raise
        hint = "let it be what `base64` makes of the key's JSON file"
        raise AccessError(Fault("`gcp_credentials` is no service account's key", hint=hint)) from None


def reader_of(client: bigquery.Client, endpoint: str | None) -> "BigQueryReadClient":
    """For rows in bulk, by the Storage Read API."""
    from google.cloud import bigquery_storage  # noqa: PLC0415 - most runs move nothing

    if endpoint is None:
        return bigquery_storage.BigQueryReadClient(credentials=client._credentials)  # noqa: SLF001
    return bigquery_storage.BigQueryReadClient(transport=_insecure(endpoint))


def answered(request: Callable[[], _T], patience: float) -> _T:
    """Sends a request that may be sent twice, until it is answered. Raises plain errors."""
    retry = Retry(is_transient, initial=0.1, maximum=30.0, multiplier=2.0, timeout=patience)
    try:
        return retry(request)()
    except Exception as error:  # noqa: BLE001 - `plain` gives back what it does not know
        raise plain(error) from None


def _insecure(endpoint: str) -> Any:
    """A channel to an emulator, which sends rows in messages of any length."""
    import grpc  # noqa: PLC0415 - see reader
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (  # noqa: PLC0415
        BigQueryReadGrpcTransport,
    )

    channel = grpc.insecure_channel(endpoint, options=[("grpc.max_receive_message_length", -1)])
    return BigQueryReadGrpcTransport(channel=channel)
