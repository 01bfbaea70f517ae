"""How datasets and tables are called in Dagster, which is choosier about names than files are."""

import re

import dagster as dg

PROJECT_TAG = "dataset_assets/project_id"
"""The run tag that names the Project whose Run it is; its value is stamped on rows (BR-015)."""

OBSERVER_TAG = "dataset_assets/observer"
"""The run tag of a command that told what the sources of its publications were like; its value names it."""

STATUS_TAG = "dataset_assets/status"
OWNER_TAG = "dataset_assets/owner"

DATASETS = "datasets"
"""What the keys of all datasets begin with."""

_LONGEST_TAG = 63
_LONGEST_POOL = 128


def dataset_key(stem: str) -> dg.AssetKey:
    """`datasets/<stem>` (BR-131)."""
    return dg.AssetKey([DATASETS, stem])


def table_key(resolver: str, table: str) -> dg.AssetKey:
    """`<resolver>/<table>`: one physical table is one asset, however many datasets read it."""
    return dg.AssetKey([resolver, table])


def word(text: str) -> str:
    """Letters, digits and `_`: what names of ops, jobs and the segments of a group are made of."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_") or "unnamed"


def group(text: str) -> str:
    """A group's name; `/` makes a hierarchy of it, as in `recommender/two_tower`."""
    return "/".join(word(segment) for segment in text.split("/") if segment) or "unnamed"


def tag_value(text: str) -> str:
    """What a tag can hold of a text: letters, digits, `_`, `-` and `.`, at most 63 of them."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text)[:_LONGEST_TAG].strip("_.-")


def pool(stem: str) -> str:
    """The pool of a dataset: with a limit of 1, its runs take turns instead of superseding one another."""
    return word(f"dataset_{stem}")[:_LONGEST_POOL]
