"""Classify BigQuery's errors as transient or permanent, and translate them to the project's errors.

BigQuery's messages can quote values of the data, possibly of a sensitive column (BR-206). The translated
message of a value that does not fit its type therefore names the type alone.
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
"""Reasons of transient errors. `quotaExceeded` is not one of them, because it lasts for hours."""

_CONFLICT_MESSAGE = "concurrent update"
"""Part of the message of a transaction that conflicted with another: it changed nothing and is retried."""
_VALUE_MESSAGE = re.compile(
    r"(?:Invalid|Bad|Illegal|Could not (?:cast|convert)|out of range|overflow|Division by zero"
    r"|Conversion Error)",
    re.IGNORECASE,
)
_TYPE_NAME = re.compile(
    r"\b(INT64|NUMERIC|BIGNUMERIC|FLOAT64|BOOL|DATE|TIMESTAMP|DATETIME|STRING|DECIMAL)\b", re.IGNORECASE
)
_STATEMENT_MESSAGE = re.compile(
    r"Syntax error|Unrecognized name|No matching signature|Function not found|Table not found|Column name"
    r"|Table name|Name \S+ not found"
)
"""Messages that quote the statement and not the data."""
_CONNECTION_ERRORS = (requests.exceptions.RequestException, ConnectionError, TimeoutError, TransportError)
"""Errors after which a request may have been carried out, though its response is missing or incomplete."""
_ADDRESS_ERRORS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
)
_TRANSIENT_STATUSES = frozenset({408, 412, 500, 502, 503, 504})
"""HTTP status codes. 412: the table changed since it was read; `Tables.change` reads it again."""


class JobNotVisible(Exception):  # noqa: N818 - a transient state, not an error
    """BigQuery responds that the job id is in use, but does not return the job yet."""


def is_transient(error: BaseException) -> bool:
    """Return whether the same request may succeed if it is retried."""
    if isinstance(error, api.GoogleAPICallError):
        names = [reason for reason, _ in reasons(error)] or [_REASON_BY_STATUS.get(error.code or 0, "")]
        return error.code in _TRANSIENT_STATUSES or not TRANSIENT.isdisjoint(names)
    return isinstance(error, (JobNotVisible, *_CONNECTION_ERRORS)) and not isinstance(error, _ADDRESS_ERRORS)


def is_transient_result(result: dict[str, Any]) -> bool:
    """Return whether the `errorResult` of a finished job is transient."""
    return result.get("reason") in TRANSIENT or _CONFLICT_MESSAGE in result.get("message", "")


def reasons(error: api.GoogleAPICallError) -> Iterator[tuple[str, str]]:
    """Yield (reason, message) of each part of an error; gRPC errors of the Storage API have no parts."""
    for part in error.errors or ():
        if isinstance(part, Mapping):
            yield part.get("reason", ""), part.get("message", "")


def translate_error(error: Exception) -> Exception:
    """Return a DatasetAssetsError for an error that a person can fix, else the error itself: it is a bug."""
    if isinstance(error, api.RetryError) and isinstance(error.cause, Exception):
        return translate_error(error.cause)
    if isinstance(error, api.GoogleAPICallError):
        reason, message = _first_reason(error)
        return error_for_reason(reason, message) or (
            _invalid_query(message) if reason == "invalidQuery" else error
        )
    if isinstance(error, JobNotVisible):
        return UnavailableError(
            Fault(f"BigQuery has the job {error}, and does not show it", hint="run again later")
        )
    if isinstance(error, _CONNECTION_ERRORS):
        hint = "check the network, and `api_endpoint`"
        return UnavailableError(Fault("BigQuery cannot be reached", hint=hint))
    if isinstance(error, GoogleAuthError):
        hint = (
            "run `gcloud auth application-default login`, or let GOOGLE_APPLICATION_CREDENTIALS name a"
            " service account's key file"
        )
        return AccessError(Fault("there are no Google credentials that work", hint=hint))
    return error


def _first_reason(error: api.GoogleAPICallError) -> tuple[str, str]:
    """Return reason and message. A proxy in front of BigQuery responds in HTML, which only has a status."""
    for reason_and_message in reasons(error):
        return reason_and_message
    message = error.message or ""
    return _REASON_BY_STATUS.get(
        error.code or 0, ""
    ), f"HTTP {error.code}" if "<html" in message.lower() else message


_REASON_BY_STATUS = {
    401: "authError",
    403: "accessDenied",
    404: "notFound",
    429: "rateLimitExceeded",
    **dict.fromkeys(_TRANSIENT_STATUSES, "backendError"),
}

_ROLES = {
    "bigquery.jobs.": "grant roles/bigquery.jobUser on the engine's project, or name another `project`",
    "bigquery.readsessions.": "grant roles/bigquery.readSessionUser on the engine's project",
}
"""Prefix of a permission that a message names → the hint."""
_FILTER_MESSAGE = re.compile(r"Cannot query over table \S+ without a filter")
_BILLING_HINT = "look at the project's billing and its jobs"
_SMALLER_HINT = "select less, or a shorter window"
_BUDGET_HINT = "raise `maximum_bytes_billed`, or the dataset's own in `budgets`, or select less"
_QUOTA_HINT = "wait until the quota is renewed, or ask for a higher one"
_ERRORS: Mapping[str, tuple[type[DatasetAssetsError], str, str]] = {
    "notFound": (ResolveError, "{}", "check project, dataset and table in the target"),
    "accessDenied": (DeniedError, "{}", DOCTOR),
    "authError": (AccessError, "{}", DOCTOR),
    "forbidden": (DeniedError, "{}", DOCTOR),
    "quotaExceeded": (AccessError, "a quota of the project is used up: {}", _QUOTA_HINT),
    "bytesBilledLimitExceeded": (BudgetError, "{}", _BUDGET_HINT),
    "responseTooLarge": (DatasetAssetsError, "{}", _SMALLER_HINT),
    "resourcesExceeded": (DatasetAssetsError, "{}", _SMALLER_HINT),
    "billingNotEnabled": (AccessError, "{}", _BILLING_HINT),
    "billingTierLimitExceeded": (AccessError, "{}", _BILLING_HINT),
    "blocked": (AccessError, "{}", _BILLING_HINT),
    "stopped": (DatasetAssetsError, "the job was cancelled: {}", "run again"),
    **dict.fromkeys(TRANSIENT, (UnavailableError, "BigQuery does not come round: {}", "run again later")),
}
"""Reason → the error class, the sentence around the first line of BigQuery's message, and the hint."""


