"""The Dagster sensor `retention`, which once a day removes publications that the target no longer keeps."""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg

from dataset_assets.assets.target_resource import TargetBinding
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.lifecycle.retention import vacuum
from dataset_assets.ports.retention import RetentionReport
from dataset_assets.ports.target import Target

SENSOR = "retention"
INTERVAL = 300
"""Seconds between two ticks, at least."""
TICK_SECONDS = 20.0
"""Seconds of one tick after which no further dataset is begun, as Dagster cancels a tick after 60."""

_ABOUT = "Once a day, removes replaced publications that the target's retention no longer keeps"


@dataclass
class Day:
    """The cursor: the day whose datasets are done, and those that are done on a day that is not."""

    finished: str = ""
    started: str = ""
    done: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, cursor: str | None) -> "Day":
        """Return the state that a cursor holds; an unreadable one is lost, which only repeats a day."""
        try:
            return cls(**json.loads(cursor or "{}"))
        except (ValueError, TypeError):
            return cls()

    def text(self) -> str:
        """Return the state as a cursor."""
        return json.dumps(vars(self))


def retention_sensor(binding: TargetBinding, stems: Sequence[str], name: str = SENSOR) -> dg.SensorDefinition:
    """Return the sensor for these datasets, for a target that has a retention."""

    def tick(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now, day = datetime.now(UTC), Day.of(context.cursor)
        today = now.date().isoformat()
        if binding.target is None or day.finished == today:
            return dg.SensorResult(cursor=context.cursor, skip_reason="done for today")
        if day.started != today:
            day = Day(day.finished, today)
        lines = list(_run(binding.target, [each for each in stems if each not in day.done], now, day))
        return dg.SensorResult(cursor=day.text(), skip_reason="; ".join(lines) or "nothing to remove")

    return dg.SensorDefinition(
        name=name,
        evaluation_fn=tick,
        minimum_interval_seconds=INTERVAL,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=_ABOUT,
    )


def _run(target: Target, stems: Sequence[str], now: datetime, day: Day) -> Iterator[str]:
    """Run retention until the tick is over and note in `day` what is done; yield one line a dataset."""
    deadline = time.monotonic() + TICK_SECONDS
    for stem in stems:
        if time.monotonic() > deadline:
            return
        try:
            yield from map(_sentence, vacuum(target, [stem], now))
        except DatasetAssetsError as error:
            yield f"{stem}: {error}"
        day.done.append(stem)
    day.finished, day.done = day.started, []


def _sentence(report: RetentionReport) -> str:
    return f"{report.dataset}: {len(report.expired)} expired, {len(report.removed)} removed"
