"""BigQuery's failures are reported in one line, with a hint and without values of the data (BR-206)."""

from collections.abc import Callable

import pytest

from tests.bigquery.faults import Fault
from tests.bigquery.publishing_scenario import insert_of
from tests.interfaces.cloud import Cloud
from tests.interfaces.running import run_refused

LOOK = "Table test-project:d.households: Permission bigquery.tables.get denied on table households"
DENIED = "Project nope-123: User does not have bigquery.jobs.create permission in project nope-123."


def no_credentials(cloud: Cloud) -> None:
    cloud.target(rest="")


def two_keys(cloud: Cloud) -> None:
    cloud.target(rest='gcp_credentials: "bm8ga2V5", ')


def unreachable_server(cloud: Cloud) -> None:
    cloud.target(rest='api_endpoint: "http://127.0.0.1:9", ')


def a_wrong_project(cloud: Cloud) -> None:
    cloud.deny("insert", DENIED)


def no_dataset(cloud: Cloud) -> None:
    cloud.target(warehouse="nowhere")


def no_table(cloud: Cloud) -> None:
    cloud.emulator.rows(f"DROP TABLE {cloud.place('households')}")


def no_role_on_a_table(cloud: Cloud) -> None:
    cloud.deny(lambda request: request.place == "tables.get" and "households" in request.path, LOOK)


def a_quota_that_is_used_up(cloud: Cloud) -> None:
    cloud.proxy.inject(Fault("403 quotaExceeded", insert_of("stage")))


def more_bytes_than_a_query_may(cloud: Cloud) -> None:
    cloud.reads({"households": 9 * 1024**3})


def more_bytes_than_the_dry_run_said(cloud: Cloud) -> None:
    cloud.proxy.bytes_of = lambda sql: 9 * 1024**3 if "CREATE OR REPLACE TABLE" in sql else 0


def servers_that_stay_down(cloud: Cloud) -> None:
    cloud.proxy.inject(Fault("502", insert_of("claim"), 1000))


MESSAGES: dict[Callable[[Cloud], None], str] = {
    no_credentials: "there are no Google credentials that work; run `gcloud auth application-default login`,",
    two_keys: "`gcp_credentials` is given, and GOOGLE_APPLICATION_CREDENTIALS is set; leave out one of them",
    unreachable_server: "BigQuery cannot be reached; check the network, and `api_endpoint`",
    a_wrong_project: f"Access Denied: {DENIED[:-1]}; grant roles/bigquery.jobUser on the",
    no_dataset: "nowhere; check project, dataset and table in the target",
    no_table: "resolver 'retail', table 'households': there is no such table; it has: transactions",
    no_role_on_a_table: f"Access Denied: {LOOK}; `dataset-assets doctor` says which role is missing",
    a_quota_that_is_used_up: "a quota of the project is used up: Quota exceeded: Your project exceeded quota"
    " for free query bytes scanned; wait until the quota is renewed, or ask for a higher one",
    more_bytes_than_a_query_may: "the query would read 9.0 GiB, 1.0 GiB over the limit of 8.0 GiB; select",
    more_bytes_than_the_dry_run_said: "Query exceeded limit for bytes billed: 8589934592. 9663676416 or"
    " higher required; raise `maximum_bytes_billed`",
    servers_that_stay_down: "BigQuery does not come round: HTTP 502; run again later",
}


@pytest.mark.parametrize("what", MESSAGES, ids=lambda what: what.__name__)
def test_a_failure_is_one_line_with_a_hint(cloud: Cloud, monkeypatch, what) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(cloud.root / "no-key.json"))
    what(cloud)
    *progress, told = run_refused("materialize", "profiles").splitlines()
    assert MESSAGES[what] in told
    assert not [line for line in progress if "; " in line]


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Bad int64 value: 34-secret", "a value in the data cannot be turned into INT64"),
        (
            'Query error: Could not cast literal "34-secret" to type DATE at [3:5]',
            "cannot be turned into DATE",
        ),
        ("Scalar subquery of 34-secret produced more", "a job failed: invalidQuery: Scalar subquery of"),
        (
            "Query error: Row 'secret' is odd at [1:1]",
            "a job failed: invalidQuery: Row; BigQuery's job history has",
        ),
        (
            "Query error: Unrecognized name: twon at [7:3]",
            "a job failed: invalidQuery: Unrecognized name: twon at",
        ),
    ],
)
def test_a_message_names_the_type_but_not_the_value(cloud: Cloud, message: str, told: str) -> None:
    cloud.proxy.inject(Fault("failed", insert_of("stage"), reason="invalidQuery", message=message))
    said = run_refused("materialize", "profiles")
    assert told in said
    assert "secret" not in said
