"""Answers of `test`: the results of definition tests, and of the recording of one."""

from dataset_assets.definition_tests.report import TestResult
from dataset_assets.interfaces.answers.faults import FaultAnswer
from dataset_assets.model import Model


class TestsAnswer(Model):
    """The results of all tests that ran, and the faults of test files that could not run."""

    __test__ = False

    passed: int
    failed: int
    tests: tuple[TestResult, ...]
    faults: tuple[FaultAnswer, ...]


class RecordedAnswer(Model):
    """The file of a recorded test, its numbers of rows, and the changes of settings that it does not notice.

    `changes` is the number of changes that were tried.
    """

    file: str
    given: dict[str, int]
    expected: int
    changes: int
    unnoticed: tuple[str, ...]