def error_for_reason(reason: str, message: str) -> DatasetAssetsError | None:
    """Return the error for BigQuery's reason and message; None for a reason that only a bug explains."""
    first = message.partition("\n")[0].rstrip(".")
    if reason in _ERRORS:
        error, sentence, hint = _ERRORS[reason]
        if error is DeniedError:
            hint = next((role for named, role in _ROLES.items() if named in message), hint)
        return error(Fault(sentence.format(first), hint=hint))
    if _CONFLICT_MESSAGE in message:
        return PublishError(
            Fault("other runs changed the same table again and again", hint="run again later")
        )
    if _FILTER_MESSAGE.match(message):
        return ResolveError(Fault(first, hint="map that column as `timestamp`, and give a `date_range`"))
    if reason in {"invalidQuery", "invalid"} and _VALUE_MESSAGE.search(message):
        kind = _TYPE_NAME.search(message)
        into = kind[1].upper() if kind else "the type it is used as"
        hint = "compare the table's values with its declared column types"
        return DataError(Fault(f"a value in the data cannot be turned into {into}", hint=hint))
    return None


def _invalid_query(message: str) -> DatasetAssetsError:
    """Return the error of an invalid query. The query did not run, so its message quotes no data."""
    first = message.partition("\n")[0]
    hint = "`dataset-assets sql` prints the query; look at the views that it reads"
    return DatasetAssetsError(Fault(f"BigQuery does not take the query: {first}", hint=hint))


def job_error(job_id: str, result: dict[str, Any]) -> DatasetAssetsError:
    """Return the error for the `errorResult` of a failed job, without text that may quote the data."""
    reason, message = result.get("reason", ""), result.get("message", "")
    first = message.partition("\n")[0].removeprefix("Query error: ")
    says = first if _STATEMENT_MESSAGE.match(first) else re.split(r"[:'\"`\d]", first)[0].strip()
    hint = f"BigQuery's job history has the whole message, under {job_id}"
    return error_for_reason(reason, message) or DatasetAssetsError(
        Fault(f"a job failed: {reason}: {says}", hint=hint)
    )
