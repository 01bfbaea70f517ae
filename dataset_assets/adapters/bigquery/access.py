"""Check the permissions that a run needs in BigQuery, one by one and free of charge.

The checks create one empty table and drop it again; it expires by itself if that fails.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery
from sqlglot import exp

from dataset_assets.adapters.bigquery.connection import Connection
from dataset_assets.adapters.bigquery.jobs import Jobs
from dataset_assets.adapters.bigquery.names import expires_in, table
from dataset_assets.adapters.bigquery.session import BigQuerySession
from dataset_assets.adapters.bigquery.tables import path
from dataset_assets.errors import DatasetAssetsError, DeniedError, ResolveError
from dataset_assets.ports.access import AccessFinding, State, fine, hint_of, missing, note
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.resolver import TableState
from dataset_assets.sql.build import number

RETRY_SECONDS = 10
"""Seconds for which the first request is retried; a reachable BigQuery responds sooner."""
_CREDENTIAL_KINDS: Mapping[str, str] = {
    "google.auth.credentials": "none are sent to an address on this machine",
    "google.auth.compute_engine.credentials": "this machine's service account",
    "google.auth.identity_pool": "a workload identity",
    "google.auth.impersonated_credentials": "an impersonated service account",
    "google.oauth2.credentials": "a person's",
    "google.oauth2.service_account": "a service account's",
}
"""Module of a credentials class → the kind of account, in words."""


def try_access(about: str, said: str, role: str, action: Callable[[], object]) -> AccessFinding:
    """Run an action. Return a finding with text `said` if it succeeds, else with the reason of the failure.

    `role` is the hint if the permission is missing.
    """
    try:
        action()
    except DatasetAssetsError as error:
        return missing(about, error.faults[0].message, hint_of(error, role))
    except GoogleAPICallError as error:
        return missing(about, error.message or str(error), role)
    return fine(about, said)


def engine_findings(connection: Connection) -> Iterator[AccessFinding]:
    """Check the credentials and whether jobs may run. Raises AccessError if no request succeeds."""
    settings = connection.settings
    quick = Connection(settings.model_copy(update={"patience": min(RETRY_SECONDS, settings.patience)}))
    jobs = Jobs(quick, JobContext(""), limit=0)
    with suppress(DeniedError, ResolveError, GoogleAPICallError):  # the same request is reported below
        jobs.dry_run("SELECT 1")
    credentials = quick.client._credentials  # noqa: SLF001 - the client has no public attribute for them
    yield fine("credentials", _credentials_text(credentials))
    said = f"jobs may run in {settings.location}" if settings.location else "jobs may run"
    role = "check `project` and `location`"
    yield try_access(f"project {settings.project}", said, role, lambda: jobs.dry_run("SELECT 1"))


def _credentials_text(credentials: Any) -> str:
    kind = type(credentials)
    mail = getattr(credentials, "service_account_email", None) or getattr(credentials, "account", None)
    return " ".join(filter(None, (_CREDENTIAL_KINDS.get(kind.__module__, kind.__qualname__), mail)))


@dataclass(frozen=True)
class WarehouseAccess:
    """Checks what a warehouse needs in its BigQuery dataset."""

    session: BigQuerySession
    project: str
    dataset: str

    def findings(self) -> Iterator[AccessFinding]:
        """Check the dataset and its tables. A missing dataset is the only finding."""
        editor = f"grant roles/bigquery.dataEditor on dataset {self.project}.{self.dataset}"
        try:
            metadata = self.session.tables.dataset(self.project, self.dataset)
        except ResolveError as error:
            name = f"{self.project}:{self.dataset}"
            hint = f"bq mk --dataset --location=… {name}, where the tables are that datasets read"
            yield missing(self._subject, error.faults[0].message, hint)
            return
        except DatasetAssetsError as error:
            yield missing(self._subject, error.faults[0].message, editor)
        else:
            yield from self._dataset_findings(metadata)
        yield from self._table_findings(editor)

    @property
    def _subject(self) -> str:
        return f"warehouse {self.project}.{self.dataset}"

    def _dataset_findings(self, metadata: bigquery.Dataset) -> Iterator[AccessFinding]:
        location = metadata.location
        yield fine(self._subject, f"in {location}")
        job_location = self.session.jobs.connection.settings.location
        if job_location and location and job_location.lower() != location.lower():
            said = f"is in {location}, and the engine's jobs run in {job_location}"
            yield missing(self._subject, said, f"let the engine's `location` be {location}")
        if metadata.default_table_expiration_ms:
            days = metadata.default_table_expiration_ms / 86_400_000
            name = f"{self.project}:{self.dataset}"
            said = f"its tables vanish {days:g} days after they were made, published ones too"
            yield missing(self._subject, said, f"bq update --default_table_expiration 0 {name}")

    def _table_findings(self, editor: str) -> Iterator[AccessFinding]:
        """Create a table, and do with it what a run does with its tables."""
        about, tables = f"tables of {self.dataset}", self.session.tables
        probe = table(self.project, self.dataset, f"_doctor_{uuid.uuid4().hex}")
        definition = bigquery.Table(path(probe), schema=[bigquery.SchemaField("seen", "INT64")])
        definition.expires = expires_in(1)
        creation = try_access(about, "may be made", editor, lambda: tables.create(definition))
        if creation.state is not State.OK:
            yield creation
            return
        steps = self._steps(probe, definition)
        findings = [creation, *(try_access(about, said, editor, action) for said, action in steps.items())]
        bulk_read = self._bulk_read_finding(exp.select("seen").from_(probe))
        findings.append(try_access(about, "may be removed", editor, lambda: tables.drop(probe)))
        failures = [each for each in findings if each.state is not State.OK]
        yield from failures or [fine(about, "may be made, written, read, changed and removed")]
        yield bulk_read

    def _steps(self, probe: exp.Table, definition: bigquery.Table) -> Mapping[str, Callable[[], object]]:
        session = self.session
        row = exp.select(exp.alias_(number(1), "seen"))
        insert = session.render(exp.Insert(this=probe.copy(), expression=row))
        select = session.render(exp.select("seen").from_(probe))
        return {
            "may be written": lambda: session.jobs.dry_run(insert),
            "may be read": lambda: session.jobs.dry_run(select),
            "may be changed": lambda: session.tables.update(definition, ["expires"]),
        }

    def _bulk_read_finding(self, rows: exp.Select) -> AccessFinding:
        about, settings = "Storage Read API", self.session.jobs.connection.settings
        if settings.api_endpoint and not settings.storage_endpoint:
            return note(about, "was not asked", "name a `storage_endpoint` beside `api_endpoint`")
        role = f"grant roles/bigquery.readSessionUser on project {settings.project}"
        return try_access(about, "rows may be read in bulk", role, lambda: self.session.batches(rows).schema)


def table_findings(
    about: str, tables: Sequence[bigquery.Table], state: TableState, job_location: str | None
) -> Iterator[AccessFinding]:
    """Check the metadata of a table, or of all its shards, for queries that run in `job_location`."""
    yield fine(about, ", ".join(_table_descriptions(tables, state)))
    if not state.version:
        yield note(about, f"{state.unknown}; each refresh reads it")
    if any(each.require_partition_filter for each in tables):
        yield note(about, "is only read through a filter on the column that it is partitioned by")
    if job_location is None:
        return
    locations = {each.location: None for each in tables if each.location}
    for location in [each for each in locations if each.lower() != job_location.lower()]:
        hint = f"copy it to {job_location}, or let the warehouse be in {location}"
        said = f"is in {location}, and queries run in {job_location}, where the warehouse is"
        yield missing(about, said, hint)


def query_location(session: Session) -> str | None:
    """Return the location of a session's queries; None if BigQuery chooses it, or if it is unknown."""
    with suppress(DatasetAssetsError):
        return session.jobs.location if isinstance(session, BigQuerySession) else None
    return None


def _table_descriptions(tables: Sequence[bigquery.Table], state: TableState) -> Iterator[str]:
    kind = (tables[-1].table_type or "TABLE").lower().replace("_", " ")
    yield kind if len(tables) == 1 else f"{len(tables)} tables"
    yield "rows are not counted" if state.row_count is None else f"{state.row_count:,} rows"
    if state.modified_at:
        yield f"modified {state.modified_at:%Y-%m-%d %H:%M} UTC"
