"""Take out of a stored event of Dagster everything that can hold a value of a row.

What goes is known by its place, never by a search for a text: metadata that is not in a list of facts,
results of checks, texts of errors, and lines of logs. Everything else stays as it was stored.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._check import CheckError
from dagster._serdes import deserialize_value
from dagster_shared.serdes.errors import DeserializationError

from dataset_assets.lifecycle.erased_records import ERASED

_FACTS = frozenset(
    {
        "period",
        "as_of",
        "version",
        "version_number",
        "digest",
        "table_version",
        "seconds",
        "seconds_by_step",
        "source_versions",
        "training_run",
        "used_at",
        "used_by",
        "erasure",
        "begun_at",
        "erased_by",
    }
)
"""Metadata in which no value of a row is."""
_FACTS_BY_PREFIX = ("dagster/", "__")
"""How names of metadata begin that Dagster defines, such as `dagster/uri`."""
_COUNTS = frozenset({"IntMetadataEntryData", "BoolMetadataEntryData", "NullMetadataEntryData"})
_SHARE, _SHARES = "FloatMetadataEntryData", "share_"
_UNREADABLE = (CheckError, DeserializationError, ValueError, TypeError, KeyError, AttributeError)

Json = Mapping[str, Any]


class UnreadableError(Exception):
    """A stored text cannot be read by Dagster, as it is or as it would be without the values."""


@dataclass(frozen=True)
class EventCleaner:
    """Cleans the events of some assets, and of the steps of one run that make these assets.

    `keys` are asset keys as Dagster's tables have them. Events of a run as a whole are cleaned if the run has
    such a step.
    """

    keys: Collection[str]
    steps: Collection[str] = frozenset()

    def clean(self, text: str) -> str:
        """Return a stored event without values. Raises UnreadableError if it has to be left as it is."""
        stored = parsed(text)
        return checked(text, stored, self._record(stored))

    def step_of(self, text: str) -> str | None:
        """Return the step of an event by which a run makes or checks one of the assets; None for others."""
        event = parsed(text).get("dagster_event")
        if not event or event["event_type_value"] == dg.DagsterEventType.ASSET_OBSERVATION.value:
            return None
        return event.get("step_key") if _key_of(event) in self.keys else None

    def _record(self, stored: Json) -> Json:
        """Clean an event that is stored alone or, for the last of an asset, in a record or by its subject."""
        if "event_log_entry" in stored:
            return {**stored, "event_log_entry": self._entry(stored["event_log_entry"])}
        if stored.get("__class__") == "AssetMaterialization":
            return _without_values(stored)
        return self._entry(stored)

    def _entry(self, entry: Json) -> Json:
        event = entry.get("dagster_event")
        if event is None:
            is_log = entry.get("step_key") in self.steps
            return {**entry, "user_message": ERASED, "error_info": _error(entry)} if is_log else entry
        if not self._is_ours(event):
            return entry
        cleaned = {**entry, "dagster_event": _without_values(event), "error_info": _error(entry)}
        if cleaned["dagster_event"]["message"] != event["message"]:
            cleaned["user_message"] = ERASED
        return cleaned

    def _is_ours(self, event: Json) -> bool:
        key = _key_of(event)
        if key:
            return key in self.keys
        step = event.get("step_key")
        return step in self.steps if step else bool(self.steps)


def parsed(text: str) -> Json:
    """Return the JSON of a stored text. Raises UnreadableError if it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        raise UnreadableError from None
    if not isinstance(found, dict):
        raise UnreadableError
    return found


def checked(text: str, stored: Json, cleaned: Json) -> str:
    """Return a cleaned text if Dagster reads it as it reads the stored one. Raises UnreadableError if not."""
    if cleaned == stored:
        return text
    written = json.dumps(cleaned)
    try:
        is_same = type(deserialize_value(written)) is type(deserialize_value(text))
    except _UNREADABLE:
        raise UnreadableError from None
    if not is_same:
        raise UnreadableError
    return written


def _key_of(event: Json) -> str | None:
    """Return the key of the asset that an event is about, as Dagster's tables have it."""
    data = event.get("event_specific_data") or {}
    nested = [each for each in data.values() if isinstance(each, dict)]
    for each in (data, *nested):
        key = each.get("asset_key")
        if isinstance(key, dict) and "path" in key:
            return dg.AssetKey(key["path"]).to_string()
    return None


def _without_values(value: Any) -> Any:
    """Return a part of an event without values."""
    if isinstance(value, list):
        return [_without_values(each) for each in value]
    return _object(value) if isinstance(value, dict) else value


def _object(value: Json) -> Json:
    match value.get("__class__"):
        case "SerializableErrorInfo":
            return _error({"error_info": value}) or value
        case "EngineEventData":
            return {**value, "error": _error({"error_info": value.get("error")})}
        case "UserFailureData":
            return {**value, "description": ERASED, "metadata_entries": []}
        case "AssetCheckEvaluation":
            return {**value, "description": None, "metadata": {}}
    cleaned = {name: _field(name, each) for name, each in value.items()}
    data = value.get("event_specific_data")
    if data and _tells(data, cleaned["event_specific_data"]):
        cleaned["message"] = ERASED
    return cleaned


def _field(name: str, value: Any) -> Any:
    if name == "metadata_entries" and isinstance(value, list):
        return [each for each in value if _is_fact(each)]
    return _without_values(value)


def _tells(data: Json, cleaned: Json) -> bool:
    """Return whether Dagster's sentence on an event repeats what was taken out: of a check, or an error."""
    return data != cleaned and (data.get("__class__") == "AssetCheckEvaluation" or "error" in data)


def _is_fact(entry: Json) -> bool:
    """Return whether metadata of an event is a fact about a publication."""
    label, kind = entry.get("label", ""), (entry.get("entry_data") or {}).get("__class__")
    if label in _FACTS or label.startswith(_FACTS_BY_PREFIX):
        return True
    return kind in _COUNTS or (kind == _SHARE and label.startswith(_SHARES))


def _error(entry: Json) -> Json | None:
    """Return the error of an event with the name of its class alone."""
    error = entry.get("error_info")
    return {**error, "message": ERASED, "stack": [], "cause": None, "context": None} if error else None
