"""What is published is read back alike from both engines, whatever was published in which order.

The expectation is kept in plain Python. `DATASET_ASSETS_PROVE=1 pytest tests/agreement` tries more of it.
"""

import json
import os
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.errors import ResolveError
from dataset_assets.interfaces.cli.export import write_rows
from dataset_assets.interfaces.reading import RowSelection, open_rows, read_arrow, read_pandas
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.publishing.materialize import materialize
from tests.agreement.parity import EnginePair, engine_pair
from tests.bigquery.emulator import Emulator

PROVE = bool(os.environ.get("DATASET_ASSETS_PROVE"))
SEEDS = range(20 if PROVE else 1)
PUBLICATIONS, QUESTIONS = (6, 8) if PROVE else (2, 1)
PERIODS = ("2023-11", "2023-12", "2024-01", "2024-02")
EVAL_DAYS = 10
TYPES = {
    "OrderID": (pa.int64(), "integer"),
    "buyerName": (pa.string(), "string"),
    "Item": (pa.int64(), "integer"),
    "soldAt": (pa.timestamp("us", "UTC"), "timestamp"),
    "Amount": (pa.decimal128(38, 9), "decimal"),
    "BarCode": (pa.int64(), "integer"),
    "isGift": (pa.bool_(), "boolean"),
    "DueOn": (pa.date32(), "date"),
    "Note": (pa.string(), "string"),
    "select": (pa.string(), "string"),
}
KINDS = {"Item": (pa.int64(), "integer"), "KindName": (pa.string(), "string")}
CONCEPTS = {"user_id": "buyerName", "product_id": "Item", "timestamp": "soldAt", "revenue": "Amount"}
EXTRA = ("Amount", "BarCode", "isGift", "DueOn", "Note", "select")
COLUMNS = (*CONCEPTS, "OrderID", *EXTRA, "kinds__KindName", "split")
NOTES = (None, "", "NULL", "None", "nan", "Größe 漢字 🛒", "a,\"b\"\n'c'", "x" * 70_000, " ", "\\N")
CODES = (None, 9007199254740993, -(2**63), 2**63 - 1, 0)
AMOUNTS = (None, Decimal("0.000000001"), Decimal("123456789012345.123456789"), Decimal("-0.5"))
DUE = (None, date(1, 1, 1), date(9999, 12, 31), date(1582, 10, 10), date(2024, 2, 29))

Row = dict[str, Any]


def columns(types: dict[str, tuple[pa.DataType, str]], *keys: str) -> list[dict[str, Any]]:
    return [{"name": n, "type": kind, "nullable": n not in keys} for n, (_, kind) in types.items()]


DEFINITION = {
    "id": "01a2001c-5bae-7b91-b4bb-a18b13ce1100",
    "name": "Orders",
    "owner": "ada",
    "allow_empty": True,
    "natural_key_columns": ["OrderID"],
    "main_table": {"name": "Orders", "columns": columns(TYPES, "OrderID", "soldAt")},
    "lookups": [
        {
            "alias": "kinds",
            "target": {"type": "table", "name": "Kinds", "columns": columns(KINDS, "Item")},
            "join_conditions": [{"source_column": "Item", "target_column": "Item"}],
        }
    ],
    "column_mapping": CONCEPTS,
    "extra_columns": [*EXTRA, "kinds.KindName"],
    "split_config": {"strategy": "time_based", "eval_days": EVAL_DAYS},
    "partitions": {"period": "month", "start": PERIODS[0]},
}


def end_of(period: str) -> datetime:
    year, month = map(int, period.split("-"))
    return datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)


STARTS = (datetime(2023, 11, 1, tzinfo=UTC), *map(end_of, PERIODS[:-1]))
"""The first instant of each of PERIODS."""


def sale(random: Random, number: int) -> Row:
    """A row of the source; some of them in the last and first microsecond of a day."""
    first = random.choice(STARTS)
    offset = random.choice((timedelta(), timedelta(days=29, hours=-1, microseconds=-1), timedelta(days=19)))
    return {
        "OrderID": number,
        "buyerName": random.choice(("ada", "Ada", None, "Zoë")),
        "Item": random.choice((1, 2, 3, None)),
        "soldAt": first + offset,
        "Amount": random.choice(AMOUNTS),
        "BarCode": random.choice(CODES),
        "isGift": random.choice((True, False, None)),
        "DueOn": random.choice(DUE),
        "Note": random.choice(NOTES),
        "select": random.choice(("where", None)),
    }


