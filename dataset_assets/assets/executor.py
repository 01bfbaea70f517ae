"""Execute runs in process, as Dagster does, and free the slots of dead runs so that they block no other run.

A pool gives each dataset to one run at a time. Dagster frees the slot of a killed run only from a daemon. So
a run that waits for a slot checks itself whether the process that has the slot is gone, daemon or not.
The private classes of Dagster that this needs are used in this module alone.
"""

import os
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import dagster as dg
from dagster._core.definitions.executor_definition import IN_PROC_CONFIG
from dagster._core.execution.api import ExecuteRunWithPlanIterable
from dagster._core.execution.context.system import PlanExecutionContext, PlanOrchestrationContext
from dagster._core.execution.context_creation_job import PlanExecutionContextManager
from dagster._core.execution.plan.execute_plan import inner_plan_execution_iterator
from dagster._core.execution.plan.instance_concurrency_context import InstanceConcurrencyContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.execution.step_dependency_config import StepDependencyConfig
from dagster._core.executor.in_process import InProcessExecutor
from typing_extensions import override

from dataset_assets.assets.orphaned_runs import free_gone_holders, free_slots
from dataset_assets.assets.run_process import tag_process

CHECK_SECONDS = 5.0
"""Seconds between two checks of the runs that have the slots, while a run waits for one."""
LONGEST_SLEEP = 1.0
"""Seconds that a waiting run sleeps before it checks again whether it is to be terminated."""


class _Slots(InstanceConcurrencyContext):
    """The concurrency slots of the steps of one run."""

    def __init__(self, instance: dg.DagsterInstance, dagster_run: dg.DagsterRun) -> None:
        super().__init__(instance, dagster_run)
        self._checked_at = float("-inf")

    @override
    def claim(self, concurrency_key: str, step_key: str, step_priority: int = 0) -> bool:
        """Return whether the step has a slot; every CHECK_SECONDS without one, free those of dead runs."""
        if super().claim(concurrency_key, step_key, step_priority):
            return True
        if time.monotonic() - self._checked_at >= CHECK_SECONDS:
            self._checked_at = time.monotonic()
            freed = list(free_gone_holders(self._instance, datetime.now(UTC)))
            if freed:
                self._pending_timeouts[step_key] = 0.0
        return False

    @override
    def interval_to_next_pending_claim_check(self) -> float:
        """Return the seconds to sleep. Dagster's own method returns zero, which keeps a CPU busy."""
        left = min(self._pending_timeouts.values(), default=0.0) - time.time()
        return min(max(left, 0.0), LONGEST_SLEEP)

    @override
    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Free the slots that an interrupt left: all steps ran in this process and are over."""
        super().__exit__(exc_type, exc_value, traceback)
        if self._claims:
            free_slots(self._instance, self._run_id)


def _steps(
    job_context: PlanExecutionContext, execution_plan: ExecutionPlan, *_: Any
) -> Iterator[dg.DagsterEvent]:
    with _Slots(job_context.instance, job_context.dagster_run) as slots:
        yield from inner_plan_execution_iterator(job_context, execution_plan, slots)


class _Executor(InProcessExecutor):
    """Executor that tags the run with its process before any step waits for a slot."""

    @override
    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        """Execute the steps of a run and yield their events."""
        tag_process(plan_context.instance, plan_context.dagster_run, os.getpid())
        manager = PlanExecutionContextManager(
            job=plan_context.job,
            retry_mode=plan_context.retry_mode,
            execution_plan=execution_plan,
            run_config=plan_context.run_config,
            dagster_run=plan_context.dagster_run,
            instance=plan_context.instance,
            raise_on_error=plan_context.raise_on_error,
            output_capture=plan_context.output_capture,
            step_dependency_config=self.step_dependency_config,
        )
        yield from ExecuteRunWithPlanIterable(execution_plan, _steps, manager)


@dg.executor(name=dg.in_process_executor.name, config_schema=IN_PROC_CONFIG)
def executor(context: dg.InitExecutorContext) -> dg.Executor:
    """Execute the steps of a run one after another in the process of the run.

    The executor has the name and the configuration of Dagster's `in_process_executor`.
    """
    config: Mapping[str, Any] = context.executor_config
    retries = RetryMode.from_config(config["retries"]) or RetryMode.ENABLED
    return _Executor(retries, StepDependencyConfig.from_config(config.get("step_dependency_config")))
