"""`test` runs definition tests without a target, and records them from real rows."""

import json

import pytest

from tests.interfaces.conftest import SALES, retailer
from tests.interfaces.running import run, run_ok, run_refused
from tests.interfaces.test_json import documented, example

__all__ = ["retailer"]
pytestmark = pytest.mark.usefixtures("retailer")
TEST = """\
test:
  partition: 2017-03
  given:
    transactions:
      - {household_id: 1, basket_id: 1, product_id: 3, sales_value: 2.50, transaction_timestamp: 2017-03-02}
      - {household_id: 1, basket_id: 2, product_id: 3, sales_value: 2.50, transaction_timestamp: 2017-03-30}
    household: [{household_id: 1, income: made-up, town: Ulm}]
  expect:
    - {basket_id: 1, household__income: made-up, household__town: Ulm, split: 0}
    - {basket_id: 2, household__income: made-up, household__town: Ulm, split: 1}
"""


def write(retailer, text=TEST, name="one"):
    folder = retailer / "definitions" / "tests" / "sales"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(text)


def test_tests_run_without_a_target(retailer, monkeypatch):
    monkeypatch.setenv("DATASET_ASSETS_TARGET", str(retailer / "nothing.yaml"))
    write(retailer)
    assert "passed  sales/one" in run_ok("test").out
    assert "1 passed, 0 failed" in run_ok("test", "sales/one").err
    assert "no test 'two'" in run_refused("test", "sales/two")
    assert "no dataset 'salse'" in run_refused("test", "salse")


def test_a_failing_test_shows_both_rows_and_exits_with_1(retailer):
    write(retailer, TEST.replace("2017-03-30}", "2017-03-20}").replace("income: made-up", "income: x", 1))
    found = run("test")
    assert found.code == 1
    assert "FAILED  sales/one" in found.out
    lines = [line.split() for line in found.out.splitlines() if "Ulm" in line]
    assert [line[0] for line in lines] == ["expected", "found", "expected", "found"]
    assert "made-up" not in found.out
    answer = json.loads(run("test", "--json").out)
    assert set(answer) == documented("test")
    assert set(answer["tests"][0]) == set(example("test")["tests"][0])
    assert (answer["passed"], answer["failed"]) == (0, 1)
    assert {tuple(each["differing"]) for each in answer["tests"][0]["differences"]} == {
        ("household__income",),
        ("household__income", "split"),
    }


def test_a_faulty_file_stops_no_other_and_exits_with_1(retailer):
    write(retailer)
    write(retailer, TEST.replace("basket_id: 1,", "baskets: 1,"), "two")
    found = run("test")
    assert found.code == 1
    assert "passed  sales/one" in found.out
    assert "two.yaml:5:27: test.given.transactions[0].baskets" in found.err


def test_a_recorded_test_passes_hides_sensitive_values_and_is_the_same_again(retailer):
    run_ok("materialize", "profiles")
    arguments = ("test", "sales", "--partition", "2017-03", "--rows", "16", "--json", "--record")
    answer = json.loads(run_ok(*arguments, "first").out)
    assert set(answer) == documented("test --record")
    assert answer["changes"] > 8
    assert not [each for each in answer["unnoticed"] if "months" in each or "eval_days" in each]
    run_ok(*arguments, "second")
    folder = retailer / "definitions" / "tests" / "sales"
    first = (folder / "first.yaml").read_text()
    assert first == (folder / "second.yaml").read_text()
    assert "secret" not in first
    assert "income: made-up 1" in first
    run_ok("test")
    assert "exists already" in run_refused(*arguments, "first")
    path = retailer / "definitions" / "datasets" / "sales.yaml"
    for change in ("eval_days: 11", "eval_days: 9"):
        path.write_text(SALES.replace("eval_days: 10", change))
        assert run("test").code == 1, change


@pytest.mark.parametrize(
    "arguments",
    [("test", "--partition", "2017-03"), ("test", "--record", "x"), ("test", "sales", "--rows", "0")],
)
def test_wrong_command_lines(arguments):
    assert run(*arguments).code == 2
