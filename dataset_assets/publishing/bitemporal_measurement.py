"""Measure a bitemporal table: what is known now in full, all rows by their number and their digest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from dataset_assets.contract.model import ColumnType
from dataset_assets.contract.system_columns import PERIOD_FROM, PERIOD_TO, VALID_FROM, VALID_TO
from dataset_assets.ports.engine import Session
from dataset_assets.ports.record_marks import LOADED_PERIODS
from dataset_assets.ports.warehouse import PublishedColumn, Record
from dataset_assets.publishing.loaded_periods import TABLE_ROWS, loads_of
from dataset_assets.publishing.published_columns import PublishedColumns
from dataset_assets.publishing.row_measurement import row_statistics
from dataset_assets.rows.bitemporal import KNOWN
from dataset_assets.rows.bitemporal_reads import BitemporalRead
from dataset_assets.rows.encoding import counted_digest, digest_parts, fold_digest
from dataset_assets.rows.stamping import timestamp
from dataset_assets.rows.visible_rows import DELETED_ROWS, visible_rows
from dataset_assets.sql.build import alias, column, text
from dataset_assets.stats.statistics import Statistics

_TIME = (VALID_FROM, VALID_TO)
_KNOWN = (PERIOD_FROM, PERIOD_TO)
_LOAD = "_load"
_CURRENT = BitemporalRead()
"""The rows that the last load says and that are not deleted."""
VALIDITY = "validity"
"""The record's key for the first and the end instant of the valid times that are known now."""


@dataclass(frozen=True)
class BitemporalMeasurement:
    """Figures of a bitemporal table. Statistics and `validity` are of the current rows without deleted ones.

    `digest` is the SHA-256 of all rows that are not deleted. `rows`, `deleted`, `added` and `touched` count
    all rows; the last two those that were created, and created or updated, at the instant of the load.
    """

    statistics: Statistics
    digest: str
    rows: int
    deleted: int
    added: int
    touched: int
    validity: tuple[str | None, str | None]

    @property
    def entries(self) -> dict[str, Any]:
        """The entries of the record of the publication that follow from the rows."""
        deleted = {DELETED_ROWS: self.deleted} if self.deleted else {}
        return {
            "digest": self.digest,
            TABLE_ROWS: self.rows,
            VALIDITY: list(self.validity),
            **deleted,
            "statistics": self.statistics.model_dump(mode="json"),
        }


def segment_columns(columns: PublishedColumns) -> tuple[PublishedColumn, ...]:
    """Return the columns that the digest of a snapshot covers: the published ones and the valid time."""
    times = (PublishedColumn(name, ColumnType.TIMESTAMP, True) for name in _TIME)
    return (*columns.digested, *times)


def measure_bitemporal(
    columns: PublishedColumns, source: exp.Expr, session: Session, instant: datetime
) -> BitemporalMeasurement:
    """Compute the figures of a bitemporal table that is published at `instant`."""
    totals = _totals(source, session, instant)
    statistics = row_statistics(columns, _CURRENT.rows(source), session)
    known = (PublishedColumn(name, ColumnType.STRING, True) for name in _KNOWN)
    counts = {name: int(totals[f"{name}_rows"] or 0) for name in ("all", "deleted", "added", "touched")}
    visible = visible_rows(source) if counts["deleted"] else source
    _, digest = counted_digest(session, visible, (*segment_columns(columns), *known))
    return BitemporalMeasurement(
        statistics=statistics,
        digest=digest,
        rows=counts["all"],
        deleted=counts["deleted"],
        added=counts["added"],
        touched=counts["touched"],
        validity=(_text(totals["first_valid"]), None if totals["open_rows"] else _text(totals["last_valid"])),
    )


def _totals(source: exp.Expr, session: Session, instant: datetime) -> Mapping[str, Any]:
    at, is_current = timestamp(instant), _CURRENT.condition()
    has_end = exp.not_(column(VALID_TO).is_(exp.null()))
    totals = {
        "all_rows": exp.Count(this=exp.Star()),
        "deleted_rows": exp.CountIf(this=column("_deleted")),
        "added_rows": exp.CountIf(this=exp.EQ(this=column("_created_at"), expression=at)),
        "touched_rows": exp.CountIf(this=exp.EQ(this=column("_updated_at"), expression=at.copy())),
        "open_rows": exp.CountIf(this=exp.and_(is_current, exp.not_(has_end))),
        "first_valid": exp.Min(this=exp.Case().when(is_current, column(VALID_FROM))),
        "last_valid": exp.Max(this=exp.Case().when(is_current, column(VALID_TO))),
    }
    [answer] = session.rows(exp.select(*(alias(v, k) for k, v in totals.items())).from_(source.copy()))
    return answer


def loads_measured_again(
    columns: PublishedColumns, source: exp.Expr, record: Record, session: Session
) -> dict[str, Any]:
    """Return the entry of the record that lists the loads, with rows and digests of what the table has."""
    loads, digested = loads_of(record), segment_columns(columns)
    found = {row[_LOAD]: row for row in session.rows(_by_load(source, loads, digested))} if loads else {}
    parts = {period: _parts(found.get(period)) for period in loads}
    return {
        LOADED_PERIODS: {
            period: {
                **facts,
                "rows": int(parts[period]["digest_rows"]),
                "digest": fold_digest(digested, parts[period]),
            }
            for period, facts in loads.items()
        }
    }


def _by_load(source: exp.Expr, loads: Iterable[str], columns: Sequence[PublishedColumn]) -> exp.Query:
    """Return the query of the parts of the digest of each load that has rows."""
    names = exp.TableAlias(this=exp.to_identifier("_unnested"), columns=[exp.to_identifier(_LOAD)])
    periods = exp.Unnest(expressions=[exp.Array(expressions=[text(each) for each in loads])], alias=names)
    listed = exp.select(column(_LOAD)).from_(periods)
    rows = exp.select("*").from_(source.copy()).subquery("_table_rows")
    known = KNOWN.contains(column(_LOAD))
    parts = {name: exp.cast(part, "TEXT") for name, part in digest_parts(columns).items()}
    query = exp.select(column(_LOAD), *(alias(part, name) for name, part in parts.items()))
    return query.from_(listed.subquery("_loads")).join(rows, on=known).group_by(column(_LOAD))


def _parts(row: Mapping[str, Any] | None) -> Mapping[str, Any]:
    names = ("digest_rows", "digest_0", "digest_1")
    return {name: row[name] if row else 0 for name in names}


def _text(instant: datetime | None) -> str | None:
    return instant.astimezone(UTC).isoformat() if instant else None
