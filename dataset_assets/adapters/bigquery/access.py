"""Whether BigQuery lets be done what a run does: looked at piece by piece, at no cost.

Nothing is made but an empty table, which is removed again; BigQuery itself removes it where that fails.
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
from dataset_assets.adapters.bigquery.names import expiry, table
from dataset_assets.adapters.bigquery.session import BigQuerySession
from dataset_assets.adapters.bigquery.tables import path
from dataset_assets.errors import DatasetAssetsError, DeniedError, ResolveError
from dataset_assets.ports.access import AccessFinding, State, fine, hint_of, missing, note
from dataset_assets.ports.engine import JobContext, Session
from dataset_assets.ports.resolver import TableState
from dataset_assets.sql.build import number

PATIENCE = 10
"""Seconds in which BigQuery answers the first question, if it can be reached."""
_WHOSE: Mapping[str, str] = {
    "google.auth.credentials": "none are sent to an address on this machine",
    "google.auth.compute_engine.credentials": "this machine's service account",
    "google.auth.identity_pool": "a workload identity",
    "google.auth.impersonated_credentials": "an impersonated service account",
    "google.oauth2.credentials": "a person's",
    "google.oauth2.service_account": "a service account's",
}
"""Module of a class of credentials → whose they are."""


def attempt(about: str, said: str, role: str, work: Callable[[], object]) -> AccessFinding:
    """`said` where `work` succeeds, else why it failed. `role`: what would let it, where it may not."""
    try:
        work()
    except DatasetAssetsError as error:
        return missing(about, error.faults[0].message, hint_of(error, role))
    except GoogleAPICallError as error:
        return missing(about, error.message or str(error), role)
    return fine(about, said)


def engine_findings(connection: Connection) -> Iterator[AccessFinding]:
    """Credentials, and whether jobs may run. Raises AccessError where nothing more can be asked."""
    settings = connection.settings
    quick = Connection(settings.model_copy(update={"patience": min(PATIENCE, settings.patience)}))
    jobs = Jobs(quick, JobContext(""), limit=0)
    with suppress(DeniedError, ResolveError, GoogleAPICallError):  # answers: what they mean is told below
        jobs.dry_run("SELECT 1")
    yield fine("credentials", _whose(quick.client._credentials))  # noqa: SLF001 - there is no other way
    said = f"jobs may run in {settings.location}" if settings.location else "jobs may run"
    role = "check `project` and `location`"
    yield attempt(f"project {settings.project}", said, role, lambda: jobs.dry_run("SELECT 1"))


def _whose(credentials: Any) -> str:
    kind = type(credentials)
    mail = getattr(credentials, "service_account_email", None) or getattr(credentials, "account", None)
    return " ".join(filter(None, (_WHOSE.get(kind.__module__, kind.__qualname__), mail)))


@dataclass(frozen=True)
class WarehouseAccess:
    """What a warehouse in one BigQuery dataset needs of it."""

    session: BigQuerySession
    project: str
    dataset: str

    def findings(self) -> Iterator[AccessFinding]:
        """Of a dataset that is not there, no more than that."""
        editor = f"grant roles/bigquery.dataEditor on dataset {self.project}.{self.dataset}"
        try:
            found = self.session.tables.dataset(self.project, self.dataset)
        except ResolveError as error:
            place = f"{self.project}:{self.dataset}"
            hint = f"bq mk --dataset --location=… {place}, where the tables are that datasets read"
            yield missing(self._about, error.faults[0].message, hint)
            return
        except DatasetAssetsError as error:
            yield missing(self._about, error.faults[0].message, editor)
        else:
            yield from self._of(found)
        yield from self._tables(editor)

    @property
    def _about(self) -> str:
        return f"warehouse {self.project}.{self.dataset}"

    def _of(self, found: bigquery.Dataset) -> Iterator[AccessFinding]:
        yield fine(self._about, f"in {found.location}")
        wanted = self.session.jobs.connection.settings.location
        if wanted and found.location and wanted.lower() != found.location.lower():
            said = f"is in {found.location}, and the engine's jobs run in {wanted}"
            yield missing(self._about, said, f"let the engine's `location` be {found.location}")
        if found.default_table_expiration_ms:
            days = found.default_table_expiration_ms / 86_400_000
            place = f"{self.project}:{self.dataset}"
            said = f"its tables vanish {days:g} days after they were made, published ones too"
            yield missing(self._about, said, f"bq update --default_table_expiration 0 {place}")

    def _tables(self, editor: str) -> Iterator[AccessFinding]:
        """Makes a table, and does with it what a run does with its own."""
        about, session = f"tables of {self.dataset}", self.session
        place = table(self.project, self.dataset, f"_doctor_{uuid.uuid4().hex}")
        made = bigquery.Table(path(place), schema=[bigquery.SchemaField("seen", "INT64")])
        made.expires = expiry(1)
        first = attempt(about, "may be made", editor, lambda: session.tables.create(made))
        if first.state is not State.OK:
            yield first
            return
        row = exp.select(exp.alias_(number(1), "seen"))
        rows = exp.select("seen").from_(place)
        insert = session.text(exp.Insert(this=place.copy(), expression=row))
        steps: Mapping[str, Callable[[], object]] = {
            "may be written": lambda: session.jobs.dry_run(insert),
            "may be read": lambda: session.jobs.dry_run(session.text(rows)),
            "may be changed": lambda: session.tables.update(made, ["expires"]),
        }
        found = [first, *(attempt(about, said, editor, work) for said, work in steps.items())]
        bulk = self._bulk(rows)
        found.append(attempt(about, "may be removed", editor, lambda: session.tables.drop(place)))
        wrong = [each for each in found if each.state is not State.OK]
        yield from wrong or [fine(about, "may be made, written, read, changed and removed")]
        yield bulk

    def _bulk(self, rows: exp.Select) -> AccessFinding:
        about, settings = "Storage Read API", self.session.jobs.connection.settings
        if settings.api_endpoint and not settings.storage_endpoint:
            return note(about, "was not asked", "name a `storage_endpoint` beside `api_endpoint`")
        role = f"grant roles/bigquery.readSessionUser on project {settings.project}"
        return attempt(about, "rows may be read in bulk", role, lambda: self.session.batches(rows).schema)


def table_findings(
    about: str, tables: Sequence[bigquery.Table], state: TableState, home: str | None
) -> Iterator[AccessFinding]:
    """What metadata says of a table, or of all its shards. `home`: where a query runs that reads them."""
    yield fine(about, ", ".join(_described(tables, state)))
    if not state.version:
        yield note(about, f"{state.unknown}; each refresh reads it")
    if any(each.require_partition_filter for each in tables):
        yield note(about, "is only read through a filter on the column that it is partitioned by")
    places = {each.location: None for each in tables if each.location and home}
    for place in [each for each in places if home and each.lower() != home.lower()]:
        hint = f"copy it to {home}, or let the warehouse be in {place}"
        yield missing(about, f"is in {place}, and queries run in {home}, where the warehouse is", hint)


def home_of(session: Session) -> str | None:
    """Where the queries of a session run; None where that is left to BigQuery, or cannot be known."""
    with suppress(DatasetAssetsError):
        return session.jobs.location if isinstance(session, BigQuerySession) else None
    return None


def _described(tables: Sequence[bigquery.Table], state: TableState) -> Iterator[str]:
    kind = (tables[-1].table_type or "TABLE").lower().replace("_", " ")
    yield kind if len(tables) == 1 else f"{len(tables)} tables"
    yield "rows are not counted" if state.row_count is None else f"{state.row_count:,} rows"
    if state.modified_at:
        yield f"modified {state.modified_at:%Y-%m-%d %H:%M} UTC"
