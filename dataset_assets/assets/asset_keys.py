"""Convert the names of datasets, tables and Projects to Dagster's asset keys, groups, tags and pools."""

import re

import dagster as dg

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.contract.project import OUTPUT_SEPARATOR, Output

PROJECT_TAG = "dataset_assets/project_id"
"""Run tag with the id of the Project that the run belongs to; the id is written into its rows (BR-015)."""

REASON_TAG = "dataset_assets/reason"
"""Run tag that says why the sensor `refresh` requested the run."""

STATUS_TAG = "dataset_assets/status"
OWNER_TAG = "dataset_assets/owner"

DATASETS = "datasets"
"""First segment of the asset keys of all datasets."""

PROJECTS = "projects"
"""First segment of the asset keys of all outputs of Projects."""

_LONGEST_TAG = 63
_LONGEST_POOL = 128


def dataset_key(stem: str) -> dg.AssetKey:
    """Return the asset key of a dataset: `datasets/<stem>` (BR-131)."""
    return dg.AssetKey([DATASETS, stem])


def output_key(output: Output) -> dg.AssetKey:
    """Return the asset key of an output: `projects/<project>/<output>`."""
    return dg.AssetKey([PROJECTS, output.project, output.step.name])


def published_key(catalog: Catalog, stem: str) -> dg.AssetKey:
    """Return the asset key of a published table: that of an output, or of a dataset."""
    output = catalog.outputs.get(stem)
    if output is None and stem in catalog.faulty_outputs:
        output, _ = catalog.faulty_outputs[stem]
    return output_key(output) if output else dataset_key(stem)


def published_keys(catalog: Catalog, stem: str) -> list[dg.AssetKey]:
    """Return the asset keys that a published table has or had: without a file it may be that of an output."""
    own, parts = published_key(catalog, stem), stem.split(OUTPUT_SEPARATOR)
    if stem in catalog.entries or own != dataset_key(stem):
        return [own]
    join = OUTPUT_SEPARATOR.join
    names = ([join(parts[:place]), join(parts[place:])] for place in range(1, len(parts)))
    return [own, *(dg.AssetKey([PROJECTS, *each]) for each in names)]


def table_key(resolver: str, table: str) -> dg.AssetKey:
    """Return the asset key of a physical table, `<resolver>/<table>`, shared by all datasets that read it."""
    return dg.AssetKey([resolver, table])


def word(text: str) -> str:
    """Return the text as a name for an op, a job or a group segment: only letters, digits and `_`."""
    return re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_") or "unnamed"


def group(text: str) -> str:
    """Return the text as a group name, in which `/` separates levels: `recommender/two_tower`."""
    return "/".join(word(segment) for segment in text.split("/") if segment) or "unnamed"


def tag_value(text: str) -> str:
    """Return the text as a tag value: letters, digits, `_`, `-` and `.`, at most 63 characters."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text)[:_LONGEST_TAG].strip("_.-")


def pool(stem: str) -> str:
    """Return the pool of a dataset. With a limit of 1, its runs wait for each other instead of colliding."""
    return word(f"dataset_{stem}")[:_LONGEST_POOL]
