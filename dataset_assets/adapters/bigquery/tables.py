"""Read and change the metadata of BigQuery tables, free of charge and without a job."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from google.cloud import bigquery
from sqlglot import exp

from dataset_assets.adapters.bigquery.clients import NO_RETRY, TIMEOUT
from dataset_assets.adapters.bigquery.connection import Connection
from dataset_assets.errors import ResolveError


def path(source: exp.Table) -> str:
    """Return `project.dataset.table`."""
    return ".".join(part.name for part in source.parts)


@dataclass(frozen=True)
class Tables:
    """Metadata of the tables behind a connection. All methods raise AccessError if a role is missing."""

    connection: Connection

    def get(self, source: exp.Table) -> bigquery.Table:
        """Return the metadata of a table. Raises ResolveError if it does not exist."""
        client = self.connection.client
        return self.connection.retry(lambda: client.get_table(path(source), retry=NO_RETRY, timeout=TIMEOUT))

    def find(self, source: exp.Table) -> bigquery.Table | None:
        """Return the metadata of a table, or None if it does not exist."""
        try:
            return self.get(source)
        except ResolveError:
            return None

    def create(self, table: bigquery.Table) -> bigquery.Table:
        """Create a table unless it exists."""
        client = self.connection.client
        return self.connection.retry(
            lambda: client.create_table(table, exists_ok=True, retry=NO_RETRY, timeout=TIMEOUT)
        )

    def update(self, table: bigquery.Table, fields: list[str]) -> None:
        """Write the named properties of `table` to BigQuery."""
        client = self.connection.client
        self.connection.retry(lambda: client.update_table(table, fields, retry=NO_RETRY, timeout=TIMEOUT))

    def change(self, source: exp.Table, modify: Callable[[bigquery.Table], list[str]]) -> None:
        """Read a table, let `modify` change it, and write the properties whose names `modify` returns.

        If somebody else changed the table in between, it is read again and `modify` is called again.
        """
        client = self.connection.client

        def read_and_write() -> None:
            table = client.get_table(path(source), retry=NO_RETRY, timeout=TIMEOUT)
            fields = modify(table)
            if fields:
                client.update_table(table, fields, retry=NO_RETRY, timeout=TIMEOUT)

        self.connection.retry(read_and_write)

    def drop(self, source: exp.Table, retry_seconds: float | None = None) -> None:
        """Drop a table if it exists."""
        client = self.connection.client
        self.connection.retry(
            lambda: client.delete_table(path(source), not_found_ok=True, retry=NO_RETRY, timeout=TIMEOUT),
            retry_seconds,
        )

    def dataset(self, project: str, dataset: str) -> bigquery.Dataset:
        """Return the metadata of a BigQuery dataset. Raises ResolveError if it does not exist."""
        client = self.connection.client
        return self.connection.retry(
            lambda: client.get_dataset(f"{project}.{dataset}", retry=NO_RETRY, timeout=TIMEOUT)
        )

    def creation_times(self, project: str, dataset: str) -> list[tuple[str, datetime]]:
        """Return name and creation time of all tables and views of a dataset. Raises as `dataset` does."""
        client = self.connection.client
        return self.connection.retry(
            lambda: [
                (each.table_id, each.created or datetime.now(UTC))
                for each in client.list_tables(f"{project}.{dataset}", retry=NO_RETRY, timeout=TIMEOUT)
            ]
        )

    def names(self, project: str, dataset: str) -> list[str]:
        """Return the names of all tables and views of a dataset. Raises as `dataset` does."""
        return [name for name, _ in self.creation_times(project, dataset)]
