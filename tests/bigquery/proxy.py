"""A REST proxy that adds BigQuery's stricter behaviour to the emulator, and injects faults.

- A job id can be used once; a second use gets 409 `duplicate`. jobs.query is refused, as it names no job id.
- A job that was not sent through the proxy does not exist, even if another test sent it to the emulator.
- A job is RUNNING in the response to jobs.insert.
- Bytes are counted (`bytes_of`) and `maximumBytesBilled` is enforced.
- An update of a table that changed since it was read (`If-Match`) gets 412.
- The policy tags of columns, which the emulator forgets, are kept: a schema that is sent replaces them.
- Every request is recorded; faults are injected.
"""

import json
import math
import re
import threading
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

from tests.bigquery.emulator import PROJECT, Emulator
from tests.bigquery.faults import Fault
from tests.bigquery.wire import Answer, Handler, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.cloud.bigquery import Client

MEBIBYTE = 1024**2
LEAST_BILLED = 10 * MEBIBYTE
"""BigQuery bills whole mebibytes, and at least ten."""

STATUS_OF = {
    "invalidQuery": 400,
    "notFound": 404,
    "duplicate": 409,
    "accessDenied": 403,
    "quotaExceeded": 403,
}
"""HTTP status with which getQueryResults returns the error of a failed job; 500 for any other reason."""


@dataclass
class Job:
    """An accepted job: its resource, and the number of further responses in which it is RUNNING."""

    resource: dict
    running: float

    def show(self) -> dict:
        if self.running <= 0:
            return self.resource
        self.running -= 1
        return {**self.resource, "status": {"state": "RUNNING"}}

    def fail(self, reason: str, message: str) -> None:
        error = {"reason": reason, "message": message}
        self.resource["status"] = {"state": "DONE", "errorResult": error, "errors": [error]}

    def cancel(self) -> None:
        """Cancel a held job; any other job has finished already."""
        if math.isinf(self.running):
            self.running = 0
            self.fail("stopped", "Job execution was cancelled: User requested cancellation")


