"""Erasure on every engine: what is erased is in no publication, does not come back, and is in no record.

`DATASET_ASSETS_KILLS=100` kills more often.
"""

import json
import os
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlglot import exp

from dataset_assets.contract.row_operations import DeleteRows, LabelRows
from dataset_assets.errors import NotStoredError, PublishError, ResolveError, SupersededError, WhereError
from dataset_assets.lifecycle.erase import erase
from dataset_assets.lifecycle.erasure_report import Certificate, EraseRequest
from dataset_assets.lifecycle.rename import rename_dataset
from dataset_assets.ports.uses import PinRequest
from tests.engines.forked_process import Fork
from tests.publishing.byte_search import files_with
from tests.publishing.shop import ITEMS, KEYED, Shop
from tests.publishing.test_outputs import OUT, PROJECT
from tests.publishing.test_row_changes import NESTED, change, record, roll_back

KILLS = int(os.environ.get("DATASET_ASSETS_KILLS", "2"))
NAME = "Zoë Quistgård"
PERSON = f"user_id = '{NAME}'"
RENAMED = f"SELECT * REPLACE (CASE buyer WHEN 'b7' THEN '{NAME}' ELSE buyer END AS buyer) FROM {{sales}}"


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """The shop, one of whose buyers has a name that nothing else has."""
    shop.rewrite_sales(RENAMED)
    return shop


def forget(shop: Shop, where: str = PERSON, *stems: str, dry_run: bool = False) -> Certificate:
    """Erase a second later."""
    shop.now += timedelta(seconds=1)
    request = EraseRequest(where, str(uuid.uuid4()), shop.now, stems, "ada", dry_run)
    return erase(shop.target, shop.catalog, request)


def pin(shop: Shop, version: int, period: str | None = "2024-02", stem: str = "sales") -> None:
    target = shop.target
    with target.engine.connect() as session:
        target.warehouse.pin(stem, [period], version, PinRequest("model", shop.now, "ada"), session)


def users(rows: list[Any]) -> set[str]:
    return {row["user_id"] for row in rows}


def in_warehouse(shop: Shop, *texts: str) -> list[str]:
    return files_with(shop.root / "warehouse", *texts)


def test_erased_rows_are_gone_and_a_refresh_does_not_bring_them_back(shop: Shop) -> None:
    first = shop.publish()
    change(shop, LabelRows(where=PERSON, set={"note": f"called {NAME}"}))
    change(shop, DeleteRows(where=f"{PERSON} AND line < 1000"))
    before = shop.rows()
    mine = [row for row in before if row["user_id"] == NAME]
    planned = forget(shop, dry_run=True)
    assert planned.rows == len(mine)
    assert planned.datasets[0].publications
    assert shop.rows() == before, "a dry run changes nothing"
    done = forget(shop)
    assert done.rows == len(mine) > 0
    assert shop.rows() == [row for row in before if row["user_id"] != NAME], "no other row is touched"
    told = record(shop)
    assert told["counts"]["rows"] == len(before) - len(mine)
    assert "deleted_rows" not in told
    assert told["operation"] == {"kind": "erase", "by": "ada", "rows": len(mine), "erasure": done.id}
    assert NAME not in json.dumps([told, done.model_dump(mode="json")], ensure_ascii=False)
    again = shop.publish()
    assert again.digest == told["digest"]
    assert NAME not in users(shop.rows())
    shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales}")
    later = shop.publish()
    assert NAME not in users(shop.rows())
    assert later.record["erased_rows"] == len(mine)
    assert later.counts.rows == first.counts.rows - len(mine)
    assert NAME not in later.sql
    assert forget(shop).rows == 0, "there is nothing to erase again"


def test_earlier_publications_are_removed_and_pinned_ones_rewritten(shop: Shop) -> None:
    shop.publish()
    pin(shop, 0)
    kept = [row for row in shop.rows() if row["user_id"] != NAME]
    shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales}")
    shop.publish()
    shop.rewrite_sales("SELECT * REPLACE (price + 2 AS price) FROM {sales}")
    shop.publish()
    done = forget(shop)
    assert shop.rows(version=0) == kept
    outcomes = {each.outcome for each in done.datasets[0].publications}
    assert "replaced" in outcomes
    assert "rewritten" in outcomes
    if (shop.root / "warehouse").exists():
        assert not in_warehouse(shop, NAME)
    for version in (1, 2):
        for refused in (lambda v: shop.rows(version=v), lambda v: pin(shop, v), lambda v: roll_back(shop, v)):
            with pytest.raises(ResolveError, match=rf"had erased rows .*{done.id}"):
                refused(version)
    roll_back(shop, 0)
    assert NAME not in users(shop.rows())


