"""The benchmarks' own pieces: what they compare is the same work, and their baselines' lock is usable."""

import json
from pathlib import Path

from benchmarks.__main__ import BENCHMARKS, HERE
from benchmarks.baselines.sql import HAND_WRITTEN
from benchmarks.measure import Series, in_process, rounds
from benchmarks.workspace import EXPECTED, create_table, workspace

COLUMNS = "user_id, product_id, timestamp, revenue, category, transaction_id, basket_id, split"


def test_the_hand_written_sql_selects_what_the_compiled_does():
    with workspace() as space:
        compiled = space.selection(space.target(), metadata=False)
        with create_table(compiled) as connection:
            hand = HAND_WRITTEN.format(data=space.data)
            connection.execute(f"CREATE TABLE hand AS {hand}")
            counts = connection.execute(
                """SELECT COUNT(*), COUNT(DISTINCT product_id), COUNT(DISTINCT user_id), SUM(split)
                FROM selected"""
            ).fetchall()
            other = connection.execute(
                f"SELECT COUNT(*) FROM (SELECT {COLUMNS} FROM selected EXCEPT ALL SELECT {COLUMNS} FROM hand)"
            ).fetchall()
    assert counts == [tuple(EXPECTED.values())]
    assert other == [(0,)]


def test_rounds_take_turns_and_forget_the_first():
    order = []
    series = rounds({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, 2)
    assert order == ["a", "b"] * 3
    assert [len(each.wall) for each in series.values()] == [2, 2]


def test_a_ratio_is_of_medians():
    base = Series([1.0, 2.0, 9.0], [1.0, 1.0, 1.0])
    assert Series([4.0, 4.0, 4.0], [3.0, 2.0, 2.5]).against(base) == {
        "wall_s": 4.0,
        "cpu_s": 2.5,
        "wall_ratio": 2.0,
        "cpu_ratio": 2.5,
    }


def test_a_report_is_the_last_line_of_a_process(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("print('hello'); print('{\"counts\": 1}')", encoding="utf-8")
    assert in_process("python", str(script))["counts"] == 1


def test_results_are_of_benchmarks_that_exist():
    results = json.loads((HERE / "results.json").read_text(encoding="utf-8"))
    assert set(results) - {"machine"} <= set(BENCHMARKS)


def test_the_lock_is_pinned_by_hash_and_names_no_host():
    text = (Path(HERE) / "requirements.lock").read_text(encoding="utf-8")
    assert "http" not in text
    assert text.count("==") <= text.count("--hash=sha256:")
