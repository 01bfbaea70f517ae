"""The command that runs the tests of definitions, and records new ones.

It imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from typing import TYPE_CHECKING, Annotated

import typer

from dataset_assets.interfaces.cli.options import AsJson, AsOfText, OptionalTarget

if TYPE_CHECKING:
    from dataset_assets.interfaces.workspace import Workspace

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", help="Datasets, or DATASET/TEST; by default all tests."),
]


def run_or_record(
    names: Names = None,
    record: Annotated[
        str | None, typer.Option("--record", metavar="TEST", help="Write a test of this name from real rows.")
    ] = None,
    partition: Annotated[str | None, typer.Option("--partition", help="Record: a Period.")] = None,
    as_of: AsOfText = None,
    rows: Annotated[
        int, typer.Option("--rows", min=1, max=200, help="Record: at most so many rows of the main table.")
    ] = 30,
    as_json: AsJson = False,
    target: OptionalTarget = None,
) -> None:
    """Run the tests of definitions/tests/: given and expected rows. --record writes one from real rows."""
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    if record is None:
        if partition or as_of:
            raise typer.BadParameter("--partition and --as-of go with --record")
        _run(workspace, names or [], as_json=as_json)
        return
    if len(names or ()) != 1:
        raise typer.BadParameter("--record needs the name of one dataset")
    _record(workspace, (names or [])[0], record, as_of, partition, rows, as_json=as_json)


def _run(workspace: "Workspace", names: list[str], *, as_json: bool) -> None:
    from dataset_assets.adapters.duckdb.memory import memory_engine
    from dataset_assets.catalog.definition_tests import tests_of
    from dataset_assets.definition_tests.run import run_tests
    from dataset_assets.interfaces.answers.definition_tests import TestsAnswer
    from dataset_assets.interfaces.answers.faults import FaultAnswer
    from dataset_assets.interfaces.cli.console import print_json, say
    from dataset_assets.interfaces.cli.definition_tests import print_results

    loaded = tests_of(workspace.catalog, names)
    results = list(run_tests(workspace.catalog, loaded.tests, memory_engine()))
    failed = sum(not each.passed for each in results)
    if as_json:
        print_json(
            TestsAnswer(
                passed=len(results) - failed,
                failed=failed,
                tests=tuple(results),
                faults=tuple(map(FaultAnswer.of, loaded.faults)),
            )
        )
    else:
        print_results(results)
        say(*loaded.faults)
        total = sum(each.milliseconds for each in results)
        say(f"{len(results) - failed:,} passed, {failed:,} failed, in {total:.0f} ms")
    raise typer.Exit(bool(failed or loaded.faults))


def _record(
    workspace: "Workspace",
    name: str,
    test: str,
    as_of: str | None,
    partition: str | None,
    rows: int,
    *,
    as_json: bool,
) -> None:
    from dataset_assets.adapters.duckdb.memory import memory_engine
    from dataset_assets.definition_tests.record import record_test
    from dataset_assets.interfaces.cli.console import print_json
    from dataset_assets.interfaces.cli.definition_tests import print_recorded, recorded_answer
    from dataset_assets.interfaces.cli.dry_runs import dry_run

    catalog = workspace.catalog
    entry = catalog.entry(name)
    with dry_run(catalog, entry, as_of, partition) as (at, reports):
        found = record_test(catalog, workspace.target, entry, at, test, rows, memory_engine(), reports)
    if as_json:
        print_json(recorded_answer(found))
    else:
        print_recorded(found)
