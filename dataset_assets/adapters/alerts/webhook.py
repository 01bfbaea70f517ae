"""Where alerts go: the log, and a webhook where one is set."""

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

from dataset_assets.errors import Fault, UnavailableError
from dataset_assets.ports.alerts import Alert, AlertSink

LOGGER = "dataset_assets.ports.alerts"
SECONDS = 4.0
"""For all of one try: Dagster gives up a look of its sensor after 60, and five runs are told of in one."""
WAITS = (1.0, None)
"""Seconds after each try."""
_JSON = {"Content-Type": "application/json"}
_HINT = "check DATASET_ASSETS_ALERT_WEBHOOK; the alert is in the log"


@dataclass(frozen=True)
class Log(AlertSink):
    """One line of JSON for each alert, which tools for logs take apart."""

    def send(self, alerts: Sequence[Alert]) -> None:
        """As errors of the logger `dataset_assets.ports.alerts`."""
        for alert in alerts:
            told = json.dumps(alert.model_dump(mode="json"), ensure_ascii=False)
            logging.getLogger(LOGGER).error("%s", told)


class _Straight(HTTPRedirectHandler):
    """A POST that is sent elsewhere would arrive as a GET, without the alert, and look delivered."""

    def redirect_request(self, *_: Any) -> None:  # ty: ignore[incompatible-method-override]
        return None


@dataclass(frozen=True)
class Webhook(AlertSink):
    """Posts JSON: `text` for people, as Slack and Mattermost want it, and `alerts`, each part by itself.

    The address may be a secret, and is in no message.
    """

    url: SecretStr

    def send(self, alerts: Sequence[Alert]) -> None:
        """One message, tried twice. A server that refuses it is not asked again."""
        text = "\n\n".join(alert.text for alert in alerts)
        body = json.dumps({"text": text, "alerts": [alert.model_dump(mode="json") for alert in alerts]})
        for seconds in WAITS:
            reason, is_final = self._posted(body.encode())
            if not reason:
                return
            if is_final or seconds is None:
                raise UnavailableError(Fault(f"the webhook for alerts {reason}", hint=_HINT))
            time.sleep(seconds)

    def _posted(self, body: bytes) -> tuple[str, bool]:
        """In a thread: a socket's time-out ends neither a slow look-up of a name nor an answer that drips."""
        answers: Queue[tuple[str, bool]] = Queue()
        Thread(target=lambda: answers.put(self._post(body)), daemon=True).start()
        try:
            return answers.get(timeout=SECONDS)
        except Empty:
            return f"does not answer within {SECONDS:.0f} seconds", False

    def _post(self, body: bytes) -> tuple[str, bool]:
        """What went wrong, empty for nothing, and whether it would go wrong again."""
        request = Request(self.url.get_secret_value(), body, _JSON)  # noqa: S310 - http(s), see Settings
        try:
            with build_opener(_Straight).open(request, timeout=SECONDS):
                return "", True
        except HTTPError as error:
            error.close()
            return f"answers {error.code}", error.code < 500 and error.code not in {408, 429}
        except (OSError, HTTPException, ValueError) as error:
            return f"does not answer: {type(error).__name__}", False


def sinks(webhook: SecretStr | None) -> tuple[AlertSink, ...]:
    """Always the log; the webhook where one is set."""
    return (Log(), Webhook(webhook)) if webhook else (Log(),)