@pytest.mark.parametrize("store", ["bigquery"], indirect=True)
def test_an_earlier_publication_without_erased_rows_stays(shop: Shop) -> None:
    for period in ("2024-01", "2024-02"):
        shop.publish(period)
    before = [shop.rows(period, version=1) for period in ("2024-01", "2024-02")]
    shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales}")
    for period in ("2024-01", "2024-02"):
        shop.publish(period)
    february = min({row["line"] for row in before[1]} - {row["line"] for row in before[0]})
    done = forget(shop, f"line = {february}")
    assert shop.rows("2024-01", version=1) == before[0]
    with pytest.raises(ResolveError, match=rf"had erased rows .*{done.id}"):
        shop.rows("2024-02", version=1)
    forget(shop, "user_id = 'nobody'")
    pin(shop, 1, "2024-01")
    assert shop.rows("2024-01", version=1) == before[0]
    pinned = [text for name, text in stored_values(shop).items() if name.startswith("_pinned_")]
    assert ["'_period': '2024-02'" in text for text in pinned] == [False], "only January is copied"


def test_a_renamed_dataset_keeps_the_rows_out(shop: Shop) -> None:
    """Also of one that got its earlier name back; its id is in its lock alone."""
    shop.declare(KEYED.replace("id: 01a2001c-5bae-7b91-b4bb-a18b13ce1100", "", 1))
    shop.publish()
    gone = forget(shop).rows
    rename_dataset(shop.catalog, "sales", "orders")
    shop.publish(stem="orders")
    assert NAME not in users(shop.rows(stem="orders"))
    assert record(shop, "orders")["erased_rows"] == gone > 0
    forget(shop, "user_id = 'b3'", "orders")
    rename_dataset(shop.catalog, "orders", "sales")
    shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales}")
    shop.publish()
    assert not users(shop.rows()) & {NAME, "b3"}


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_values_that_a_condition_names_are_kept_out_although_no_row_has_them(shop: Shop) -> None:
    shop.publish()
    assert forget(shop, "user_id IN ('new one', 'b999')").rows == 0
    shop.rewrite_sales(
        "SELECT * REPLACE (CASE buyer WHEN 'b3' THEN 'b999' ELSE buyer END AS buyer) FROM {sales}"
    )
    later = shop.publish()
    assert later.record["erased_rows"] > 0
    assert not users(shop.rows()) & {"b3", "b999"}


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_several_columns_are_erased_as_one_value(shop: Shop) -> None:
    shop.publish()
    before = shop.rows()
    forget(shop, f"{PERSON} AND line < 900")
    shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales}")
    shop.publish()
    gone = {row["line"] for row in before} - {row["line"] for row in shop.rows()}
    assert gone == {row["line"] for row in before if row["user_id"] == NAME and row["line"] < 900} != set()


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_a_column_that_is_published_under_another_name_still_keeps_rows_out(shop: Shop) -> None:
    shop.publish()
    forget(shop)
    by_kind = KEYED.replace("user_id: buyer", "user_id: items.kind")
    shop.declare(
        by_kind.replace(
            "natural_key_columns: [line]", "natural_key_columns: [line]\n  extra_columns: [buyer]"
        )
    )
    shop.publish()
    buyers = {row["buyer"] for row in shop.rows()}
    assert NAME not in buyers != set()
    shop.declare(by_kind)
    shop.publish()
    assert record(shop)["erased_rows"] > 0, "the source has the column, although it is not published"
    shop.declare(by_kind.replace("- {name: buyer, type: string, nullable: false}", ""))
    with pytest.raises(PublishError, match=r"erased by the column buyer \(string\)"):
        shop.publish()


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_what_cannot_be_erased_is_refused_and_nothing_is_changed(shop: Shop) -> None:
    with pytest.raises(NotStoredError, match="not published"):
        forget(shop, PERSON, "sales")
    with pytest.raises(WhereError, match="nothing is published"):
        forget(shop)
    shop.publish()
    for where, problem in (
        ("nobody = 1", "there is no column 'nobody'"),
        ("split = 1", "rows are not erased by split"),
        ("label('a') = 'b'", "rows are not erased by _labels"),
        ("_row_id = 'a'", "rows are not erased by _row_id"),
    ):
        with pytest.raises(WhereError, match=problem):
            forget(shop, where)
    with pytest.raises(WhereError, match="not comparable"):
        forget(shop, "line = 'a'", "sales")
    assert not record(shop).get("operation")


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_all_rows_of_a_publication_can_be_erased(shop: Shop) -> None:
    shop.publish()
    done = forget(shop, "line >= 0")
    assert shop.rows() == []
    assert record(shop)["counts"]["rows"] == 0
    assert done.rows > 0


