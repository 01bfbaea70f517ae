"""Queries for TFX and BigQuery ML: stored SQL that GoogleSQL resolves, in types that each consumer takes."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS
from dataset_assets.interchange.training_sql import BIGQUERY_ML, TFX, TrainingRead, eval_column
from dataset_assets.ports.relation import Relation
from dataset_assets.ports.warehouse import Publication
from dataset_assets.rows.bitemporal_reads import BitemporalRead
from dataset_assets.sql.build import table
from dataset_assets.sql.dialect import BIGQUERY
from tests.googlesql.googlesql import Analyzer
from tests.googlesql.test_resolves import BITEMPORAL_SYSTEM, DECLARED
from tests.googlesql.test_resolves import SYSTEM_COLUMNS as SYSTEM
from tests.interchange import tfx_rules

GOLDEN = Path(__file__).parents[1] / "golden" / "training"
COLUMNS = {
    "basket": ColumnType.INTEGER,
    "note": ColumnType.STRING,
    "paid": ColumnType.DECIMAL,
    "is_member": ColumnType.BOOLEAN,
    "day": ColumnType.DATE,
    "at": ColumnType.TIMESTAMP,
    "split": ColumnType.INTEGER,
}
NAMES = tuple(each for each in COLUMNS if each != "split")
SYSTEM_NAMES = tuple(each.name for each in SYSTEM_COLUMNS)
INSTANT = datetime(2017, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
REST = {"INT64": "INTEGER", "BOOL": "BOOLEAN", "FLOAT64": "FLOAT"}
"""GoogleSQL type → its name in BigQuery's REST API, where the two differ."""


def publication(period: str | None = "2017-12", version: int = 7, *, bitemporal: bool = False) -> Publication:
    record = {
        "columns": [{"name": name, "type": kind.value, "nullable": True} for name, kind in COLUMNS.items()],
        "definition": {"main_table": {"bitemporal": bitemporal}},
        "digest": "5d41402a",
    }
    return Publication("sales", period, version, record, Relation(table("published"), (), "7"))


READS: Mapping[str, tuple[TrainingRead, tuple[Publication, ...]]] = {
    "tfx_train": (TrainingRead(TFX, NAMES, split=0), (publication(),)),
    "tfx_with_system_columns": (TrainingRead(TFX, (*NAMES, *SYSTEM_NAMES)), (publication(),)),
    "tfx_periods": (TrainingRead(TFX, NAMES, split=1), (publication("2017-11", 3), publication())),
    "tfx_bitemporal": (
        TrainingRead(TFX, (*NAMES, "_valid_from", "_valid_to"), bitemporal=BitemporalRead(INSTANT)),
        (publication(None, bitemporal=True),),
    ),
    "bqml_label": (TrainingRead(BIGQUERY_ML, NAMES, label="paid", marked="is_eval"), (publication(),)),
    "bqml_with_system_columns": (
        TrainingRead(BIGQUERY_ML, (*NAMES, *SYSTEM_NAMES), split=0),
        (publication(),),
    ),
}
TFX_READS = [name for name in READS if name.startswith("tfx")]


def text_of(name: str) -> str:
    read, publications = READS[name]
    return BIGQUERY.render(read.query(publications)) + "\n"


def analyzer(name: str) -> Analyzer:
    columns = {each: DECLARED[kind] for each, kind in COLUMNS.items()}
    return Analyzer({"published": columns | (BITEMPORAL_SYSTEM if "bitemporal" in name else SYSTEM)})


@pytest.mark.parametrize("name", READS)
def test_golden(name, pytestconfig):
    path, text = GOLDEN / f"{name}.sql", text_of(name)
    if pytestconfig.getoption("--update-golden"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_no_golden_file_is_left_over():
    assert sorted(path.stem for path in GOLDEN.glob("*.sql")) == sorted(READS)


@pytest.mark.parametrize("name", TFX_READS)
def test_tfx_takes_each_type(name):
    """TFX wraps the query to learn its schema, so that it must be one query that can be nested."""
    found = analyzer(name).analyze(f"SELECT * FROM ({text_of(name)}) LIMIT 0")
    assert [column for column, _ in found] == list(READS[name][0].columns)
    kinds = {column: REST.get(kind, kind) for column, kind in found}
    assert {column: kind for column, kind in kinds.items() if kind not in tfx_rules.KINDS} == {}


def test_tfx_refuses_what_is_cast():
    """The casts are needed: each column that has one is of a type that TFX stops at."""
    plain = Analyzer({"published": {each: DECLARED[kind] for each, kind in COLUMNS.items()} | SYSTEM})
    found = plain.analyze("SELECT * FROM published")
    refused = {name for name, kind in found if REST.get(kind, kind) not in tfx_rules.KINDS}
    assert refused == {"paid", "day", "at", "_created_at", "_updated_at", "_labels"}


def test_the_features_of_a_row():
    rows = (
        (1, "ü", Decimal("2.5"), True, date(1970, 1, 11), INSTANT, 0),
        (2, None, None, None, None, None, 0),
        (3, "deleted", Decimal(1), False, date(2017, 1, 1), INSTANT, 0),
        (4, "eval", Decimal(1), False, date(2017, 1, 1), INSTANT, 1),
    )
    system = {"_row_id": "r", "_deleted": False, "_labels": []}
    stored = [
        (*row, *({**system, "_deleted": row[0] == 3}.get(name) for name in SYSTEM_NAMES)) for row in rows
    ]
    googlesql = analyzer("tfx_train")
    schema = {name: REST.get(kind, kind) for name, kind in googlesql.analyze(text_of("tfx_train"))}
    found = googlesql.evaluate(text_of("tfx_train"), {"published": stored})
    assert [tfx_rules.example(schema, row) for row in found] == [
        {
            "basket": ("int64", 1),
            "note": ("bytes", "ü".encode()),
            "paid": ("float", 2.5),
            "is_member": ("int64", 1),
            "day": ("int64", 10),
            "at": ("int64", 1514764799999999),
        },
        {"basket": ("int64", 2)} | dict.fromkeys(NAMES[1:], ("none", None)),
    ]


@pytest.mark.parametrize("name", [each for each in READS if each.startswith("bqml")])
def test_bigquery_ml_gets_types_that_it_takes(name):
    """Its reference lists numbers, BOOL, STRING, DATE and TIMESTAMP for every kind of supervised model."""
    found = dict(analyzer(name).analyze(text_of(name)))
    taken = {"INT64", "NUMERIC", "FLOAT64", "BOOL", "STRING", "DATE", "TIMESTAMP"}
    assert {column: kind for column, kind in found.items() if kind not in taken} == {}
    assert found["paid"] == "NUMERIC"
    assert found.get("is_eval", "BOOL") == "BOOL"


def test_train_and_eval_rows_are_marked_and_others_left_out():
    rows = [
        (n, "", paid, None, None, None, split)
        for n, paid, split in ((1, 1, 0), (2, 1, 1), (3, 1, 2), (4, None, 0))
    ]
    system = [None] * SYSTEM_NAMES.index("_deleted") + [False, []]
    stored = [(*row[:2], row[2] and Decimal(row[2]), *row[3:], *system) for row in rows]
    found = analyzer("bqml_label").evaluate(text_of("bqml_label"), {"published": stored})
    assert [(row["basket"], row["is_eval"]) for row in found] == [(1, False), (2, True)]


def test_the_column_that_marks_eval_rows_has_a_free_name():
    assert eval_column(["a", "IS_EVAL", "is_eval_2"]) == "is_eval_3"
