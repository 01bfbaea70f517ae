"""What BigQuery answers when it does not do it: what passes by itself, and what a person is told of the rest.

Its own messages can quote values of the data, which may be of a sensitive column (BR-206): of a value that
does not fit only the type is told.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from google.api_core import exceptions as api
from google.auth.exceptions import GoogleAuthError, TransportError

from dataset_assets.errors import (
    AccessError,
    BudgetError,
    DataError,
    DatasetAssetsError,
    DeniedError,
    Fault,
    PublishError,
    ResolveError,
    UnavailableError,
)
from dataset_assets.ports.access import DOCTOR

TRANSIENT = frozenset(
    {
        *("backendError", "internalError", "badGateway", "jobBackendError", "jobInternalError"),
        *("rateLimitExceeded", "jobRateLimitExceeded", "tableUnavailable"),
    }
)
"""Reasons that pass by themselves. `quotaExceeded` does not, for hours."""

_CONFLICT = "concurrent update"
"""In the message of a transaction that lost against another: it changed nothing, and may try again."""
_VALUE = re.compile(
    r"(?:Invalid|Bad|Illegal|Could not (?:cast|convert)|out of range|overflow|Division by zero"
    r"|Conversion Error)",
    re.IGNORECASE,
)
_TYPE = re.compile(
    r"\b(INT64|NUMERIC|BIGNUMERIC|FLOAT64|BOOL|DATE|TIMESTAMP|DATETIME|STRING|DECIMAL)\b", re.IGNORECASE
)
_OF_THE_TEXT = re.compile(
    r"Syntax error|Unrecognized name|No matching signature|Function not found|Table not found|Column name"
    r"|Table name|Name \S+ not found"
)
"""What such a message quotes is the statement, not the data."""
_CUT = (requests.exceptions.RequestException, ConnectionError, TimeoutError, TransportError)
"""The answer did not come, or came in part: the request may have been carried out."""
_NO_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)
_AGAIN = frozenset({408, 412, 500, 502, 503, 504})
"""HTTP. 412: the table changed since it was read; who asks again reads it again."""


class NotSeenYet(Exception):  # noqa: N818 - not an error, a state that passes
    """A job of this id is there, says BigQuery, and a moment later says that it is not."""


def is_transient(error: BaseException) -> bool:
    """Whether the same request may well succeed a moment later."""
    if isinstance(error, api.GoogleAPICallError):
        found = [reason for reason, _ in reasons(error)] or [_BY_CODE.get(error.code or 0, "")]
        return error.code in _AGAIN or not TRANSIENT.isdisjoint(found)
    return isinstance(error, (NotSeenYet, *_CUT)) and not isinstance(error, _NO_ADDRESS)


def is_transient_result(result: dict[str, Any]) -> bool:
    """The same of the `errorResult` of a job that is done."""
    return result.get("reason") in TRANSIENT or _CONFLICT in result.get("message", "")


def reasons(error: api.GoogleAPICallError) -> Iterator[tuple[str, str]]:
    """(reason, message) of each part of an answer; an answer of gRPC, as the Storage API's, has none."""
    for part in error.errors or ():
        if isinstance(part, Mapping):
            yield part.get("reason", ""), part.get("message", "")


def plain(error: Exception) -> Exception:
    """A DatasetAssetsError for what a person can fix, else the error itself, a bug."""
    if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
        return plain(error.cause)
    if isinstance(error, api.GoogleAPICallError):
        reason, message = _first(error)
        return told(reason, message) or (_refused(message) if reason == "invalidQuery" else error)
    if isinstance(error, NotSeenYet):
        return UnavailableError(
            Fault(f"BigQuery has the job {error}, and does not show it", hint="run again later")
        )
    if isinstance(error, _CUT):
        hint = "check the network, and `api_endpoint`"
        return UnavailableError(Fault("BigQuery cannot be reached", hint=hint))
    if isinstance(error, GoogleAuthError):
        hint = (
            "run `gcloud auth application-default login`, or let GOOGLE_APPLICATION_CREDENTIALS name a"
            " service account's key file"
        )
        return AccessError(Fault("there are no Google credentials that work", hint=hint))
    return error


