"""Measure ticks of the sensors over 1,000 datasets of 24 Periods, of which every second one nests another."""

import json
import os
import resource
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.many_datasets import (
    DATASETS,
    MONTHS,
    NOW,
    PERIODS,
    TABLES,
    graph_of,
    publish_records,
    store,
    write,
)
from benchmarks.measure import Report, Series, of_this_project

KINDS = {
    "sources": "the sensor `sources`",
    "eager": "Dagster's own eager()",
    "refresh": "the sensor `refresh`",
}
"""The two sensors, and what the second is compared with."""


def main(repeats: int) -> Report:
    """Each sensor in a process of its own, so that its peak memory is its own."""
    table: dict[str, Report] = {}
    notes: Report = {}
    with TemporaryDirectory(prefix="dataset-assets-bench-") as folder:
        write(Path(folder), DATASETS)
        of_this_project("benchmarks.automation", folder, "publish", "0")
        found = {kind: of_this_project("benchmarks.automation", folder, kind, str(repeats)) for kind in KINDS}
    for kind, report in found.items():
        base = found["eager"]["ticks"] if kind == "refresh" else {}
        for name, tick in report["ticks"].items():
            ratio = {"cpu_ratio": round(tick["cpu_s"] / base[name]["cpu_s"], 2)} if name in base else {}
            table[f"{KINDS[kind]}: {name}"] = {**tick, **ratio}
        notes[KINDS[kind]] = report["memory_mb"]
    return {"table": table, **notes}


def inside(root: Path, kind: str, repeats: int) -> Report:
    """Runs in that process: ticks as the daemon makes them, with the cursor as it keeps it."""
    import dagster as dg  # noqa: PLC0415 - what is measured

    if kind == "publish":  # in a process of its own, whose memory is not that of the sensor
        publish_records(root, graph_of(root))
        return {}
    classes = {"sources": Polled, "eager": Eager, "refresh": Refreshed}
    with dg.DagsterInstance.ephemeral() as instance:
        ticks = classes[kind](root, instance)
        before = _memory()
        ticks.tick("the first")
        first = _memory()
        while kind == "sources" and ticks.tick("until all is told"):
            pass
        for _ in range(repeats):
            ticks.tick("nothing changed")
        ticks.change()
        ticks.tick("one month changed")
        if kind == "refresh":
            ticks.change_all()
            ticks.tick("all changed")
        memory = {"before": before, "after the first": first, "at most": _memory()}
        report = ticks.report()
        report["the first"]["peak_mb"] = first
        return {"ticks": report, "memory_mb": memory}


@dataclass
class Ticks:
    """One after the other, by what is new in them."""

    root: Path
    instance: Any
    series: dict[str, Series] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    cursor: Any = None
    number: int = 0

    def __post_init__(self) -> None:
        self.open()

    def open(self) -> None:
        """What is not measured."""

    def tick(self, name: str) -> int:
        """How much it told, which is kept beside how long it took."""
        self.told[name] = self.series.setdefault(name, Series()).time(self.once)
        self.number += 1
        return self.told[name]

    def once(self) -> int:
        """Events that are reported, or runs that are requested."""
        raise NotImplementedError

    def change(self) -> None:
        """One month of one table."""
        raise NotImplementedError

    def change_all(self) -> None:
        """Every month of every table."""

    def report(self) -> Report:
        """Medians."""
        return {
            name: {**_medians(each), "events or requests": self.told[name]}
            for name, each in self.series.items()
        }


class Polled(Ticks):
    """The sensor `sources`, over files that are there."""

    def open(self) -> None:
        """Nothing of the target is read yet."""
        from dataset_assets.assets.source_sensor import sources  # noqa: PLC0415

        self.sensor = sources(graph_of(self.root))

    def once(self) -> int:
        """Without the daemon's writing of the events, which is Dagster's."""
        import dagster as dg  # noqa: PLC0415

        found = self.sensor.evaluate_tick(dg.build_sensor_context(self.instance, cursor=self.cursor))
        self.events, self.cursor = found.asset_events, found.cursor
        return len(self.events)

    def tick(self, name: str) -> int:
        """What it told is written before the next one."""
        told = super().tick(name)
        for event in self.events:
            self.instance.report_runless_asset_event(event)
        return told

    def change(self) -> None:
        """As ETL does."""
        store(self.root, "orders_7", "2024-06", rows=2)