def test_values_that_a_dataset_copied_of_erased_rows_are_emptied(shop: Shop) -> None:
    shop.declare(ITEMS, "items")
    shop.declare(NESTED)
    shop.write(
        "items",
        "SELECT i AS item, CASE i WHEN 4 THEN 'Zoë''s own' ELSE 'kind' END AS kind FROM range(11) AS t(i)",
    )
    shop.publish(None, stem="items")
    shop.publish()
    pin(shop, 0)
    shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales}")
    shop.publish()
    before = shop.rows()
    mine = [row["line"] for row in before if row["category"] == "Zoë's own"]
    done = forget(shop, "item = 4", "items")
    by_name = {each.dataset: each for each in done.datasets}
    assert by_name["items"].rows == 1
    assert by_name["sales"].rows == len(mine) > 0
    assert by_name["sales"].nests == "items"
    after = shop.rows()
    assert [row["line"] for row in after if row["category"] is None] == mine
    assert [row["category"] for row in shop.rows(version=0) if row["line"] in mine] == [None] * len(mine)
    assert {row["line"] for row in after if row["_updated_at"] == shop.now} == set(mine)
    if (shop.root / "warehouse").exists():
        assert not in_warehouse(shop, "Zoë's own")
    assert shop.publish(None, stem="items").counts.rows == 10
    refreshed = shop.publish()
    assert refreshed.digest == record(shop)["digest"]
    assert shop.rows() == after, "a refresh gives the same rows"


def _erasing(tell: Callable[[str], None], shop: Shop) -> None:
    """Erase in a process of its own."""
    shop.now = datetime.now(UTC)
    try:
        tell(str(forget(shop).rows))
    except (SupersededError, PublishError) as error:
        tell(type(error).__name__)


def _publishing(tell: Callable[[str], None], shop: Shop) -> None:
    try:
        shop.publish(now=datetime.now(UTC))
    except SupersededError:
        tell("SupersededError")
    else:
        tell("published")


def _unfinished(shop: Shop) -> list[str]:
    target = shop.target
    with target.engine.connect() as session:
        return [each.id for each in target.warehouse.erasures("sales", session) if not each.finished_at]


def _erasing_person(tell: Callable[[str], None], shop: Shop, person: str) -> None:
    """Say when it begins, and erase."""
    shop.now = datetime.now(UTC)
    tell("begins")
    try:
        tell(str(forget(shop, f"user_id = '{person}'").rows))
    except (SupersededError, PublishError) as error:
        tell(type(error).__name__)


PEOPLE = KILLS + 10


def _publish_people(shop: Shop) -> None:
    """Publish rows of people, and pin them."""
    who = f"'Person ' || line % {PEOPLE} || '-Quist' AS buyer"
    shop.rewrite_sales(f"SELECT * REPLACE ({who}) FROM {{sales}}")
    shop.publish()
    pin(shop, 0)


def test_kill_9_at_any_moment_and_the_same_command_again_finishes(shop: Shop) -> None:
    """Each person is in three publications when it is erased: the current, an earlier and a pinned one."""
    moments, states, seconds = random.Random(7), Counter[str](), 0.0
    _publish_people(shop)
    for attempt in range(KILLS + 1):
        person = f"Person {attempt}-Quist"
        for _ in range(2 if not attempt else 1):
            shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales}")
            shop.publish()
        assert person in users(shop.rows())
        process, began = Fork.begun(_erasing_person, shop, person), time.perf_counter()
        assert process.told() == "begins"
        if not attempt:
            assert len(process.result()) == 1
            seconds = time.perf_counter() - began
            continue
        time.sleep(moments.random() * seconds)
        process.kill()
        states["begun" if _unfinished(shop) else "before or after"] += 1
        done = forget(shop, f"user_id = '{person}'", "sales")
        assert done.finished_at
        assert person not in users(shop.rows())
        assert not _unfinished(shop)
        if (shop.root / "warehouse").exists():
            assert not in_warehouse(shop, person)
    assert sum(states.values()) == KILLS
    assert states["begun"] >= KILLS // 4, states


