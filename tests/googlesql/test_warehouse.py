"""The statements with which BigQuery's warehouse records publications are valid GoogleSQL."""

from datetime import UTC, datetime

import pytest
from sqlglot import exp

from dataset_assets.adapters.bigquery import kept_statements
from dataset_assets.adapters.bigquery.ledger import Ledger
from dataset_assets.adapters.bigquery.ledger_tables import KEPT_SCHEMAS, SCHEMAS
from dataset_assets.ports.uses import PinRequest
from dataset_assets.ports.warehouse import Claim
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
