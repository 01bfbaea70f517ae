"""The strict proxy behaves like BigQuery, and each injected fault reaches the client as such."""

from io import BytesIO

import pytest
from google.api_core.exceptions import BadRequest, Conflict, Forbidden, GoogleAPICallError, NotFound
from google.cloud.bigquery import LoadJobConfig, QueryJobConfig, SchemaField
from requests.exceptions import ChunkedEncodingError, ConnectionError  # noqa: A004 - so it is called there

from tests.bigquery.emulator import once
from tests.bigquery.faults import ERRORS, Fault

SECONDS = 60


def submit(proxy, sql, job_id="j", **config):
    settings = QueryJobConfig(**config)
    return proxy.client().query(
        sql, settings, job_id=job_id, retry=once(), job_retry=None, timeout=SECONDS, location="US"
    )


def rows(job):
    return [tuple(row) for row in job.result(retry=once(), timeout=SECONDS)]


def look_up(proxy, job_id="j"):
    return proxy.client().get_job(job_id, location="US", retry=once(), timeout=SECONDS)


@pytest.fixture
def table(emulator, bigquery_dataset):
    """A table with one row, which a finished job has inserted."""
    name = f"{bigquery_dataset}.t"
    emulator.rows(f"CREATE TABLE {name} (a INT64)")
    return name


def insert_into(table):
    return f"INSERT INTO {table} SELECT 1"


def times_run(emulator, table):
    return emulator.rows(f"SELECT COUNT(*) AS n FROM {table}")[0]["n"]


def test_a_job_runs_and_is_done_later(proxy):
    proxy.running = 3
    job = submit(proxy, "SELECT 1 AS x", labels={"dataset": "sales"})
    assert job.state == "RUNNING"
    assert look_up(proxy).state == "RUNNING"
    assert rows(job) == [(1,)]
    assert look_up(proxy).state == "DONE"
    asked = proxy.requests[0]
    assert (asked.place, asked.job_id, asked.sql) == ("insert", "j", "SELECT 1 AS x")
    assert (asked.labels, asked.fate) == ({"dataset": "sales"}, "none")


def test_a_job_id_is_taken_once(proxy, emulator, table):
    submit(proxy, insert_into(table))
    with pytest.raises(Conflict, match=r"Already Exists: Job test-project:US\.j") as raised:
        submit(proxy, insert_into(table))
    assert raised.value.errors[0]["reason"] == "duplicate"
    assert times_run(emulator, table) == 1


def test_the_id_of_a_load_job_is_taken_once(proxy, emulator, table):
    def load(size):
        config = LoadJobConfig(schema=[SchemaField("a", "INTEGER")], source_format="NEWLINE_DELIMITED_JSON")
        data = BytesIO(b'{"a": 5}')  # with its size it comes in one request, else in two
        client = proxy.client()
        return client.load_table_from_file(
            data, table, size=size, job_id="l", job_config=config, timeout=SECONDS
        )

    assert load(None).result(retry=once(), timeout=SECONDS).output_rows == 1
    for size in (None, 8):
        with pytest.raises(Conflict):
            load(size)
    assert emulator.rows(f"SELECT a FROM {table}") == [{"a": 5}]
    assert look_up(proxy, "l").state == "DONE"


def test_a_failed_query_fails_with_its_reason(proxy):
    with pytest.raises(NotFound):
        rows(submit(proxy, "SELECT * FROM nothing.there"))
    assert look_up(proxy).error_result["reason"] == "notFound"


def test_jobs_query_is_refused(proxy):
    with pytest.raises(BadRequest, match="cannot be found again"):
        proxy.client().query_and_wait("SELECT 1", retry=once(), job_retry=None, api_timeout=SECONDS)


