"""Rows that a delete operation marked stay in the table, and readers skip them (BR-019)."""

from dataclasses import replace

from sqlglot import exp

from dataset_assets.ports.relation import Relation
from dataset_assets.ports.warehouse import Publication, Record
from dataset_assets.sql.build import column

DELETED_ROWS = "deleted_rows"
"""The record's key for the number of deleted rows; a record without deleted rows has no such key."""
SELECTED_DIGEST = "selected_digest"
"""The record's key for the digest of all rows, deleted ones included; it is there if rows are deleted."""


def deleted_rows(record: Record) -> int:
    """Return how many rows of a publication are deleted."""
    return int(record.get(DELETED_ROWS, 0))


def selected_digest(record: Record) -> str:
    """Return the digest of all rows that the selection gave, whether they were deleted later or not."""
    return record.get(SELECTED_DIGEST, record["digest"])


def visible_rows(source: exp.Expr) -> exp.Expr:
    """Return the rows of a published table that are not deleted, for FROM."""
    return exp.select("*").from_(source.copy()).where(exp.not_(column("_deleted"))).subquery()


def unmarked_rows(source: exp.Expr) -> exp.Expr:
    """Return the rows of a table of the user that are not marked as deleted, for FROM; NULL marks nothing."""
    is_deleted = column("_deleted").is_(exp.true())
    return exp.select("*").from_(source.copy()).where(exp.not_(is_deleted)).subquery()


def visible_relation(publication: Publication) -> Relation:
    """Return the rows of a publication without deleted rows; the stored rows themselves if there are none."""
    relation = publication.relation
    if not deleted_rows(publication.record):
        return relation
    return replace(relation, source=visible_rows(relation.source), row_count=None)
