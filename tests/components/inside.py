"""Scenarios that run inside of the second project in its own process; each prints one line of JSON."""

import importlib
import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import dagster as dg

COMPONENTS = "dataset_assets.assets.components"
ROWS = ("dagster/row_count", "dagster/partition_row_count")
CODE_LOCATION: str = "shop.definitions"
OWN_PACKAGES = ("resources", "definitions", "interfaces")
"""Packages of the second project whose names this repository uses as well."""


def dg_command(*words: str) -> tuple[int, str]:
    """Run `dg …` as its script does; return its exit code and its output."""
    from dagster_dg_cli.cli import main  # noqa: PLC0415

    said = io.StringIO()
    sys.argv = ["dg", *words]
    os.environ.pop("DAGSTER_IS_DEFS_VALIDATION_CLI", None)
    with redirect_stdout(said), redirect_stderr(said):
        try:
            main()
            code: Any = 0
        except SystemExit as ended:
            code = ended.code
            if isinstance(code, str):  # what Python itself does with a text
                said.write(code)
                code = 1
    return int(code or 0), said.getvalue()


def load() -> dg.Definitions:
    os.environ.pop("DAGSTER_IS_DEFS_VALIDATION_CLI", None)
    return importlib.import_module(CODE_LOCATION).defs()


def package_owners() -> dict[str, str]:
    """Return the constant OWNER of each package in OWN_PACKAGES, as the project imports it."""
    return {name: importlib.import_module(name).OWNER for name in OWN_PACKAGES}


def materialize(
    defs: dg.Definitions, key: str, partition: str | None = None, instance: dg.DagsterInstance | None = None
) -> dict[str, Any]:
    job = defs.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        asset_selection=[dg.AssetKey.from_user_string(key)],
        partition_key=partition,
        instance=instance,
        raise_on_error=False,
    )
    told = [event.materialization for event in result.get_asset_materialization_events()]
    failed = [event.step_failure_data for event in result.get_step_failure_events()]
    return {
        "ok": result.success,
        "rows": [each.metadata[name].value for each in told for name in ROWS if name in each.metadata],
        "said": [each.user_failure_data.description for each in failed if each.user_failure_data],
    }


class Ticks:
    """Ticks of the sensor that a dataset's component has, and the partitions that each requests."""

    def __init__(self, defs: dg.Definitions, instance: dg.DagsterInstance) -> None:
        self.repository = defs.get_repository_def()
        [self.sensor] = [each for each in self.repository.sensor_defs if each.name.startswith("refresh__")]
        self.instance = instance
        self.cursor: str | None = None
        self.requested: list[list[str]] = []

    def tick(self) -> None:
        context = dg.build_sensor_context(self.instance, cursor=self.cursor, repository_def=self.repository)
        found = self.sensor.evaluate_tick(context)
        self.cursor = found.cursor
        ends = "dagster/asset_partition_range_start"
        self.requested.append([request.tags[ends] for request in found.run_requests or ()])


def publish() -> Any:
    """Publish the project's own asset and the dataset over it; then one month of the asset again."""
    import dataset_assets  # noqa: PLC0415

    defs = load()
    graph = defs.resolve_asset_graph()
    instance = dg.DagsterInstance.ephemeral()
    dataset = dg.AssetKey(["datasets", "basket_lines"])
    mapping = graph.get_partition_mapping(dataset, dg.AssetKey(["raw", "orders"]))
    made = [materialize(defs, "raw/orders", month, instance) for month in ("2026-01", "2026-02")]
    published = materialize(defs, "datasets/basket_lines", "2026-02", instance)
    ticks = Ticks(defs, instance)
    ticks.tick()
    ticks.tick()
    made.append(materialize(defs, "raw/orders", "2026-02", instance))
    ticks.tick()
    return {
        "package": dataset_assets.__file__,
        "owners": package_owners(),
        "parents": [key.to_user_string() for key in graph.get(dataset).parent_keys],
        "keys": sorted(key.to_user_string() for key in graph.get_all_asset_keys()),
        "window": mapping.start_offset if isinstance(mapping, dg.TimeWindowPartitionMapping) else None,
        "upstream": [each["ok"] for each in made],
        "dataset": published,
        "requested": ticks.requested,
    }


def scaffold() -> Any:
    """Scaffold both components, then run the commands of `dg` on the project."""
    commands = {
        "many": ["scaffold", "defs", f"{COMPONENTS}.DatasetsComponent", "many"],
        "one": ["scaffold", "defs", f"{COMPONENTS}.DatasetComponent", "one"],
        "check": ["check", "defs"],
        "list": ["list", "defs", "--json"],
        "components": ["list", "components", "--json"],
        "inspect": ["utils", "inspect-component", f"{COMPONENTS}.DatasetComponent"],
    }
    said = {name: dg_command(*words) for name, words in commands.items()}
    defs = load()
    stems = ("many_example", "one")
    return {
        **said,
        "owners": package_owners(),
        "runs": {stem: materialize(defs, f"datasets/{stem}") for stem in stems},
    }


def mistakes() -> Any:
    """Check a project with faults, then run its assets."""
    said = {
        "yaml": dg_command("check", "yaml"),
        "ours": dg_command("check", "defs", "--no-check-yaml"),
    }
    defs = load()
    return {
        **said,
        "run": materialize(defs, "datasets/basket_lines"),
        "orders": materialize(defs, "raw/orders", "2026-01"),
    }


if __name__ == "__main__":
    SCENARIOS = {scenario.__name__: scenario for scenario in (publish, scaffold, mistakes)}
    sys.stdout.write(json.dumps(SCENARIOS[sys.argv[1]]()))