def test_bytes_are_counted_and_limited(proxy, emulator, table):
    proxy.bytes_of = lambda sql: 25_000_000 if "INSERT" in sql else 0
    dry = submit(proxy, insert_into(table), "dry", dry_run=True)
    assert dry.total_bytes_processed == 25_000_000
    over = submit(proxy, insert_into(table), "over", maximum_bytes_billed=25_000_000)
    # 24 MiB: whole mebibytes are billed
    with pytest.raises(GoogleAPICallError, match=r"billed: 25000000\. 25165824 or higher required"):
        over.result(retry=once(), timeout=SECONDS)
    assert look_up(proxy, "over").error_result["reason"] == "bytesBilledLimitExceeded"
    assert times_run(emulator, table) == 0
    within = submit(
        proxy, insert_into(table), "dry", maximum_bytes_billed=26_000_000
    )  # a dry run takes no id
    within.result(retry=once(), timeout=SECONDS)
    assert (within.total_bytes_processed, within.total_bytes_billed) == (25_000_000, 25_165_824)


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("after", [False, True])
def test_an_error_of_jobs_insert(proxy, emulator, table, kind, after):
    proxy.inject(Fault(kind, "insert", after=after))
    with pytest.raises(GoogleAPICallError) as raised:
        submit(proxy, insert_into(table))
    assert raised.value.code == int(kind[:3])
    named = kind.partition(" ")[2]
    assert not named or raised.value.errors[0]["reason"] == named
    assert times_run(emulator, table) == after
    if after:
        assert look_up(proxy).state == "DONE"
    else:
        with pytest.raises(NotFound):
            look_up(proxy)
        submit(proxy, insert_into(table))  # its id is not taken, and the fault is over
        assert times_run(emulator, table) == 1


@pytest.mark.parametrize(
    ("kind", "error", "told", "ran"),
    [
        ("lost", ConnectionError, "without response", 1),
        ("cut", ChunkedEncodingError, "IncompleteRead", 1),
        ("reset", ConnectionError, "reset by peer", 0),
    ],
)
def test_a_broken_connection(proxy, emulator, table, kind, error, told, ran):
    proxy.inject(Fault(kind, "insert"))
    with pytest.raises(error, match=told):
        submit(proxy, insert_into(table))
    assert times_run(emulator, table) == ran
    assert [request.fate for request in proxy.requests] == [kind]


@pytest.mark.parametrize("place", ["get", "tables.get"])
@pytest.mark.parametrize("kind", ["503", "lost", "cut", "reset"])
def test_faults_meet_the_place_and_the_times_they_name(proxy, table, place, kind):
    submit(proxy, "SELECT 1")
    ask = {
        "get": lambda: look_up(proxy),
        "tables.get": lambda: proxy.client().get_table(table, retry=once(), timeout=SECONDS),
    }
    proxy.inject(Fault(kind, place, times=2))
    for _ in range(2):
        with pytest.raises((GoogleAPICallError, ConnectionError, ChunkedEncodingError)):
            ask[place]()
    assert ask[place]()


def test_results_meet_faults(proxy):
    job = submit(proxy, "SELECT 1")
    proxy.inject(Fault("500", "results"))
    with pytest.raises(GoogleAPICallError, match="500"):
        rows(job)


def test_a_fault_may_mean_some_requests(proxy):
    proxy.inject(Fault("503", lambda request: request.labels.get("step") == "publish"))
    submit(proxy, "SELECT 1", "stage", labels={"step": "stage"})
    with pytest.raises(GoogleAPICallError, match="503"):
        submit(proxy, "SELECT 1", "publish", labels={"step": "publish"})


def test_a_failed_job_changes_nothing(proxy, emulator, table):
    proxy.inject(Fault("failed", reason="rateLimitExceeded", message="too many"))
    with pytest.raises(GoogleAPICallError, match="too many"):
        rows(submit(proxy, insert_into(table)))
    assert look_up(proxy).error_result == {"reason": "rateLimitExceeded", "message": "too many"}
    assert times_run(emulator, table) == 0
    with pytest.raises(Conflict):  # it was a job all the same
        submit(proxy, insert_into(table))


def test_a_held_job_runs_until_it_is_cancelled(proxy, emulator, table):
    proxy.inject(Fault("held"))
    job = submit(proxy, insert_into(table))
    assert [look_up(proxy).state for _ in range(3)] == ["RUNNING"] * 3
    job.cancel(retry=once(), timeout=SECONDS)
    cancelled = look_up(proxy)
    assert (cancelled.state, cancelled.error_result["reason"]) == ("DONE", "stopped")
    assert times_run(emulator, table) == 0


def test_cancelling_comes_too_late_for_a_job_that_ran(proxy, emulator, table):
    job = submit(proxy, insert_into(table))
    job.cancel(retry=once(), timeout=SECONDS)
    assert look_up(proxy).error_result is None
    assert times_run(emulator, table) == 1


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="504"):
        Fault("504")


def test_forbidden_is_forbidden(proxy):
    proxy.inject(Fault("403 quotaExceeded"))
    with pytest.raises(Forbidden, match="Quota exceeded"):
        submit(proxy, "SELECT 1")