def published(source: list[Row], period: str) -> list[Row]:
    """What a publication of a Period holds, in the order of the keys."""
    kinds = {1: "one", 2: None}
    rows = [each for each in source if f"{each['soldAt']:%Y-%m}" == period]
    eval_from = end_of(period) - timedelta(days=EVAL_DAYS)
    return [
        {concept: row[name] for concept, name in CONCEPTS.items()}
        | {name: row[name] for name in ("OrderID", *EXTRA)}
        | {"kinds__KindName": kinds.get(row["Item"]), "split": int(row["soldAt"] >= eval_from)}
        for row in rows
    ]


@dataclass
class Story:
    """A dataset's publications on both engines. `states`: by engine, what each table version holds."""

    pair: EnginePair
    random: Random
    source: list[Row] = field(default_factory=list)
    now: dict[str, list[Row]] = field(default_factory=dict)
    states: tuple[dict[int, dict[str, list[Row]]], ...] = field(default_factory=lambda: ({}, {}))

    def change_source(self) -> None:
        kept = [row for row in self.source if self.random.random() < 0.8]
        for row in self.random.sample(kept, len(kept) // 4):
            row |= {"Note": self.random.choice(NOTES), "Amount": self.random.choice(AMOUNTS)}
        start = max((row["OrderID"] for row in self.source), default=0) + 1
        # Each Period has a row to train and one to evaluate, else it is not published.
        days = [first + timedelta(days=day) for first in STARTS for day in (0, 28)]
        added = [sale(self.random, start + each) for each in range(self.random.choice((12, 40)))]
        both = [sale(self.random, start + len(added) + at) | {"soldAt": day} for at, day in enumerate(days)]
        self.source = [*kept, *added, *both]
        table = {
            name: pa.array([row[name] for row in self.source], kind) for name, (kind, _) in TYPES.items()
        }
        self.pair.load("Orders", pa.table(table))

    def publish(self, period: str, number: int) -> None:
        at = datetime(2024, 6, 1, tzinfo=UTC) + timedelta(seconds=number)
        catalog = self.pair.catalog
        request = self.pair.request("orders", period, str(uuid.UUID(int=number)), at)
        self.now = {**self.now, period: published(self.source, period)}
        for target, states in zip(self.pair.targets, self.states, strict=True):
            made = materialize(catalog, target, request, lambda _: None)
            states.setdefault(made.table_version, self.now)

    def workspaces(self) -> list[Workspace]:
        settings = Settings(definitions=self.pair.root / "definitions")
        return [
            Workspace(settings, str(self.pair.root / f"{type(store).__name__}.yaml"))
            for store in self.pair.stores
        ]

    def wanted(self) -> list[RowSelection]:
        """The same question to both; their versions are of one state."""
        names = self.random.choice(((), (), self.random.sample(COLUMNS, self.random.randint(1, 6))))
        asked = RowSelection(
            "orders",
            self.random.choice((None, None, *self.now)),
            None,
            self.random.choice((None, None, "train", "eval")),
            tuple(names),
            self.random.choice((None, None, 0, 1, 7, 10**6)),
        )
        if self.random.random() < 0.5:
            return [asked] * 2
        place = self.random.randrange(len(self.states[0]))
        return [replace(asked, version=sorted(states)[place]) for states in self.states]

    def expected(self, wanted: RowSelection, state: dict[str, list[Row]]) -> list[list[Row]]:
        """By Period, all rows of it that the limit is taken from."""
        periods = [wanted.partition] if wanted.partition else sorted(state)
        split = {"train": 0, "eval": 1}.get(wanted.split or "")
        return [
            [row for row in state.get(each, []) if split is None or row["split"] == split] for each in periods
        ]


def begin(pair: EnginePair, seed: int) -> Story:
    (pair.root / "definitions" / "users.yaml").write_text("users: {ada: {email: ada@example.org}}\n")
    pair.declare("orders", DEFINITION)
    pair.load("Kinds", pa.table({"Item": pa.array([1, 2]), "KindName": pa.array(["one", None], pa.string())}))
    return Story(pair, Random(seed))


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_published_is_read(emulator: Emulator, seed: int, tmp_path: Path) -> None:
    with engine_pair(emulator) as pair:
        story = begin(pair, seed)
        periods = story.random.sample(PERIODS, len(PERIODS))
        for number in range(1, PUBLICATIONS + 1):
            story.change_source()
            story.publish(
                periods[number - 1] if number <= len(periods) else story.random.choice(periods), number
            )
        assert [len(states) for states in story.states] == [PUBLICATIONS] * 2
        everything = RowSelection("orders")
        for asked in [[everything] * 2, *(story.wanted() for _ in range(QUESTIONS))]:
            answers = [
                answer(story, workspace, wanted, states, tmp_path)
                for workspace, wanted, states in zip(story.workspaces(), asked, story.states, strict=True)
            ]
            assert answers[0] == answers[1], asked


def answer(
    story: Story,
    workspace: Workspace,
    wanted: RowSelection,
    states: dict[int, dict[str, list[Row]]],
    folder: Path,
) -> list[Row] | str:
    """The rows, read in each way there is, after they were compared with what is expected."""
    state = story.now if wanted.version is None else states[wanted.version]
    parts = story.expected(wanted, state)
    said: dict[str, Any] = {
        **{name: getattr(wanted, name) for name in ("partition", "version", "split", "columns", "limit")},
        "target": workspace.target_name,
        "definitions": workspace.settings.definitions,
    }
    if wanted.partition and wanted.partition not in state:
        with pytest.raises(ResolveError, match=f"orders of {wanted.partition} is not published"):
            read_arrow("orders", **said)
        return "not published"
    table = read_arrow("orders", **said)
    names = list(wanted.columns or COLUMNS)
    assert table.column_names == names
    rows = table.to_pylist()
    check_rows(rows, parts, names, wanted.limit)
    check_frame(read_pandas("orders", **said), rows)
    check_files(workspace, wanted, table, folder)
    return rows


def check_rows(rows: list[Row], parts: list[list[Row]], names: list[str], limit: int | None) -> None:
    """Period after Period; rows have an order of their own within each."""
    at = 0
    for part in parts:
        own = rows[at : at + len(part)]
        left = [key([row[name] for name in names]) for row in part]
        for row in own:
            left.remove(key([row[name] for name in names]))
        at += len(part)
    total = sum(map(len, parts))
    assert len(rows) == (total if limit is None else min(limit, total))


def key(values: list[Any]) -> str:
    """1.5 and 1.500000000 are one decimal."""
    kinds = {Decimal: "{:.9f}".format, datetime: datetime.isoformat}
    return repr([kinds.get(type(value), repr)(value) for value in values])


def check_frame(frame: pd.DataFrame, rows: list[Row]) -> None:
    for name in frame.columns:
        want = [row[name] for row in rows]
        got = [None if each is pd.NaT or each is pd.NA else each for each in frame[name]]
        assert got == want, name
        if any(isinstance(each, int) for each in want):
            kinds = {True: {"Int64", "boolean"}, False: {"int64", "bool"}}
            assert str(frame[name].dtype) in kinds[None in want]


def check_files(workspace: Workspace, wanted: RowSelection, table: pa.Table, folder: Path) -> None:
    with open_rows(workspace, wanted) as rows:
        for kind in ("parquet", "csv", "jsonl"):
            write_rows(rows, kind, folder / f"rows.{kind}")
    assert parquet.read_table(folder / "rows.parquet").equals(table)
    read = csv.ConvertOptions(
        column_types=table.schema,
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
    )
    # A NULL in a file of one column is an empty line.
    parse = csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)
    found = csv.read_csv(folder / "rows.csv", convert_options=read, parse_options=parse)
    assert found.to_pylist() == table.to_pylist()
    lines = [json.loads(line) for line in (folder / "rows.jsonl").read_text("utf-8").split("\n")[:-1]]
    assert [list(line) for line in lines] == [table.column_names] * table.num_rows
    for line, row in zip(lines, table.to_pylist(), strict=True):
        assert {name: typed(value, row[name]) for name, value in line.items()} == row


def typed(value: Any, like: Any) -> Any:
    """What a JSON value stands for."""
    match like:
        case Decimal():
            assert isinstance(value, str)
            return Decimal(value)
        case datetime():
            return datetime.fromisoformat(value)
        case date():
            return date.fromisoformat(value)
    return value
