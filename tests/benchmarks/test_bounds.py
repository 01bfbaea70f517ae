"""The table of bounds: figures are read from results; a missing one is not measured, a greater one missed."""

import pytest

from benchmarks import __main__ as command
from benchmarks.bounds import BOUNDS, HOLDS, HOLDS_AIM, MISSED, NOT_MEASURED, Bound, markdown

BOUND = Bound("a publication", "job_j", "publish", "cpu_s", 2.0, 2.5)
RATIO = Bound("to the bare query", "job_j", "publish", "cpu_s", 2.0, 2.5, "bare")


@pytest.mark.parametrize(
    ("measured", "verdict"), [(2.0, HOLDS_AIM), (2.5, HOLDS), (2.51, MISSED), (None, NOT_MEASURED)]
)
def test_a_figure_is_compared_with_aim_and_limit(measured, verdict):
    results = {"job_j": {"table": {"publish": {"cpu_s": measured}}}}
    assert BOUND.measured(results) == measured
    assert BOUND.verdict(measured) == verdict


def test_work_without_a_limit_only_has_to_finish():
    assert Bound("fifty times", "scale", "50", "cpu_ratio", 55, None).verdict(70) == HOLDS


def test_a_ratio_is_of_one_column_of_two_rows():
    results = {"job_j": {"table": {"publish": {"cpu_s": 3.0}, "bare": {"cpu_s": 2.0}}}}
    assert RATIO.measured(results) == 1.5
    assert RATIO.measured({"job_j": {"table": {"publish": {"cpu_s": 3.0}}}}) is None


def test_without_results_nothing_is_measured():
    text = markdown({})
    assert text.count(NOT_MEASURED) == len(BOUNDS) + 1
    assert f"0 hold, 0 missed, {len(BOUNDS)} not measured." in text


def test_the_command_bounds_measures_nothing(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["benchmarks", "bounds"])
    command.main()
    assert capsys.readouterr().out == f"{markdown(command.results())}\n"
