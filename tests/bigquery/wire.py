"""BigQuery's REST protocol as the tests speak it: what is asked, what is answered, and how an answer ends."""

import json
import os
import re
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler
from typing import ClassVar
from urllib.parse import urlsplit

from tests.bigquery.emulator import PATIENCE

_PROJECT = "/bigquery/v2/projects/[^/]+"
_TABLES = f"{_PROJECT}/datasets/[^/]+/tables"
PLACES = {
    "insert": ("POST", f"(/upload)?{_PROJECT}/jobs"),
    "upload": ("PUT", f"/upload{_PROJECT}/jobs"),
    "get": ("GET", f"{_PROJECT}/jobs/(?P<job>[^/]+)"),
    "cancel": ("POST", f"{_PROJECT}/jobs/(?P<job>[^/]+)/cancel"),
    "results": ("GET", f"{_PROJECT}/queries/(?P<job>[^/]+)"),
    "query": ("POST", f"{_PROJECT}/queries"),
    "tables.get": ("GET", f"{_TABLES}/[^/]+"),
    "tables.list": ("GET", _TABLES),
    "tables.insert": ("POST", _TABLES),
    "tables.patch": ("PATCH", f"{_TABLES}/[^/]+"),
    "tables.delete": ("DELETE", f"{_TABLES}/[^/]+"),
}
"""Named as in BigQuery's reference, without `jobs.`; `results` is jobs.getQueryResults."""

HOP_HEADERS = {"connection", "accept-encoding", "content-length", "transfer-encoding"}


class End(Enum):
    """How an answer ends for the client."""

    WHOLE = "whole"
    CUT = "half of the body, then closed"
    LOST = "closed without an answer"
    RESET = "connection reset"


@dataclass(frozen=True)
class Answer:
    status: int = HTTPStatus.OK
    body: bytes = b""
    headers: dict[str, str] = field(
        default_factory=lambda: {"Content-Type": "application/json; charset=UTF-8"}
    )
    end: End = End.WHOLE

    @staticmethod
    def of(resource: dict, status: int = HTTPStatus.OK) -> "Answer":
        return Answer(status, json.dumps(resource).encode())

    @staticmethod
    def error(status: int, reason: str, message: str) -> "Answer":
        """The error in BigQuery's own shape: clients decide by `errors[0].reason`."""
        detail = {"message": message, "domain": "global", "reason": reason}
        return Answer.of({"error": {"code": status, "message": message, "errors": [detail]}}, status)


@dataclass
class Request:
    """What a client asked. `place` is a key of PLACES, `dry_run` (an insert that is one), or empty."""

    place: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    job_id: str = ""
    configuration: dict = field(default_factory=dict)
    location: str = ""
    """Where a job is to run, as far as that was said."""
    fate: str = "none"
    """The kind of the fault that met it."""

    @property
    def sql(self) -> str:
        return self.configuration.get("query", {}).get("query", "")

    @property
    def labels(self) -> dict[str, str]:
        return self.configuration.get("labels", {})

    def read_job(self) -> None:
        """Take the job from the body: all of it, or the first part of an upload."""
        text = self.body.split(b"\r\n--")[0].decode()
        job, _ = json.JSONDecoder().raw_decode(text, text.index("{"))
        reference, self.configuration = job["jobReference"], job["configuration"]
        self.job_id, self.location = reference["jobId"], reference.get("location", "")
        if self.configuration.get("dryRun"):
            self.place = "dry_run"
        if "uploadType=resumable" in self.path:
            self.place = "upload"  # it announces the job; the data that follow insert it

    def sent_to(self, address: str) -> Answer:
        upstream = HTTPConnection(address, timeout=PATIENCE)
        try:
            upstream.request(self.method, self.path, self.body, self.headers)
            found = upstream.getresponse()
            headers = {k: v for k, v in found.getheaders() if k.lower() not in HOP_HEADERS}
            return Answer(found.status, found.read(), headers)
        finally:
            upstream.close()


class Handler(BaseHTTPRequestHandler):
    """Lets `answer` answer, over connections that are kept alive."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet
    answer: ClassVar[Callable[[Request], Answer]]

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_HEADERS}
        request = Request("", self.command, self.path, headers, body)
        for place, (method, pattern) in PLACES.items():
            if method == self.command and (found := re.fullmatch(pattern, urlsplit(self.path).path)):
                request.place, request.job_id = place, found.groupdict().get("job", "")
        self._send(type(self).answer(request))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - names of the base class

    def _send(self, answer: Answer) -> None:
        self.close_connection = self.close_connection or answer.end is not End.WHOLE
        if answer.end is End.RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())  # the server's own close would say goodbye first
        if answer.end in {End.WHOLE, End.CUT}:
            self.send_response_only(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body if answer.end is End.WHOLE else answer.body[: len(answer.body) // 2])
