"""Send alerts about failed runs to the log, and to a webhook if one is configured."""

import json
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from queue import Empty, Queue
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pydantic import SecretStr
from typing_extensions import override

from dataset_assets.errors import Fault, UnavailableError
from dataset_assets.ports.alerts import Alert, AlertSink

LOGGER = "dataset_assets.ports.alerts"
ATTEMPT_SECONDS = 4.0
"""Seconds for one attempt. Dagster ends a sensor tick after 60, and one tick may report five failed runs."""
RETRY_WAITS = (1.0, None)
"""Seconds to wait after each failed attempt; None ends the attempts."""
_JSON = {"Content-Type": "application/json"}
_HINT = "check DATASET_ASSETS_ALERT_WEBHOOK; the alert is in the log"


@dataclass(frozen=True)
class LogSink(AlertSink):
    """Logs each alert as one line of JSON, which log tools can parse."""

    @override
    def send(self, alerts: Sequence[Alert]) -> None:
        """Log the alerts as errors of the logger `dataset_assets.ports.alerts`."""
        for alert in alerts:
            line = json.dumps(alert.model_dump(mode="json"), ensure_ascii=False)
            logging.getLogger(LOGGER).error("%s", line)


class _NoRedirect(HTTPRedirectHandler):
    """Refuses redirects: a redirected POST becomes a GET without the alert, and would look delivered."""

    @override
    def redirect_request(self, *_: Any) -> None:  # ty: ignore[incompatible-method-override]
        return None


@dataclass(frozen=True)
class WebhookSink(AlertSink):
    """Posts JSON: `text` for people, in the format of Slack and Mattermost, and `alerts` as structured data.

    The URL may contain a secret and appears in no message.
    """

    url: SecretStr

    @override
    def send(self, alerts: Sequence[Alert]) -> None:
        """Post all alerts as one message, at most twice. A refusal by the server is not retried."""
        text = "\n\n".join(alert.text for alert in alerts)
        body = json.dumps({"text": text, "alerts": [alert.model_dump(mode="json") for alert in alerts]})
        for seconds in RETRY_WAITS:
            reason, is_final = self._post_within_limit(body.encode())
            if not reason:
                return
            if is_final or seconds is None:
                raise UnavailableError(Fault(f"the webhook for alerts {reason}", hint=_HINT))
            time.sleep(seconds)

    def _post_within_limit(self, body: bytes) -> tuple[str, bool]:
        """Post in a thread, because a socket's timeout limits neither DNS lookups nor slow responses."""
        answers: Queue[tuple[str, bool]] = Queue()
        Thread(target=lambda: answers.put(self._post(body)), daemon=True).start()
        try:
            return answers.get(timeout=ATTEMPT_SECONDS)
        except Empty:
            return f"does not answer within {ATTEMPT_SECONDS:.0f} seconds", False

    def _post(self, body: bytes) -> tuple[str, bool]:
        """Post once. Return the reason of a failure, empty for success, and whether it is final."""
        request = Request(self.url.get_secret_value(), body, _JSON)  # noqa: S310 - http(s), see Settings
        try:
            with build_opener(_NoRedirect).open(request, timeout=ATTEMPT_SECONDS):
                return "", True
        except HTTPError as error:
            error.close()
            return f"answers {error.code}", error.code < 500 and error.code not in {408, 429}
        except (OSError, HTTPException, ValueError) as error:
            return f"does not answer: {type(error).__name__}", False


def alert_sinks(webhook: SecretStr | None) -> tuple[AlertSink, ...]:
    """Return the log, and the webhook if one is configured."""
    return (LogSink(), WebhookSink(webhook)) if webhook else (LogSink(),)
