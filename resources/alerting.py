"""Where alerts go: the log, and a webhook where one is set."""

import json
import logging
import time
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from pydantic import SecretStr

from dataset_assets.alerts import Alert, AlertSink
from dataset_assets.errors import Fault, UnavailableError

LOGGER = "dataset_assets.alerts"
SECONDS = 10.0
"""To wait for an answer of a webhook."""
WAITS = (1.0, 4.0, None)
"""Seconds after each try."""
_JSON = {"Content-Type": "application/json"}
_MEND = "check DATASET_ASSETS_ALERT_WEBHOOK; the alert is in the log"


@dataclass(frozen=True)
class Log(AlertSink):
    """One line of JSON, which tools for logs take apart."""

    def send(self, alert: Alert) -> None:
        """As an error of the logger `dataset_assets.alerts`."""
        logging.getLogger(LOGGER).error("%s", json.dumps(alert.model_dump(mode="json"), ensure_ascii=False))


@dataclass(frozen=True)
class Webhook(AlertSink):
    """Posts JSON: `text` for people, as Slack and Mattermost want it, and `alert` with each part by itself.

    The address may be a secret, and is in no message.
    """

    url: SecretStr

    def send(self, alert: Alert) -> None:
        """Tries three times. A server that refuses the alert is not asked again."""
        body = json.dumps({"text": alert.text, "alert": alert.model_dump(mode="json")}).encode()
        for seconds in WAITS:
            reason, is_final = self._post(body)
            if not reason:
                return
            if is_final or seconds is None:
                raise UnavailableError(Fault(f"the webhook for alerts {reason}", mend=_MEND))
            time.sleep(seconds)

    def _post(self, body: bytes) -> tuple[str, bool]:
        """What went wrong, empty for nothing, and whether it would go wrong again."""
        request = Request(self.url.get_secret_value(), body, _JSON)  # noqa: S310 - http(s), see Settings
        try:
            with urlopen(request, timeout=SECONDS):  # noqa: S310
                return "", True
        except HTTPError as error:
            return f"answers {error.code}", 400 <= error.code < 500 and error.code != 429
        except (OSError, HTTPException) as error:
            return f"does not answer: {type(error).__name__}", False


def sinks(webhook: SecretStr | None) -> tuple[AlertSink, ...]:
    """Always the log; the webhook where one is set."""
    return (Log(), Webhook(webhook)) if webhook else (Log(),)
