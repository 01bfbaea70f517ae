"""Rows that people work on, against a model in plain Python: random steps, row by row, all system columns.

`DATASET_ASSETS_CASES` is the number of sequences on each engine (`make prove`: 1,000 and 200).
"""

import json
import os
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from dataset_assets.checks.results import AuditError
from dataset_assets.contract.row_operations import DeleteRows, LabelRows, RowOperation
from dataset_assets.lifecycle.change_rows import change_rows, rollback
from dataset_assets.lifecycle.row_change_report import ChangeRequest
from dataset_assets.lifecycle.row_changes import ApplyOperation
from tests.engines.store_fixtures import STORES, Store
from tests.publishing.output_model import ModelOutput, ModelStep
from tests.publishing.row_model import ModelPeriod, ModelRow, Values
from tests.publishing.shop import USERS, Shop

PROVE = bool(os.environ.get("DATASET_ASSETS_PROVE"))
SEQUENCES = {
    name: int(os.environ.get("DATASET_ASSETS_CASES", proof if PROVE else share))
    for name, share, proof in (("duckdb", 10, 1000), ("bigquery", 2, 200))
}
STEPS = 8
DATASET_ID = "01a2001c-5bae-7b91-b4bb-a18b13ce1100"
DATASET = """
dataset:
  id: {id}
  name: Sales
  owner: ada
  allow_empty: true
  {key}
  main_table:
    name: sales
    columns:
      - {{name: k, type: integer, nullable: false}}
      - {{name: v, type: integer}}
      - {{name: label, type: string}}
      - {{name: sold, type: timestamp, nullable: false}}
  {partitions}
"""
BY_MONTH = """column_mapping: {user_id: k, product_id: k, timestamp: sold}
  extra_columns: [k, v, label]
  filters: {date_range: {type: rolling, months: 1}}
  partitions: {period: month, start: 2024-01}"""
PROJECT_ID = "01a2001c-5bb6-78a2-b67e-09700bdd3521"
PROJECT = """
project:
  id: {id}
  name: Campaign
  owner: ada
  datasets: [sales]
  operations:{steps}
"""
NAMES = (None, "x", "it's", "ü", "")
Condition = tuple[str, Callable[[ModelRow], bool]]
CONDITIONS: tuple[Condition, ...] = (
    ("k >= 0", lambda row: row.values[0] >= 0),
    ("k = 3", lambda row: row.values[0] == 3),
    ("v > 1", lambda row: row.values[1] is not None and row.values[1] > 1),
    ("NOT v > 1", lambda row: row.values[1] is not None and row.values[1] <= 1),
    ("v IS NULL OR label = 'it''s'", lambda row: row.values[1] is None or row.values[2] == "it's"),
    ("label IN ('x', 'ü')", lambda row: row.values[2] in ("x", "ü")),
    ("label('a') = '1'", lambda row: row.label("a") == "1"),
    ("label('b') IS NULL", lambda row: row.label("b") is None),
)


