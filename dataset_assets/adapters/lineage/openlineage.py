"""Send events with OpenLineage's own client, which reads its settings from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from queue import Empty, Queue
from threading import Thread
from typing import Any

from typing_extensions import override

from dataset_assets.errors import Fault, UnavailableError, UnsupportedError
from dataset_assets.ports.lineage import LineageSink

SECONDS = 30.0
"""The time limit for sending one event, including the client's own retries."""
_TRANSPORTS = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG")
_PREFIX = "OPENLINEAGE__TRANSPORT"
_HINT = "check the variables that begin with OPENLINEAGE; the rows are published"


@dataclass(frozen=True)
class OpenLineageSink(LineageSink):
    """Sends events to where the environment's OpenLineage settings lead: HTTP, a file, Kafka and others."""

    job_namespace: str | None = None

    @property
    @override
    def namespace(self) -> str | None:
        return self.job_namespace

    @override
    def send(self, event: Mapping[str, Any]) -> None:
        """Send an event within `SECONDS`. Raises UnsupportedError if the client is not installed."""
        client = _module("client")
        answers: Queue[Exception | None] = Queue()
        Thread(target=lambda: answers.put(_emit(client, event)), daemon=True).start()
        try:
            error = answers.get(timeout=SECONDS)
        except Empty:
            error = TimeoutError(f"no answer within {SECONDS:.0f} seconds")
        if error:  # its text can contain an address with a secret
            message = f"the lineage event is not sent: {type(error).__name__}"
            raise UnavailableError(Fault(message, hint=_HINT)) from None


def lineage_sink(environ: Mapping[str, str] | None = None) -> LineageSink | None:
    """Return the sink that the environment configures; None if it configures none, or turns it off."""
    env = os.environ if environ is None else environ
    is_configured = any(env.get(name) for name in _TRANSPORTS) or any(
        each.startswith(_PREFIX) for each in env
    )
    if not is_configured or env.get("OPENLINEAGE_DISABLED", "").lower() in {"1", "true"}:
        return None
    return OpenLineageSink(env.get("OPENLINEAGE_NAMESPACE") or None)


def _module(name: str) -> Any:
    """Return a module of OpenLineage's client, which is an optional package."""
    try:
        return import_module(f"openlineage.{name}")
    except ImportError as error:
        hint = "install `dataset-assets[openlineage]` into this environment"
        message = f"the lineage event is not sent: OpenLineage cannot be imported: {error}"
        raise UnsupportedError(Fault(message, hint=hint)) from None


def _emit(client: Any, event: Mapping[str, Any]) -> Exception | None:
    """Send an event and return the error that prevented it; None if it was sent."""
    try:
        model = _module("client.event_v2")
        client.OpenLineageClient().emit(_run_event(model, event))
    except Exception as error:  # noqa: BLE001 - whatever a transport raises, the rows are published
        return error
    return None


def _run_event(model: Any, event: Mapping[str, Any]) -> Any:
    """Return an event as an object of the client, whose facets stay plain data."""
    return model.RunEvent(
        eventType=model.RunState(event["eventType"]),
        eventTime=event["eventTime"],
        run=model.Run(**event["run"]),
        job=model.Job(**event["job"]),
        inputs=[model.InputDataset(**each) for each in event["inputs"]],
        outputs=[model.OutputDataset(**each) for each in event["outputs"]],
        producer=event["producer"],
    )
