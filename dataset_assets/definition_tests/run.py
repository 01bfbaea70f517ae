"""Run definition tests on an in-memory engine: no source, no warehouse and no credentials are needed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.definition_test_rules import UsableTest
from dataset_assets.definition_tests.comparison import row_differences
from dataset_assets.definition_tests.report import RowDifference, TestResult
from dataset_assets.definition_tests.selected import SelectedRows, failed_checks, select_given
from dataset_assets.discovery.preview import PreviewColumn
from dataset_assets.errors import DatasetAssetsError, near
from dataset_assets.ports.engine import Engine, Session


@dataclass(frozen=True)
class _Outcome:
    """The problems and the differences that make a test fail; both are empty if it passes."""

    problems: tuple[str, ...] = ()
    differences: tuple[RowDifference, ...] = ()


def run_tests(catalog: Catalog, tests: Sequence[UsableTest], engine: Engine) -> Iterator[TestResult]:
    """Yield the result of each test; all of them run in one session of the engine."""
    with engine.connect() as session:
        for test in tests:
            yield run_test(catalog, test, session)


def run_test(catalog: Catalog, test: UsableTest, session: Session) -> TestResult:
    """Return the result of one test. An error of the selection is a problem of the test."""
    started = perf_counter()
    try:
        found = _compared(test, select_given(test, catalog.scope(test.entry), session))
    except DatasetAssetsError as error:
        found = _Outcome(problems=tuple(map(str, error.faults)))
    columns = (PreviewColumn(name=c.name, type=c.type, sensitive=c.sensitive) for c in test.columns)
    return TestResult(
        dataset=test.entry.stem,
        name=test.path.stem,
        file=near(test.path),
        description=test.definition.description,
        passed=not (found.problems or found.differences),
        columns=tuple(columns),
        milliseconds=round(1000 * (perf_counter() - started), 1),
        problems=found.problems,
        differences=found.differences,
    )


def _compared(test: UsableTest, selected: SelectedRows) -> _Outcome:
    """Return the problems and the differences of a test whose rows were selected."""
    wanted = test.expected_failure
    failed = failed_checks(selected, [wanted] if wanted else [])
    if wanted:
        return _Outcome(() if wanted in failed else (f"the check {wanted} passes, expected to fail",))
    key = selected.inputs.dataset.natural_key_columns
    return _Outcome(
        tuple(f"the check {name} fails: {each.message}" for name, each in failed.items()),
        row_differences(test.columns, key, test.expected or (), selected.rows),
    )
