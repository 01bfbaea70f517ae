"""The two BigQuery tables of a warehouse's ledger, and the SQL expressions that select their rows.

`_claims` holds which run may publish a Period: the newest claim. `_publications` holds each publication with
its record (BR-116). Rows are only ever inserted. `period` is empty for an unpartitioned dataset.
"""

from collections.abc import Collection, Mapping, Sequence

from sqlglot import exp

from dataset_assets.contract.system_columns import PERIOD_FROM
from dataset_assets.ports.warehouse import Claim
from dataset_assets.sql.build import column, number, text

CLAIMS, PUBLICATIONS = "_claims", "_publications"
USES, PINS = "_uses", "_pins"
ERASURES, ERASED_KEYS = "_erasures", "_erased_keys"
SCHEMAS: Mapping[str, Mapping[str, str]] = {
    CLAIMS: {
        "dataset": "STRING",
        "period": "STRING",
        "token": "INT64",
        "run_id": "STRING",
        "claimed_at": "TIMESTAMP",
    },
    PUBLICATIONS: {
        "dataset": "STRING",
        "period": "STRING",
        "token": "INT64",
        "run_id": "STRING",
        "version": "INT64",
        "period_start": "STRING",
        "published_at": "TIMESTAMP",
        "record": "STRING",
    },
}
KEPT_SCHEMAS: Mapping[str, Mapping[str, str]] = {
    USES: {
        "dataset": "STRING",
        "period": "STRING",
        "table_version": "INT64",
        "training_run": "STRING",
        "used_at": "TIMESTAMP",
        "entry": "STRING",
    },
    PINS: {
        "dataset": "STRING",
        "period": "STRING",
        "table_version": "INT64",
        "at": "TIMESTAMP",
        "entry": "STRING",
    },
    ERASURES: {
        "dataset": "STRING",
        "erasure": "STRING",
        "at": "TIMESTAMP",
        "entry": "STRING",
    },
    ERASED_KEYS: {
        "dataset": "STRING",
        "kind": "STRING",
        "erasure": "STRING",
        "erased_key": "STRING",
    },
}
"""The tables that the first use, pin and erasure create. `entry` is a Use, PinEvent or Erasure as JSON."""

DESCRIPTIONS = {
    USES: "Which training run read which publication",
    PINS: "Which publications were pinned and unpinned, and the snapshots that hold their rows",
    ERASURES: "Which rows of a dataset were erased, when and by whom, without values",
    ERASED_KEYS: "Salted hashes of the values of erased rows, which publications leave out",
    CLAIMS: "Which run may publish a Period of a dataset: the newest one of it",
    PUBLICATIONS: "Every publication, with the record of how it came about",
}


def equals(name: str, value: exp.Expr, source: str | None = None) -> exp.Expr:
    """Return `source.name = value`."""
    return exp.EQ(this=column(name, source), expression=value)


def of_period(dataset: str, period: str | None) -> tuple[exp.Expr, exp.Expr]:
    """Return the conditions of the rows of one Period."""
    return equals("dataset", text(dataset)), equals("period", text(period or ""))


def of_periods(dataset: str, periods: Sequence[str | None]) -> tuple[exp.Expr, exp.Expr]:
    """Return the conditions of the rows of several Periods."""
    among = exp.In(this=column("period"), expressions=[text(period or "") for period in periods])
    return equals("dataset", text(dataset)), among


def of_claim(claim: Claim) -> tuple[exp.Expr, ...]:
    """Return the conditions of the rows that belong to one claim."""
    identity = equals("token", number(claim.token)), equals("run_id", text(claim.run_id))
    return (*of_period(claim.dataset, claim.period), *identity)


def published_rows_of(period: str | None, names: Collection[str]) -> exp.Expr:
    """Return the condition of the Period's rows in a published table with columns of these names.

    A bitemporal table is one publication, whatever its Periods are.
    """
    if PERIOD_FROM in names:
        return exp.true()
    if period is None:
        return column("_period").is_(exp.null())
    return equals("_period", text(period))


def last_or(name: str, default: int) -> exp.Coalesce:
    """Return the greatest value of a column, or `default` if there are no rows."""
    return exp.Coalesce(this=exp.Max(this=column(name)), expressions=[number(default)])
