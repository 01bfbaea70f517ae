"""BigQuery's REST protocol for the tests: requests, responses, and the ways a response can end."""

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
    """How a response ends for the client."""

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
        """Return an error in BigQuery's JSON format, in which clients read `errors[0].reason`."""
        detail = {"message": message, "domain": "global", "reason": reason}
        return Answer.of({"error": {"code": status, "message": message, "errors": [detail]}}, status)


@dataclass
class Request:
    """A client's request. `place` is a key of PLACES, `dry_run` for an insert of a dry run, or empty."""

    place: str
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    job_id: str = ""
    configuration: dict = field(default_factory=dict)
    location: str = ""
    """The location of the job, if the request has one."""
    fate: str = "none"
    """The kind of the fault that was injected."""

    @property
    def sql(self) -> str:
        return self.configuration.get("query", {}).get("query", "")

    @property
    def labels(self) -> dict[str, str]:
        return self.configuration.get("labels", {})

    def read_job(self) -> None:
        """Read the job from the body, or from the first part of an upload."""
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
    """Serves requests by calling `answer`, over connections that are kept alive."""

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
