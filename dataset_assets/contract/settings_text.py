"""Write the settings of a filter or a split on one line, for people."""

from collections.abc import Collection
from typing import Any

from dataset_assets.model import Model

_MASKED = "(sensitive)"


def settings_text(model: Model | None, masked: Collection[str] = ()) -> str:
    """Return the settings of a model on one line: `type rolling, months 2`; empty text without a model.

    The values of the settings that `masked` names are left out (BR-206).
    """
    if model is None:
        return ""
    values = model.model_dump(mode="json", exclude_none=True)
    return ", ".join(f"{key} {_MASKED if key in masked else _joined(value)}" for key, value in values.items())


def _joined(value: Any) -> str:
    if isinstance(value, bool):  # as YAML writes it
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
