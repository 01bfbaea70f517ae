"""Create Google's clients for BigQuery, and send requests with our own retries.

Importing this module loads Google's libraries.
"""

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
from typing_extensions import override

from dataset_assets.adapters.bigquery.errors import is_transient, translate_error
from dataset_assets.errors import AccessError, Fault

if TYPE_CHECKING:
    from google.cloud.bigquery_storage import BigQueryReadClient

    from dataset_assets.adapters.bigquery.settings import ConnectionSettings

_T = TypeVar("_T")

TIMEOUT = 60.0
"""Seconds for one request. A request that takes longer is sent again."""
CLEANUP_SECONDS = 10.0
"""Seconds for requests that clean up; if they fail, BigQuery ends or removes the object by itself."""
NO_RETRY = Retry(lambda _: False)
"""Switches the clients' own retries off: they repeat some requests for ten minutes, and others never."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class EndpointResource(BigQueryResource):
    """Dagster's BigQuery resource at another address than Google's, such as an emulator.

    Requests to an address on this machine carry no credentials.
    """

    api_endpoint: str

    @contextmanager
    @override
    def get_client(self) -> Generator[bigquery.Client, None, None]:
        local = urlsplit(self.api_endpoint).hostname in _LOOPBACK
        with setup_gcp_creds(self.gcp_credentials) if self.gcp_credentials else nullcontext():
            yield bigquery.Client(
                project=self.project,
                location=self.location,
                credentials=AnonymousCredentials() if local else None,
                client_options={"api_endpoint": self.api_endpoint},
            )


def create_client(settings: "ConnectionSettings") -> bigquery.Client:
    """Create the client for jobs and metadata. Raises AccessError if the credentials are missing or wrong."""
    arguments = settings.model_dump(include={"project", "location", "gcp_credentials"})
    endpoint = settings.api_endpoint
    if settings.gcp_credentials and "GOOGLE_APPLICATION_CREDENTIALS" in os.environ:
        message = "`gcp_credentials` is given, and GOOGLE_APPLICATION_CREDENTIALS is set"
        raise AccessError(Fault(message, hint="leave out one of them"))
    if endpoint:
        resource = EndpointResource(**arguments, api_endpoint=endpoint)
    else:
        resource = BigQueryResource(**arguments)
    try:
        with resource.get_client() as client:
            return client
    except GoogleAuthError as error:
        raise translate_error(error) from None
    except ValueError:
        if not settings.gcp_credentials:
            raise
        hint = "let it be what `base64` makes of the key's JSON file"
        raise AccessError(Fault("`gcp_credentials` is no service account's key", hint=hint)) from None


def create_read_client(client: bigquery.Client, endpoint: str | None) -> "BigQueryReadClient":
    """Create the client of the Storage Read API with the credentials of `client`."""
    from google.cloud import bigquery_storage  # noqa: PLC0415 - most runs read no rows in bulk

    if endpoint is None:
        return bigquery_storage.BigQueryReadClient(credentials=client._credentials)  # noqa: SLF001
    return bigquery_storage.BigQueryReadClient(transport=_insecure_transport(endpoint))


def with_retries(request: Callable[[], _T], seconds: float) -> _T:
    """Send an idempotent request and retry transient failures for `seconds`, with growing pauses.

    Raises DatasetAssetsError for a failure that a person can fix.
    """
    retry = Retry(is_transient, initial=0.1, maximum=30.0, multiplier=2.0, timeout=seconds)
    try:
        return retry(request)()
    except Exception as error:  # noqa: BLE001 - `translate_error` returns unknown errors as they are
        raise translate_error(error) from None


def _insecure_transport(endpoint: str) -> Any:
    """Return an unencrypted channel to an emulator, which sends rows in messages of any length."""
    import grpc  # noqa: PLC0415 - see create_read_client
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import (  # noqa: PLC0415
        BigQueryReadGrpcTransport,
    )

    channel = grpc.insecure_channel(endpoint, options=[("grpc.max_receive_message_length", -1)])
    return BigQueryReadGrpcTransport(channel=channel)