def _first(error: api.GoogleAPICallError) -> tuple[str, str]:
    """Reason and message. A server in front of BigQuery answers in HTML, with no more than its status."""
    for found in reasons(error):
        return found
    message = error.message or ""
    return _BY_CODE.get(error.code or 0, ""), f"HTTP {error.code}" if "<html" in message.lower() else message


_BY_CODE = {
    401: "authError",
    403: "accessDenied",
    404: "notFound",
    429: "rateLimitExceeded",
    **dict.fromkeys(_AGAIN, "backendError"),
}

_ROLES = {
    "bigquery.jobs.": "grant roles/bigquery.jobUser on the engine's project, or name another `project`",
    "bigquery.readsessions.": "grant roles/bigquery.readSessionUser on the engine's project",
}
"""A permission that a message names → what would do."""
_FILTER = re.compile(r"Cannot query over table \S+ without a filter")
_BILLING = "look at the project's billing and its jobs"
_SMALLER = "select less, or a shorter window"
_BUDGET = "raise `maximum_bytes_billed`, or the dataset's own in `budgets`, or select less"
_QUOTA = "wait until the quota is renewed, or ask for a higher one"
_MEANING: Mapping[str, tuple[type[DatasetAssetsError], str, str]] = {
    "notFound": (ResolveError, "{}", "check project, dataset and table in the target"),
    "accessDenied": (DeniedError, "{}", DOCTOR),
    "authError": (AccessError, "{}", DOCTOR),
    "forbidden": (DeniedError, "{}", DOCTOR),
    "quotaExceeded": (AccessError, "a quota of the project is used up: {}", _QUOTA),
    "bytesBilledLimitExceeded": (BudgetError, "{}", _BUDGET),
    "responseTooLarge": (DatasetAssetsError, "{}", _SMALLER),
    "resourcesExceeded": (DatasetAssetsError, "{}", _SMALLER),
    "billingNotEnabled": (AccessError, "{}", _BILLING),
    "billingTierLimitExceeded": (AccessError, "{}", _BILLING),
    "blocked": (AccessError, "{}", _BILLING),
    "stopped": (DatasetAssetsError, "the job was cancelled: {}", "run again"),
    **dict.fromkeys(TRANSIENT, (UnavailableError, "BigQuery does not come round: {}", "run again later")),
}
"""Reason → the error, how BigQuery's own first line is told, and what would do."""


def told(reason: str, message: str) -> DatasetAssetsError | None:
    """What a reason means to a person; None for one that only a bug explains."""
    first = message.partition("\n")[0].rstrip(".")
    if reason in _MEANING:
        error, sentence, hint = _MEANING[reason]
        if error is DeniedError:
            hint = next((role for named, role in _ROLES.items() if named in message), hint)
        return error(Fault(sentence.format(first), hint=hint))
    if _CONFLICT in message:
        return PublishError(
            Fault("other runs changed the same table again and again", hint="run again later")
        )
    if _FILTER.match(message):
        return ResolveError(Fault(first, hint="map that column as `timestamp`, and give a `date_range`"))
    if reason in {"invalidQuery", "invalid"} and _VALUE.search(message):
        kind = _TYPE.search(message)
        into = kind[1].upper() if kind else "the type it is used as"
        hint = "compare the table's values with its declared column types"
        return DataError(Fault(f"a value in the data cannot be turned into {into}", hint=hint))
    return None


def _refused(message: str) -> DatasetAssetsError:
    """A query that is not taken was not run: its message holds nothing of the data."""
    first = message.partition("\n")[0]
    hint = "`dataset-assets sql` prints the query; look at the views that it reads"
    return DatasetAssetsError(Fault(f"BigQuery does not take the query: {first}", hint=hint))


def failed(job_id: str, result: dict[str, Any]) -> DatasetAssetsError:
    """What the `errorResult` of a job means to a person. What may be a value of the data is left out."""
    reason, message = result.get("reason", ""), result.get("message", "")
    first = message.partition("\n")[0].removeprefix("Query error: ")
    says = first if _OF_THE_TEXT.match(first) else re.split(r"[:'\"`\d]", first)[0].strip()
    hint = f"BigQuery's job history has the whole message, under {job_id}"
    return told(reason, message) or DatasetAssetsError(Fault(f"a job failed: {reason}: {says}", hint=hint))