@dataclass
class Life:
    """A dataset, its source, and the model of what its table holds. Each step is a second later."""

    shop: Shop
    keyed: bool
    periods: tuple[str | None, ...]
    random: random.Random
    model: dict[str | None, ModelPeriod] = field(default_factory=dict)
    source: list[Values] = field(default_factory=list)
    ids: dict[int, str] = field(default_factory=dict)
    tokens: Any = field(default_factory=count)
    output: ModelOutput = field(default_factory=ModelOutput)

    def __post_init__(self) -> None:
        key = "natural_key_columns: [k]" if self.keyed else ""
        partitions = BY_MONTH if self.periods != (None,) else ""
        self.shop.declare(DATASET.format(id=DATASET_ID, key=key, partitions=partitions))
        self.edit_project()
        self.model = {each: ModelPeriod((0,) if self.keyed else ()) for each in self.periods}

    def edit(self) -> None:
        """Change some rows of the source, drop some, and add some; those that went may return."""
        pick = self.random
        rows = [row if pick.random() < 0.7 else self.row(row[0]) for row in self.source]
        rows = [row for row in rows if pick.random() < 0.85]
        known = {row[0] for row in rows}
        rows += [self.row(k) for k in range(7) if k not in known and pick.random() < 0.5]
        if not self.keyed and rows:
            rows += [pick.choice(rows) for _ in range(pick.randint(0, 2))]
        self.source = rows
        listed = ", ".join(_sql(row) for row in rows or [self.row(0)])
        names = "k, v, label, CAST(sold AS TIMESTAMP) AS sold"
        limit = "" if rows else " LIMIT 0"
        self.shop.write("sales", f"SELECT {names} FROM (VALUES {listed}) AS t(k, v, label, sold){limit}")

    def row(self, k: int) -> Values:
        pick = self.random
        month = pick.choice((1, 2)) if self.periods != (None,) else 1
        return (k, pick.choice((None, 0, 1, 2, 3)), pick.choice(NAMES), datetime(2024, month, 15, tzinfo=UTC))

    def refresh(self, period: str | None) -> str:
        self.edit()
        done = self.shop.publish(period)
        run = done.record["run_id"]
        state = self.model[period]
        month = period and int(period[-2:])
        source = [row for row in self.source if month is None or row[3].month == month]
        differs = state.refresh(source, self.shop.now, run, self.tokens.__next__)
        if differs or not state.history:
            state.history[done.table_version] = state.rows
        return f"refresh {period}: {len(source)} rows"

    def operate(self, period: str | None, operation: RowOperation, condition: Condition, change) -> str:
        report = self._change(
            lambda asked: change_rows(self.shop.target, self.shop.catalog, asked, ApplyOperation(operation)),
            period,
        )
        touched = self.model[period].operate(condition[1], change, self.shop.now)
        self._published(period, report, touched)
        return f"{operation.kind} {period}: {condition[0]} {operation.settings()}"

    def label(self, period: str | None) -> str:
        condition, key = self.random.choice(CONDITIONS), self.random.choice("ab")
        if self.random.random() < 0.3:
            remove = LabelRows(where=condition[0], remove=(key,))
            return self.operate(period, remove, condition, lambda row: row.labelled({}, {key}))
        set_ = {key: self.random.choice(("1", "it's", ""))}
        return self.operate(
            period, LabelRows(where=condition[0], set=set_), condition, lambda row: row.labelled(set_, ())
        )

    def delete(self, period: str | None) -> str:
        condition = self.random.choice(CONDITIONS[1:])
        return self.operate(
            period, DeleteRows(where=condition[0]), condition, lambda row: replace(row, deleted=True)
        )

    def rollback(self, period: str | None) -> str:
        state = self.model[period]
        version = self.random.choice(list(state.history))
        earlier = state.history[version]
        report = self._change(
            lambda asked: rollback(self.shop.target, self.shop.catalog, asked, version), period
        )
        touched = state.rollback(earlier, self.shop.now)
        self._published(period, report, touched)
        return f"rollback {period} to {version}"

    def edit_project(self) -> None:
        """Give the Project other operations."""
        pick = self.random
        found = [self._project_step() for _ in range(pick.randint(0, 3))]
        include_deleted = pick.random() < 0.4
        output = f"{{type: output, name: o, allow_empty: true, include_deleted: {include_deleted}}}".lower()
        steps = "".join(f"\n    - {each}" for each in (*(text for text, _ in found), output))
        self.shop.declare_project(PROJECT.format(id=PROJECT_ID, steps=steps))
        self.output.steps, self.output.include_deleted = tuple(step for _, step in found), include_deleted

    def _project_step(self) -> tuple[str, ModelStep]:
        pick = self.random
        where, touches = pick.choice(CONDITIONS)
        kinds = ["label", "unlabel", "delete"] + ["reperiod"] * 2 * (self.periods != (None,))
        kind, key = pick.choice(kinds), pick.choice("ab")
        if kind == "label":
            step = ModelStep(touches, lambda row: row.labelled({key: "it's"}, ()))
            return f"{{type: label, where: {json.dumps(where)}, set: {{{key}: it's}}}}", step
        if kind == "unlabel":
            step = ModelStep(touches, lambda row: row.labelled({}, {key}))
            return f"{{type: label, where: {json.dumps(where)}, remove: [{key}]}}", step
        if kind == "delete":
            step = ModelStep(touches, lambda row: replace(row, deleted=True))
            return f"{{type: delete, where: {json.dumps(where)}}}", step
        to = pick.choice(self.periods)
        return f"{{type: reperiod, where: {json.dumps(where)}, to: {to}}}", ModelStep(touches, to=to)

    def run_project(self, period: str | None) -> str:
        """Publish the output, and compare its table with the model, row by row."""
        if self.random.random() < 0.5:
            self.edit_project()
        rows = self.output.due_rows(period, {each: state.rows for each, state in self.model.items()})
        keys = [row.values[0] for row in rows]
        run_id, told = str(uuid.uuid4()), f"project {period}: {len(self.output.steps)} operations"
        if self.keyed and len(set(keys)) < len(keys):
            with pytest.raises(AuditError, match="natural key"):
                self.shop.publish_output("campaign__o", period, run_id=run_id)
            return f"{told}, refused"
        done = self.shop.publish_output("campaign__o", period, run_id=run_id)
        differs = self.output.publish(period, rows, self.shop.now, run_id)
        assert (done.record["run_id"] == run_id) == differs
        self._compare_output(period, done.record)
        return told

    def _compare_output(self, period: str | None, record: Any) -> None:
        stored = {row["_row_id"]: row for row in self.shop.rows(period, stem="campaign__o")}
        expected = self.output.periods[period]
        assert stored.keys() == {self.ids[token] for token in expected}
        for token, each in expected.items():
            row = replace(
                each.row, created_at=each.created_at, created_by=each.created_by, updated_at=each.updated_at
            )
            self._compare_row(stored[self.ids[token]], row, period, PROJECT_ID)
        visible = [each for each in expected.values() if not each.row.deleted]
        assert record["counts"]["rows"] == record["statistics"]["row_count"] == len(visible)
        assert record.get("deleted_rows", 0) == len(expected) - len(visible)

    def _change(self, call: Callable[[ChangeRequest], Any], period: str | None) -> Any:
        self.shop.now += timedelta(seconds=1)
        return call(ChangeRequest("sales", str(uuid.uuid4()), self.shop.now, "ada", period))

    def _published(self, period: str | None, report: Any, touched: int) -> None:
        [changed] = report.periods
        assert changed.touched == touched
        assert (changed.table_version is not None) == bool(touched)
        if changed.table_version is not None:
            self.model[period].history[changed.table_version] = self.model[period].rows

    def compare(self, period: str | None) -> None:
        """Compare the table with the model, row by row, and the record with the rows that are visible."""
        record, rows = self.shop.publication("sales", period)
        state = self.model[period]
        assert len(rows) == len(state.rows)
        expected = {self._known_id(each, rows): each for each in state.rows}
        for row in rows:
            self._compare_row(row, expected[row["_row_id"]], period)
        visible = [row for row in state.rows if not row.deleted]
        assert record["counts"]["rows"] == record["statistics"]["row_count"] == len(visible)
        assert record.get("deleted_rows", 0) == len(state.rows) - len(visible)
        values = record["statistics"]["columns"]["v"]
        assert values["null_count"] == sum(row.values[1] is None for row in visible)

    def _known_id(self, row: ModelRow, stored: list[Any]) -> str:
        """Return the id of a row, which is fixed when the row is first seen."""
        if row.token not in self.ids:
            taken = set(self.ids.values())
            free = [
                each["_row_id"]
                for each in stored
                if each["_row_id"] not in taken
                and _content(each) == row.values
                and each["_created_at"] == row.created_at
            ]
            self.ids[row.token] = free[0]
        return self.ids[row.token]

    def _compare_row(
        self, stored: Any, row: ModelRow, period: str | None, project: str | None = None
    ) -> None:
        assert _content(stored) == row.values
        system = {name: value for name, value in stored.items() if name.startswith("_")}
        assert system == {
            "_row_id": self.ids[row.token],
            "_source_dataset_id": DATASET_ID,
            "_source_table": "sales",
            "_created_by_project_id": project,
            "_created_by_run_id": row.created_by,
            "_created_at": row.created_at,
            "_updated_at": row.updated_at,
            "_period": period,
            "_deleted": row.deleted,
            "_labels": [{"key": key, "value": value} for key, value in row.labels],
        }


