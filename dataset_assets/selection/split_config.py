"""`split_config`: the union of all strategies, and the parts of a split by name."""

from typing import Annotated

from pydantic import Field

from dataset_assets.errors import Fault, UnsupportedError
from dataset_assets.selection.random_split import RandomSplit
from dataset_assets.selection.splits import NAMES, Split, TimeBasedSplit
from dataset_assets.text.wording import shown

SplitConfig = Annotated[TimeBasedSplit | RandomSplit, Field(discriminator="strategy")]


def split_value(config: Split | None, name: str) -> int:
    """Return the value of the split called `name`. Raises UnsupportedError if the dataset has none."""
    names = {NAMES[value]: value for value in config.values} if config else {}
    if name not in names:
        hint = f"it has {', '.join(names)}" if names else "it has no split_config"
        raise UnsupportedError(Fault(f"the dataset has no split {shown(name)}", hint=hint))
    return names[name]
