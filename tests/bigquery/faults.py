"""Network and server faults that the strict proxy injects into BigQuery requests."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.bigquery.wire import Answer, End, Request


@dataclass
class Fault:
    """A fault for the next `times` requests that match it."""

    kind: str
    """A key of ERRORS or ENDS, `failed` (the job ends with an error and changes nothing), `held` (it runs
    until it is cancelled), or `none`."""
    on: str | Callable[[Request], object] = "insert"
    """A place (a key of wire.PLACES), or a function that returns whether a request matches."""
    times: int = 1
    after: bool = False
    """Whether an error is returned after BigQuery executed the request, instead of before."""
    reason: str = "backendError"
    """The reason of a `failed` job."""
    message: str = "Error encountered during execution. Retrying may solve the problem."
    says: str = ""
    """The message of an error, instead of the usual one of its kind."""

    def __post_init__(self) -> None:
        if self.kind not in {*ERRORS, *ENDS, "failed", "held", "none"}:
            raise ValueError(f"no fault {self.kind!r}")

    def meets(self, request: Request) -> bool:
        return self.times > 0 and bool(self.on(request) if callable(self.on) else self.on == request.place)

    def change(self, do: Callable[[], Answer]) -> Answer:
        """Return the response under this fault to a request that `do` executes."""
        if self.kind in ERRORS:
            if self.after:
                do()
            usual = ERRORS[self.kind]
            return Answer.error(usual.status, self.kind.split()[-1], self.says) if self.says else usual
        end = ENDS.get(self.kind, End.WHOLE)
        return Answer(end=end) if end is End.RESET else replace(do(), end=end)


ENDS = {"lost": End.LOST, "cut": End.CUT, "reset": End.RESET}

ERRORS = {
    "500": Answer.error(
        500, "internalError", "An internal error occurred and the request could not be completed."
    ),
    # The front end of Google's services answers this one, in HTML.
    "502": Answer(
        502, b"<html><title>Error 502 (Server Error)!!1</title></html>", {"Content-Type": "text/html"}
    ),
    "503": Answer.error(
        503, "backendError", "Error encountered during execution. Retrying may solve the problem."
    ),
    "429": Answer.error(429, "rateLimitExceeded", "Exceeded rate limits: too many concurrent queries."),
    "403 rateLimitExceeded": Answer.error(
        403, "rateLimitExceeded", "Exceeded rate limits: too many table update operations for this table."
    ),
    "403 quotaExceeded": Answer.error(
        403, "quotaExceeded", "Quota exceeded: Your project exceeded quota for free query bytes scanned."
    ),
    "403 accessDenied": Answer.error(
        403, "accessDenied", "Access Denied: User does not have bigquery.jobs.create permission in project."
    ),
    "404": Answer.error(404, "notFound", "Not found: Job"),
    "409": Answer.error(409, "duplicate", "Already Exists: Job"),
}
