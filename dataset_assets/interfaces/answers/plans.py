"""Answers about what is due: publications to make, with reasons, estimates and obstacles."""

from collections.abc import Iterable
from typing import Self

from dataset_assets.interfaces.answers.faults import FaultAnswer
from dataset_assets.model import Model
from dataset_assets.staleness.due_outputs import DueOutput
from dataset_assets.staleness.plan import Plan
from dataset_assets.staleness.reasons import StalePublication


class DueAnswer(Model):
    """A publication to make. `row_count` and `size_bytes` are estimates, None if unknown.

    With `obstacles` a run would be refused.
    """

    period: str | None
    reasons: tuple[str, ...]
    row_count: int | None
    size_bytes: int | None
    obstacles: tuple[FaultAnswer, ...]

    @classmethod
    def of(cls, due: StalePublication) -> Self:
        """Return the answer for a publication that is due."""
        return cls(
            period=due.period.id if due.period else None,
            reasons=tuple(map(str, due.reasons)),
            row_count=due.rows,
            size_bytes=due.size_bytes,
            obstacles=tuple(map(FaultAnswer.of, due.obstacles)),
        )


class DatasetPlanAnswer(Model):
    """The plan of one dataset. `uncertain` are publications with a source that cannot be read."""

    dataset: str
    up_to_date: int
    due: tuple[DueAnswer, ...]
    uncertain: tuple[DueAnswer, ...]


class DueOutputAnswer(Model):
    """A Period of a Project's output that is to be published again."""

    output: str
    period: str | None
    reason: str

    @classmethod
    def of(cls, due: DueOutput) -> Self:
        """Return the answer for an output that is due."""
        return cls(output=due.stem, period=due.period_id, reason=due.reason)


class PlanAnswer(Model):
    """The plans of datasets, nested ones first, and the outputs of Projects that are due."""

    datasets: tuple[DatasetPlanAnswer, ...]
    outputs: tuple[DueOutputAnswer, ...] = ()

    @classmethod
    def of(cls, plans: Iterable[Plan], outputs: Iterable[DueOutput] = ()) -> Self:
        """Return the answer for plans."""
        return cls(
            outputs=tuple(map(DueOutputAnswer.of, outputs)),
            datasets=tuple(
                DatasetPlanAnswer(
                    dataset=plan.entry.stem,
                    up_to_date=plan.up_to_date,
                    due=tuple(map(DueAnswer.of, plan.due)),
                    uncertain=tuple(map(DueAnswer.of, plan.uncertain)),
                )
                for plan in plans
            ),
        )
