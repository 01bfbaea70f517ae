"""Metadata of tables: asked for and changed free of charge, without a job."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from google.cloud import bigquery
from sqlglot import exp

from dataset_assets.adapters.bigquery.clients import ONCE, TIMEOUT
from dataset_assets.adapters.bigquery.connection import Connection
from dataset_assets.errors import ResolveError


def path(source: exp.Table) -> str:
    """`project.dataset.table`."""
    return ".".join(part.name for part in source.parts)


@dataclass(frozen=True)
class Tables:
    """The tables that a connection reaches. All methods raise AccessError where a role is missing."""

    connection: Connection

    def get(self, source: exp.Table) -> bigquery.Table:
        """What is known of a table. Raises ResolveError where there is none."""
        client = self.connection.client
        return self.connection.ask(lambda: client.get_table(path(source), retry=ONCE, timeout=TIMEOUT))

    def find(self, source: exp.Table) -> bigquery.Table | None:
        """The same, None where there is none."""
        try:
            return self.get(source)
        except ResolveError:
            return None

    def create(self, table: bigquery.Table) -> bigquery.Table:
        """Makes a table, unless it is there."""
        client = self.connection.client
        return self.connection.ask(
            lambda: client.create_table(table, exists_ok=True, retry=ONCE, timeout=TIMEOUT)
        )

    def update(self, table: bigquery.Table, fields: list[str]) -> None:
        """Writes these properties of a table as they are in `table` now."""
        client = self.connection.client
        self.connection.ask(lambda: client.update_table(table, fields, retry=ONCE, timeout=TIMEOUT))

    def change(self, source: exp.Table, wanted: Callable[[bigquery.Table], list[str]]) -> None:
        """Lets `wanted` change properties of a table; what it answers are the names of those that it did.

        A table that somebody else changed since it was read is read again, and asked for anew.
        """
        client = self.connection.client

        def read_and_write() -> None:
            found = client.get_table(path(source), retry=ONCE, timeout=TIMEOUT)
            fields = wanted(found)
            if fields:
                client.update_table(found, fields, retry=ONCE, timeout=TIMEOUT)

        self.connection.ask(read_and_write)

    def drop(self, source: exp.Table, patience: float | None = None) -> None:
        """Removes a table, if it is there."""
        client = self.connection.client
        self.connection.ask(
            lambda: client.delete_table(path(source), not_found_ok=True, retry=ONCE, timeout=TIMEOUT),
            patience,
        )

    def dataset(self, project: str, dataset: str) -> bigquery.Dataset:
        """What is known of a dataset. Raises ResolveError where there is none."""
        client = self.connection.client
        return self.connection.ask(
            lambda: client.get_dataset(f"{project}.{dataset}", retry=ONCE, timeout=TIMEOUT)
        )

    def made(self, project: str, dataset: str) -> list[tuple[str, datetime]]:
        """Of all tables and views of a dataset: name, and when it was made. Raises as `dataset` does."""
        client = self.connection.client
        return self.connection.ask(
            lambda: [
                (each.table_id, each.created or datetime.now(UTC))
                for each in client.list_tables(f"{project}.{dataset}", retry=ONCE, timeout=TIMEOUT)
            ]
        )

    def names(self, project: str, dataset: str) -> list[str]:
        """Of all tables and views of a dataset. Raises ResolveError where there is no such dataset."""
        return [name for name, _ in self.made(project, dataset)]
