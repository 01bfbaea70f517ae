"""The Dagster job that runs the tests of definitions: it fails with the differences of those that fail."""

from collections.abc import Callable, Sequence

import dagster as dg

from dataset_assets.assets.asset_graph import Graph
from dataset_assets.catalog.definition_tests import load_definition_tests
from dataset_assets.definition_tests.report import TestResult
from dataset_assets.definition_tests.run import run_tests
from dataset_assets.definition_tests.text_table import failure_lines
from dataset_assets.errors import DatasetAssetsError, Fault

JOB = "definition_tests"
_ABOUT = "Runs the tests of definitions: given rows, expected rows. Reads no source, publishes nothing"


def definition_tests_job(graph: Graph, unique_name: Callable[[str], str]) -> dg.JobDefinition:
    """Return the job. `unique_name` makes a name unique in the code location."""
    name = unique_name(JOB)

    def run(context: dg.OpExecutionContext) -> None:
        from dataset_assets.adapters.duckdb.memory import memory_engine  # noqa: PLC0415 - loads no engine at start

        try:
            loaded = load_definition_tests(graph.catalog)
            results = list(run_tests(graph.catalog, loaded.tests, memory_engine()))
        except DatasetAssetsError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        for each in results:
            context.log.info("%s/%s: %s", each.dataset, each.name, "passed" if each.passed else "failed")
        _raise_failed(context, results, loaded.faults)

    op = dg.op(name=f"{name}_op", description=_ABOUT)(run)
    return dg.GraphDefinition(name=name, node_defs=[op], description=_ABOUT).to_job()


def _raise_failed(
    context: dg.OpExecutionContext, results: Sequence[TestResult], faults: Sequence[Fault]
) -> None:
    """Write the differences of failed tests to the log, and fail with them if there are any."""
    failed = [each for each in results if not each.passed]
    metadata: dict[str, dg.MetadataValue] = {
        f"{each.dataset}/{each.name}": dg.MetadataValue.md("\n".join(["```", *failure_lines(each), "```"]))
        for each in failed
    }
    if faults:
        metadata["faults"] = dg.MetadataValue.text("\n".join(map(str, faults)))
    for each in failed:
        context.log.error("\n".join([f"{each.dataset}/{each.name} failed", *failure_lines(each)]))
    for fault in faults:
        context.log.error(str(fault))
    if metadata:
        words = f"{len(failed):,} of {len(results):,} tests failed"
        more = f", and files of tests have {len(faults):,} faults" if faults else ""
        raise dg.Failure(f"{words}{more}", metadata=metadata, allow_retries=False)