def _sql(row: Values) -> str:
    k, v, name, sold = row
    quoted = "NULL::VARCHAR" if name is None else "'" + name.replace("'", "''") + "'"
    return f"({k}::BIGINT, {'NULL::BIGINT' if v is None else f'{v}::BIGINT'}, {quoted}, '{sold:%Y-%m-%d}')"


def _content(row: Any) -> Values:
    sold = row["sold"] if "sold" in row else row["timestamp"]
    return (row["k"], row["v"], row["label"], sold.replace(tzinfo=UTC))


def new_shop(store: Store) -> Shop:
    root = store.root
    (root / "definitions" / "datasets").mkdir(parents=True, exist_ok=True)
    (root / "definitions" / "users.yaml").write_text(USERS)
    shop = Shop(root, store)
    shop.use_target()
    return shop


@pytest.fixture(params=["duckdb", "bigquery"])
def engine(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("keyed", [True, False], ids=["keyed", "keyless"])
@pytest.mark.parametrize("periods", [(None,), ("2024-01", "2024-02")], ids=["whole", "by month"])
def test_each_step_does_what_the_model_does(request, tmp_path_factory, engine, keyed, periods):
    for number in range(max(1, SEQUENCES[engine] // 4)):
        with STORES[engine](request, tmp_path_factory.mktemp("life")) as store:
            run_sequence(Life(new_shop(store), keyed, periods, random.Random(number)))


def run_sequence(life: Life) -> None:
    told = [life.refresh(each) for each in life.periods]
    for period in life.periods:
        life.compare(period)
    steps = (life.refresh, life.label, life.label, life.delete, life.rollback, *[life.run_project] * 3)
    try:
        for _ in range(STEPS):
            step, period = life.random.choice(steps), life.random.choice(life.periods)
            told.append(step(period))
            life.compare(period)
        for period in life.periods:
            life.compare(period)
    except BaseException as error:
        error.add_note("\n".join(told))
        raise