class StrictProxy:
    """A BigQuery server with strict behaviour and injected faults; a context manager.

    Attributes:
        rest: the base URL of the REST API.
        storage: the address of the emulator's own Storage API.
        requests: all requests, in order.
        bytes_of: returns the bytes that a statement processes; zero by default.
        running: in how many responses a new job is RUNNING, including that of jobs.insert.
    """

    def __init__(self, upstream: Emulator) -> None:
        self.storage = upstream.storage
        self.requests: list[Request] = []
        self.bytes_of: Callable[[str], int] = lambda _sql: 0
        self.running = 1
        self._upstream = upstream.rest.removeprefix("http://")
        self._faults: list[Fault] = []
        self._jobs: dict[str, Job] = {}
        self._uploads: dict[str, Request] = {}
        self._policy_tags: dict[str, dict[str, dict]] = {}
        self._lock = threading.Lock()
        handler = type("Handler", (Handler,), {"answer": staticmethod(self.answer)})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.rest = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self._server.shutdown()
        self._server.socket.close()  # server_close() would wait for clients that keep their connection

    def client(self) -> "Client":
        return Emulator(self.rest, self.storage).client()

    def inject(self, *faults: Fault) -> None:
        """Add faults for the next requests that match them; they are used in this order."""
        self._faults.extend(faults)

    @property
    def jobs(self) -> list[dict]:
        """Return the resources of all accepted jobs, in order."""
        return [job.resource for job in self._jobs.values()]

    def answer(self, request: Request) -> Answer:
        self._find_job(request)
        with self._lock:
            fault = next((fault for fault in self._faults if fault.meets(request)), Fault("none"))
            fault.times -= 1
            request.fate = fault.kind
            self.requests.append(request)
        return fault.change(
            lambda: self._rules.get(request.place, StrictProxy._forward)(self, request, fault)
        )

    def _find_job(self, request: Request) -> None:
        if request.place == "insert":
            request.read_job()
        elif request.place == "upload":
            begun = self._uploads[request.path.split("upload_id=")[1]]
            request.place, request.job_id = "insert", begun.job_id
            request.configuration, request.location = begun.configuration, begun.location

    def _forward(self, request: Request, _fault: Fault) -> Answer:
        answer = request.sent_to(self._upstream)
        if session := re.search("upload_id=(.*)", answer.headers.get("location", "")):
            self._uploads[session[1]] = request
        return answer

    def _insert(self, request: Request, fault: Fault) -> Answer:
        with self._lock:
            if request.job_id in self._jobs:
                return Answer.error(409, "duplicate", f"Already Exists: Job {PROJECT}:US.{request.job_id}")
            job = self._jobs[request.job_id] = Job(_resource(request), self.running)
        if fault.kind == "failed":
            job.fail(fault.reason, fault.message)
        elif fault.kind == "held":
            job.running = math.inf
        elif refusal := self._over_budget(request):
            job.fail("bytesBilledLimitExceeded", refusal)
        else:
            done = self._forward(request, fault)
            if done.status != HTTPStatus.OK:
                del self._jobs[request.job_id]
                return done
            job.resource = self._counted(json.loads(done.body), request)
        return Answer.of(job.show())

    def _over_budget(self, request: Request) -> str | None:
        limit = request.configuration.get("query", {}).get("maximumBytesBilled")
        billed = _billed(self.bytes_of(request.sql))
        if limit is None or billed <= int(limit):
            return None
        return f"Query exceeded limit for bytes billed: {limit}. {billed} or higher required."

    def _dry_run(self, request: Request, fault: Fault) -> Answer:
        done = self._forward(request, fault)
        return (
            Answer.of(self._counted(json.loads(done.body), request)) if done.status == HTTPStatus.OK else done
        )

    def _counted(self, resource: dict, request: Request) -> dict:
        if request.sql:
            processed = self.bytes_of(request.sql)
            billed = 0 if request.place == "dry_run" else _billed(processed)
            statistics = resource["statistics"]
            statistics["totalBytesProcessed"] = statistics["query"]["totalBytesProcessed"] = str(processed)
            statistics["query"]["totalBytesBilled"] = str(billed)
        return resource

    def _query(self, _request: Request, _fault: Fault) -> Answer:
        return Answer.error(400, "invalid", "jobs.query is refused here: its job cannot be found again")

    def _get(self, request: Request, _fault: Fault) -> Answer:
        job = self._jobs.get(request.job_id)
        return Answer.of(job.show()) if job else _not_found(request)

    def _cancel(self, request: Request, _fault: Fault) -> Answer:
        job = self._jobs.get(request.job_id)
        if job is None:
            return _not_found(request)
        job.cancel()
        return Answer.of({"kind": "bigquery#jobCancelResponse", "job": job.show()})

    def _results(self, request: Request, fault: Fault) -> Answer:
        job = self._jobs.get(request.job_id)
        if job is None:
            return _not_found(request)
        shown = job.show()
        if shown["status"]["state"] != "DONE":
            return Answer.of({"jobReference": shown["jobReference"], "jobComplete": False})
        error = shown["status"].get("errorResult")
        if error is None:
            return self._forward(request, fault)
        return Answer.error(STATUS_OF.get(error["reason"], 500), error["reason"], error["message"])

    def _patch(self, request: Request, fault: Fault) -> Answer:
        known = request.headers.get("If-Match")
        now = Request("tables.get", "GET", request.path, {}, b"").sent_to(self._upstream)
        if known and now.status == HTTPStatus.OK and json.loads(now.body)["etag"] != known:
            return Answer.error(412, "conditionNotMet", "Precondition Failed")
        return self._with_policy_tags(self._keep_policy_tags(request, self._forward(request, fault)))

    def _create(self, request: Request, fault: Fault) -> Answer:
        return self._keep_policy_tags(request, self._forward(request, fault))

    def _table(self, request: Request, fault: Fault) -> Answer:
        return self._with_policy_tags(self._forward(request, fault))

    def _keep_policy_tags(self, request: Request, answer: Answer) -> Answer:
        """Remember the policy tags of a schema that was accepted; they replace those of before."""
        sent = json.loads(request.body)
        if answer.status == HTTPStatus.OK and "schema" in sent:
            fields = sent["schema"]["fields"]
            tags = {each["name"]: each["policyTags"] for each in fields if "policyTags" in each}
            self._policy_tags[_table_path(json.loads(answer.body))] = tags
        return answer

    def _with_policy_tags(self, answer: Answer) -> Answer:
        """Return the answer with the policy tags of the table's columns."""
        if answer.status != HTTPStatus.OK or not answer.body:
            return answer
        table = json.loads(answer.body)
        tags = self._policy_tags.get(_table_path(table), {})
        for each in table.get("schema", {}).get("fields", ()) if tags else ():
            if each["name"] in tags:
                each["policyTags"] = tags[each["name"]]
        return replace(answer, body=json.dumps(table).encode()) if tags else answer

    _rules = {
        "insert": _insert,
        "dry_run": _dry_run,
        "query": _query,
        "get": _get,
        "cancel": _cancel,
        "results": _results,
        "tables.patch": _patch,
        "tables.insert": _create,
        "tables.get": _table,
    }


def _not_found(request: Request) -> Answer:
    return Answer.error(404, "notFound", f"Not found: Job {PROJECT}:US.{request.job_id}")


def _resource(request: Request) -> dict:
    return {
        "kind": "bigquery#job",
        "id": f"{PROJECT}:US.{request.job_id}",
        "jobReference": {"projectId": PROJECT, "jobId": request.job_id, "location": "US"},
        "configuration": request.configuration,
        "status": {"state": "RUNNING"},
        "statistics": {},
    }


def _table_path(table: dict) -> str:
    reference = table["tableReference"]
    return f"{reference['projectId']}.{reference['datasetId']}.{reference['tableId']}"


def _billed(processed: int) -> int:
    return max(LEAST_BILLED, math.ceil(processed / MEBIBYTE) * MEBIBYTE) if processed else 0
