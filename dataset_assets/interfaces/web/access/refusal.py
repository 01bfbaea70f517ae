"""The error of a request that is not answered, which middleware raises before a handler runs."""

from collections.abc import Mapping


class RefusedError(Exception):
    """A request that is refused: the status, a sentence, and headers of the answer.

    With `login` a browser that asked for a page is led to the login page instead.
    """

    def __init__(
        self, status: int, detail: str, headers: Mapping[str, str] | None = None, *, login: bool = False
    ) -> None:
        self.status, self.detail, self.headers, self.login = status, detail, dict(headers or {}), login
        super().__init__(detail)