def test_beside_a_running_publication_both_succeed_or_one_says_why_not(shop: Shop) -> None:
    shop.publish()
    shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales}")
    crowd = [Fork.begun(_publishing, shop), Fork.begun(_erasing, shop), Fork.begun(_publishing, shop)]
    told = {word for process in crowd for word in process.result()}
    assert told
    if _unfinished(shop) or "SupersededError" in told:
        forget(shop)
    assert NAME not in users(shop.rows())
    shop.publish()
    assert NAME not in users(shop.rows())
    if (shop.root / "warehouse").exists():
        assert not in_warehouse(shop, NAME)


@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_two_erasures_at_once_lose_nothing(shop: Shop) -> None:
    shop.publish()
    crowd = [Fork.begun(_erasing, shop), Fork.begun(_erasing_person, shop, "b3")]
    told = [process.result() for process in crowd]
    forget(shop)
    forget(shop, "user_id = 'b3'")
    assert not users(shop.rows()) & {NAME, "b3"}, told
    assert not _unfinished(shop)


@pytest.mark.parametrize("joins", ["flattened", "runtime"])
@pytest.mark.parametrize("store", ["duckdb"], indirect=True)
def test_the_outputs_of_projects_lose_the_rows_as_well(shop: Shop, joins: str) -> None:
    shop.publish()
    steps = (
        f"{{type: label, where: \"user_id = '{NAME}'\", set: {{who: them}}}}",
        f"{{type: output, name: o, joins: {joins}}}",
    )
    shop.declare_project(PROJECT + "".join(f"    - {each}\n" for each in steps))
    shop.publish_output(OUT)
    pin(shop, 0, stem=OUT)
    shop.rewrite_sales("SELECT * REPLACE (price + 1 AS price) FROM {sales}")
    shop.publish()
    shop.publish_output(OUT)
    before = rows_of(shop, OUT)
    done = forget(shop, PERSON, "sales")
    by_name = {each.dataset: each for each in done.datasets}
    assert by_name[OUT].output_of == "sales"
    assert by_name[OUT].rows == by_name["sales"].rows > 0
    assert rows_of(shop, OUT) == [row for row in before if row["user_id"] != NAME]
    assert NAME not in users(rows_of(shop, OUT, 0))
    if (shop.root / "warehouse").exists():
        assert not in_warehouse(shop, NAME)
    shop.declare_project(PROJECT + f"    - {steps[1]}\n")
    assert shop.publish_output(OUT).counts.rows == record(shop)["counts"]["rows"]


def rows_of(shop: Shop, stem: str, version: int | None = None) -> list[Any]:
    target = shop.target
    with target.engine.connect() as session:
        found = target.warehouse.current(stem, "2024-02", session, version)
        assert found
        rows = session.rows(exp.select("*").from_(found.relation.source.copy()))
    return sorted(rows, key=lambda row: row["_row_id"])


@pytest.mark.parametrize("store", ["bigquery"], indirect=True)
def test_no_table_of_bigquery_has_a_value(shop: Shop) -> None:
    """Two Periods, of which one is pinned: a snapshot has the rows of both."""
    for period in ("2024-01", "2024-02"):
        shop.publish(period)
    pin(shop, 1)
    change(shop, LabelRows(where=PERSON, set={"note": f"called {NAME}"}))
    kept = [row for row in shop.rows(version=1) if row["user_id"] != NAME]
    before = stored_values(shop)
    assert {name for name, text in before.items() if NAME in text} >= {"sales", "_publications"}
    done = forget(shop)
    after = stored_values(shop)
    assert not [name for name, text in after.items() if NAME in text]
    assert not [name for name in before if name.startswith("_pinned_") and name in after]
    assert shop.rows(version=1) == kept
    assert done.datasets[0].rows > 0
    assert any("time travel" in each for each in done.beyond_reach)
    shop.publish()
    assert not [name for name, text in stored_values(shop).items() if NAME in text]


def stored_values(shop: Shop) -> dict[str, str]:
    """Return the rows of every table of the warehouse, as text."""
    target = shop.target
    warehouse: Any = target.warehouse
    with target.engine.connect() as session:
        opened: Any = session
        names = opened.tables.names(warehouse.project, warehouse.dataset)
        queries = {name: exp.select("*").from_(warehouse.ledger.table(name)) for name in names}
        return {name: str(session.rows(query)) for name, query in queries.items()}