class Refreshed(Ticks):
    """The sensor `refresh`: everything was published before the first tick, and is up to date."""

    def open(self) -> None:
        """Records and reports are there."""
        from dataset_assets.assets.refresh_sensor import Refresher  # noqa: PLC0415

        graph = graph_of(self.root)
        _report_sources(self.instance)
        self.refresher = Refresher(graph, lambda: NOW + timedelta(seconds=30 * self.number))

    def once(self) -> int:
        """Runs that are requested."""
        import dagster as dg  # noqa: PLC0415

        found = self.refresher.tick(dg.build_sensor_context(self.instance, cursor=self.cursor))
        self.cursor = found.cursor
        return len(found.run_requests or ())

    def change(self) -> None:
        """As ETL does it, and the other sensor reports it."""
        store(self.root, "orders_7", "2024-06", rows=2)
        _report(self.instance, ["shop", "orders_7"], "2024-06", "v2")

    def change_all(self) -> None:
        """Every file has another time."""
        for table in range(TABLES):
            for month in MONTHS:
                os.utime(self.root / f"orders_{table}" / f"{month}.parquet")
                _report(self.instance, ["shop", f"orders_{table}"], month, "v3")


class Eager(Ticks):
    """Dagster's own `AutomationCondition.eager()` on every dataset."""

    def open(self) -> None:
        """Everything was published before the first tick."""
        import dagster as dg  # noqa: PLC0415

        from dataset_assets.assets.asset_definitions import assets  # noqa: PLC0415
        from dataset_assets.assets.asset_keys import DATASETS as PREFIX  # noqa: PLC0415
        from dataset_assets.assets.target_resource import RESOURCE  # noqa: PLC0415

        found = dg.Definitions(assets=list(assets(graph_of(self.root))), resources={RESOURCE: None})
        self.definitions = found.map_asset_specs(func=_eagerly)
        self.selection = dg.AssetSelection.key_prefixes([PREFIX])
        _report_sources(self.instance)
        for number in range(DATASETS):
            for month in MONTHS[-PERIODS:]:
                _report(self.instance, [PREFIX, f"dataset_{number:04}"], month, "v1")

    def once(self) -> int:
        """The cursor is written and read as the daemon does it."""
        import dagster as dg  # noqa: PLC0415
        from dagster._daemon import asset_daemon  # noqa: PLC0415

        now = NOW + timedelta(seconds=30 * self.number)
        found = dg.evaluate_automation_conditions(
            self.definitions, self.instance, self.selection, now, self.cursor
        )
        self.cursor = found.cursor
        asset_daemon.asset_daemon_cursor_to_instigator_serialized_cursor(found.cursor)
        return found.total_requested

    def change(self) -> None:
        """As the other sensor reports it."""
        _report(self.instance, ["shop", "orders_7"], "2024-06", "v2")


def _eagerly(spec: Any) -> Any:
    import dagster as dg  # noqa: PLC0415

    if spec.key.path[0] != "datasets":
        return spec
    return spec.replace_attributes(automation_condition=dg.AutomationCondition.eager())


def _report_sources(instance: Any) -> None:
    for table in range(TABLES):
        for month in MONTHS:
            _report(instance, ["shop", f"orders_{table}"], month, "v1")
    for table in ("products", "stores"):
        _report(instance, ["shop", table], None, "v1")


def _report(instance: Any, key: list[str], partition: str | None, version: str) -> None:
    import dagster as dg  # noqa: PLC0415

    tags = {"dagster/data_version": version}
    instance.report_runless_asset_event(dg.AssetMaterialization(key, partition=partition, tags=tags))


def _medians(series: Series) -> Mapping[str, float]:
    return {name: value for name, value in series.against(series).items() if name in ("wall_s", "cpu_s")}


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    print(json.dumps(inside(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))))
