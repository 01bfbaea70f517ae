"""The statements with which BigQuery's warehouse records publications are valid GoogleSQL."""

from datetime import UTC, datetime

import pytest
from sqlglot import exp

from dataset_assets.adapters.bigquery import erasure_statements, kept_statements
from dataset_assets.adapters.bigquery.ledger import Ledger
from dataset_assets.adapters.bigquery.ledger_tables import KEPT_SCHEMAS, SCHEMAS
from dataset_assets.contract.model import ColumnType
from dataset_assets.ports.erasure import ErasedColumn, Erasure
from dataset_assets.ports.uses import PinRequest
from dataset_assets.ports.warehouse import Claim
from dataset_assets.rows.erased_keys import key_query, row_key
from dataset_assets.sql.build import column
from dataset_assets.sql.dialect import BIGQUERY
from tests.googlesql.googlesql import Analyzer
from tests.warehouses.test_retention import use

LEDGER = Ledger("my-project", "published")
ROWS = {"word": "STRING", "_period": "STRING"}
ANALYZER = Analyzer(
    {f"my-project.published.{name}": columns for name, columns in {**SCHEMAS, **KEPT_SCHEMAS}.items()}
    | {f"my-project.published.{name}": ROWS for name in ("sales", "staged")}
)
RECORD = {"period_start": "2018-01-01", "sql": "SELECT 'it''s \\n'"}


@pytest.mark.parametrize("period", [None, "2018-01"])
@pytest.mark.parametrize("known", [{}, {"replaces": None}, {"replaces": 3}])
def test_every_statement_resolves(period, known):
    staged = LEDGER.table("staged")
    claim = Claim("sales", period, 2, "run's")
    statements = [
        *LEDGER.claim("sales", period, "run's", 24),
        *LEDGER.publish(claim, staged, list(ROWS), RECORD | known),
        *LEDGER.confirm_unchanged(claim, 3, RECORD | known),
    ]
    for statement in statements:
        ANALYZER.resolve(BIGQUERY.render(statement))


@pytest.mark.parametrize("period", [None, "2018-01"])
@pytest.mark.parametrize("version", [None, 3])
def test_what_is_asked_has_the_types_that_are_read(period, version):
    publication = [("period", "STRING"), ("version", "INT64"), ("record", "STRING"), ("until", "TIMESTAMP")]
    periods = [("period", "STRING"), ("start", "STRING"), ("version", "INT64")]
    asked = {
        LEDGER.newest("sales", period): [("token", "INT64"), ("run_id", "STRING")],
        LEDGER.publications("sales", [period, "2018-02"], version): publication,
        LEDGER.periods("sales"): periods,
        LEDGER.records("sales"): [("period", "STRING"), ("record", "STRING")],
        LEDGER.recent("sales", [period, "2018-02"], 3): [
            ("period", "STRING"),
            ("version", "INT64"),
            ("record", "STRING"),
        ],
    }
    for query, columns in asked.items():
        assert ANALYZER.analyze(BIGQUERY.render(query)) == columns
    for until in (None, datetime(2020, 1, 1, 12, 30, tzinfo=UTC)):
        rows = exp.select("*").from_(LEDGER.rows("sales", period, until, ["_period"]))
        assert ANALYZER.analyze(BIGQUERY.render(rows)) == list(ROWS.items())


@pytest.mark.parametrize("period", [None, "2018-01"])
def test_the_statements_of_uses_and_pins_resolve(period):
    at = datetime(2020, 1, 1, 12, 30, 0, 5, tzinfo=UTC)
    pinned = PinRequest("it's kept", at).pinned("sales", period, 3, "_pinned_sales_0123abcd")
    statements = [
        kept_statements.insert_uses(LEDGER, [use("it's", period=period), use("b")]),
        kept_statements.insert_uses(LEDGER, [use()]),
        kept_statements.insert_events(LEDGER, [pinned, pinned]),
        kept_statements.create_snapshot(LEDGER, "_pinned_sales_0123abcd", "sales", at),
    ]
    for statement in statements:
        ANALYZER.resolve(BIGQUERY.render(statement))
    asked = {
        kept_statements.uses_of(LEDGER, "sales"): [("entry", "STRING")],
        kept_statements.pin_events(LEDGER, "sales"): [("entry", "STRING")],
        kept_statements.last_uses(LEDGER, ["sales", "a"]): [("dataset", "STRING"), ("last", "TIMESTAMP")],
        kept_statements.visible_now(LEDGER, "sales", [period], 3): [
            *(("period", "STRING"), ("version", "INT64"), ("record", "STRING"), ("until", "TIMESTAMP")),
            ("now", "TIMESTAMP"),
        ],
    }
    for query, columns in asked.items():
        assert ANALYZER.analyze(BIGQUERY.render(query)) == columns


@pytest.mark.parametrize("period", [None, "2018-01"])
def test_the_statements_of_erasures_resolve(period):
    user = ErasedColumn(name="word", reference="word", type=ColumnType.STRING)
    at = datetime(2020, 1, 1, tzinfo=UTC)
    erasure = Erasure(id="it's", dataset="sales", request="r", salt="s", columns=(user,), begun_at=at)
    key = row_key("it's", [(column("word"), ColumnType.STRING)])
    word = exp.EQ(this=column("word"), expression=exp.Literal.string("a"))
    keys = key_query(key, LEDGER.table("sales"), word)
    records = [(period, 3, "{}"), (period, 4, "it's")]
    statements = [
        erasure_statements.insert_erasure(LEDGER, erasure),
        erasure_statements.insert_keys(LEDGER, erasure, keys),
        erasure_statements.replace_records(LEDGER, "sales", records),
        kept_statements.create_copy(LEDGER, "_pinned_sales_0123abcd", keys),
    ]
    for statement in statements:
        ANALYZER.resolve(BIGQUERY.render(statement))
    publication = [("period", "STRING"), ("version", "INT64"), ("record", "STRING")]
    asked = {
        erasure_statements.erasures_of(LEDGER, "sales"): [("entry", "STRING")],
        erasure_statements.erased_datasets(LEDGER): [("dataset", "STRING")],
        erasure_statements.keys_of(LEDGER, erasure, ["it's", "b"]): [("erased_key", "STRING")],
        erasure_statements.recent_claims(LEDGER, "sales", 24): [("period", "STRING")],
        erasure_statements.newest_claims(LEDGER, "sales"): [
            ("period", "STRING"),
            ("token", "INT64"),
            ("run_id", "STRING"),
        ],
        erasure_statements.all_records(LEDGER, "sales"): publication,
        kept_statements.replaced(LEDGER, "sales"): [*publication, ("until", "TIMESTAMP")],
        LEDGER.last_publications(): [("dataset", "STRING"), ("publications", "INT64"), ("last", "TIMESTAMP")],
    }
    for query, columns in asked.items():
        assert ANALYZER.analyze(BIGQUERY.render(query)) == columns
