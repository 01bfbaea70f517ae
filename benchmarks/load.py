"""From 1,000 dataset files of 20 columns to loaded Dagster definitions, in a cold process."""

import json
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.measure import PROJECT, Report, of_this_project

FILES = 1_000
KINDS = ["integer", "integer", "timestamp", "string", *["decimal", "string"] * 8]
"""The types of the 20 columns of each."""


def main(repeats: int) -> Report:
    """From the start of the process to loaded definitions, imports included, and its parts."""
    with TemporaryDirectory(prefix="dataset-assets-bench-") as folder:
        root = Path(folder)
        write_datasets(root)
        reports = [_cold(folder) for _ in range(repeats)]
        imports = _imports(root)
    cold = [sum(report["parts"].values()) for report in reports]
    parts = {
        name: {"wall_s": round(statistics.median(report["parts"][name] for report in reports), 3)}
        for name in reports[0]["parts"]
    }
    assert all(report["assets"] >= FILES for report in reports)
    whole = {"wall_s": round(statistics.median(cold), 2)}
    return {
        "table": {"start of the process to loaded definitions": whole, **parts},
        "slowest_imports_s": imports,
    }


def _cold(folder: str) -> Report:
    return of_this_project("benchmarks.load", folder, str(time.time()))


def inside(root: Path, launched: float) -> None:
    """Runs in the cold process and prints how long each part took."""
    started = time.time() - launched
    begun = time.perf_counter()
    import dagster as dg  # noqa: PLC0415 - what is measured

    from dataset_assets.adapters.targets.environment import Settings  # noqa: PLC0415
    from dataset_assets.assets import code_location as location  # noqa: PLC0415
    from dataset_assets.catalog.catalog import Catalog  # noqa: PLC0415
    from dataset_assets.catalog.load_catalog import load_catalog  # noqa: PLC0415

    imported = time.perf_counter()
    seconds: list[float] = []

    def timed(path: Path) -> Catalog:
        reading = time.perf_counter()
        answer = load_catalog(path)
        seconds.append(time.perf_counter() - reading)
        return answer

    location.load_catalog = timed  # ty: ignore[invalid-assignment] - measured where it is called
    found = location.code_location(Settings(definitions=root), datetime(2026, 1, 31, tzinfo=UTC))
    built = time.perf_counter()
    keys = found.resolve_asset_graph().get_all_asset_keys()
    resolved = time.perf_counter()
    assert isinstance(found, dg.Definitions)
    parts = {
        "the interpreter's start": started,
        "imports": imported - begun,
        "catalog: read, build and check the files": sum(seconds),
        "factory: assets, jobs, definitions": built - imported - sum(seconds),
        "Dagster: the asset graph": resolved - built,
    }
    print(json.dumps({"parts": parts, "assets": len(keys)}))


def write_datasets(root: Path) -> None:
    """Every dataset has a table of its own, partitions and a split, as in a real folder."""
    (root / "datasets").mkdir()
    (root / "users.yaml").write_text("users:\n  team-data: {team: data}\n", encoding="utf-8")
    for number in range(FILES):
        columns = "".join(
            f"      - {{name: c{each}, type: {kind}, nullable: {str(each > 2).lower()}}}\n"
            for each, kind in enumerate(KINDS)
        )
        text = (
            f"dataset:\n  id: 01a2001c-5bae-7b91-b4bb-{number:012x}\n  name: Dataset {number}\n"
            f"  owner: team-data\n  natural_key_columns: [c0, c1]\n  main_table:\n    name: table_{number}\n"
            f"    columns:\n{columns}"
            "  column_mapping: {user_id: c0, product_id: c1, timestamp: c2, revenue: c4}\n"
            "  filters:\n    date_range: {type: rolling, months: 6}\n"
            "    product_filter: {type: cumulative_revenue_percent, value: 80}\n    fit_on: train\n"
            "  split_config: {strategy: time_based, eval_days: 14}\n"
            "  partitions: {period: month, start: 2024-01}\n  refresh: {on: upstream}\n"
        )
        (root / "datasets" / f"dataset_{number:04}.yaml").write_text(text, encoding="utf-8")


def _imports(root: Path) -> dict[str, float]:
    """The ten top-level packages whose modules take longest by themselves, from `-X importtime`."""
    command = [sys.executable, "-X", "importtime", "-m", "benchmarks.load", str(root), str(time.time())]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    own: dict[str, float] = {}
    for line in done.stderr.splitlines():
        cells = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and len(cells) == 3 and cells[0].strip().isdigit():
            package = cells[2].strip().split(".")[0]
            own[package] = own.get(package, 0) + int(cells[0]) / 1e6
    slowest = sorted(own.items(), key=lambda item: -item[1])[:10]
    return {package: round(seconds, 3) for package, seconds in slowest}


if __name__ == "__main__":
    inside(Path(sys.argv[1]), float(sys.argv[2]))
