"""The models of the results of definition tests, as plain JSON values."""

from collections.abc import Mapping
from typing import Any

from dataset_assets.discovery.preview import PreviewColumn
from dataset_assets.model import Model


class RowDifference(Model):
    """An expected row without its equal, a found one without its equal, or both if they are most alike.

    `differing` are the columns whose values differ; empty if one of the rows is missing.
    """

    expected: Mapping[str, Any] | None
    found: Mapping[str, Any] | None
    differing: tuple[str, ...] = ()


class TestResult(Model):
    """The result of one test. `problems` are sentences; `differences` are rows of `columns`.

    A row maps each column to its value: a decimal, date or instant as text, None for NULL. The values of
    sensitive columns are masked (BR-206).
    """

    __test__ = False

    dataset: str
    name: str
    file: str
    description: str
    passed: bool
    problems: tuple[str, ...] = ()
    columns: tuple[PreviewColumn, ...] = ()
    differences: tuple[RowDifference, ...] = ()
    milliseconds: float
