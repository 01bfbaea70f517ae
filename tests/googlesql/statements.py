"""Record every statement that BigQuery sessions send, with the schemas of the tables that it names."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch

from google.cloud import bigquery
from sqlglot import exp

from dataset_assets.adapters.bigquery.session import BigQuerySession
from tests.googlesql.googlesql import Analyzer, Columns


@dataclass
class Statements:
    """Recorded statements of runs, each with the tables that existed when it was sent."""

    sent: dict[str, dict[str, Columns]] = field(default_factory=dict)

    def record(self, session: BigQuerySession, statement: exp.Expr, text: str) -> None:
        """Record a statement's text and the schemas of its tables that exist."""
        if text in self.sent:
            return
        named = {(each.catalog, each.db, each.name) for each in statement.find_all(exp.Table) if each.db}
        tables: dict[str, Columns] = {}
        for catalog, db, name in named:
            found = session.tables.find(exp.table_(name, db, catalog))
            if found is not None:
                path = ".".join(part for part in (catalog, db, name) if part)
                tables[path] = {each.name: kind_of(each) for each in found.schema}
        self.sent[text] = tables

    def refused(self) -> list[str]:
        """Return the errors of Google's analyzer about the statements, each with its statement."""
        found = []
        for text, tables in self.sent.items():
            try:
                Analyzer(tables).resolve(text)
            except Exception as error:  # noqa: BLE001 - whatever it is, the statement was not understood
                found.append(f"{error}\n{text}")
        return found


def kind_of(field: bigquery.SchemaField) -> str:
    """Return the GoogleSQL type of a BigQuery column."""
    names = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
    kind = names.get(field.field_type, field.field_type)
    if kind in ("RECORD", "STRUCT"):
        kind = f"STRUCT<{', '.join(f'{each.name} {kind_of(each)}' for each in field.fields)}>"
    return f"ARRAY<{kind}>" if field.mode == "REPEATED" else kind


@contextmanager
def recorded() -> Generator[Statements]:
    """Record every statement that any BigQuery session sends within the block."""
    statements, render = Statements(), BigQuerySession.render

    def recording(session: BigQuerySession, statement: exp.Expr) -> str:
        written = render(session, statement)
        statements.record(session, statement, written)
        return written

    with patch.object(BigQuerySession, "render", recording):
        yield statements
