"""What BigQuery does and the emulator does not, and its faults: a proxy over the REST protocol.

- A job id is taken once: 409 `duplicate` afterwards. jobs.query is refused: the client does not name its job.
- A job that was not sent through here is not there, whatever other tests sent to the emulator.
- A job is RUNNING when jobs.insert answers.
- Bytes are counted (`bytes_of`) and `maximumBytesBilled` is kept.
- A table that changed since it was read (`If-Match`) is not changed: 412.
- Every request is recorded; faults are injected.
"""

import json
import math
import re
import threading
from dataclasses import dataclass
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
"""BigQuery bills whole mebibytes, and ten at least."""

STATUS_OF = {
    "invalidQuery": 400,
    "notFound": 404,
    "duplicate": 409,
    "accessDenied": 403,
    "quotaExceeded": 403,
}
"""getQueryResults answers the error of a failed job as its own; 500 for any other reason."""


@dataclass
class Job:
    """A job that was accepted: its resource, and how many more answers call it RUNNING."""

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
        """Only a job that is held still runs: any other has long done what it does."""
        if math.isinf(self.running):
            self.running = 0
            self.fail("stopped", "Job execution was cancelled: User requested cancellation")


class StrictProxy:
    """BigQuery as its client may meet it; a context manager.

    Attributes:
        rest: where it listens.
        storage: where the Storage API listens: the emulator's own.
        requests: all that was asked, in order.
        bytes_of: how many bytes a statement processes; zero unless a test says.
        running: how many answers call a new job RUNNING, that of jobs.insert included.
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
        """Let the next requests that they mean meet these faults; the first one first."""
        self._faults.extend(faults)

    @property
    def jobs(self) -> list[dict]:
        """The resources of all jobs that were taken, in order."""
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
        return self._forward(request, fault)

    _rules = {
        "insert": _insert,
        "dry_run": _dry_run,
        "query": _query,
        "get": _get,
        "cancel": _cancel,
        "results": _results,
        "tables.patch": _patch,
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


def _billed(processed: int) -> int:
    return max(LEAST_BILLED, math.ceil(processed / MEBIBYTE) * MEBIBYTE) if processed else 0
