"""Build the query with which another program reads publications, in the types that it can read (BR-126)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from dataset_assets.ports.warehouse import Publication
from dataset_assets.rows.bitemporal_reads import BitemporalRead
from dataset_assets.rows.where_types import recorded_where_types
from dataset_assets.selection.splits import EVAL, SPLIT_COLUMN, TRAIN
from dataset_assets.sql.build import alias, column, number
from dataset_assets.sql.internal_names import Names
from dataset_assets.sql.nodes import LabelsText
from dataset_assets.sql.where.checks import LABELS

IS_EVAL = "is_eval"
"""The column that BigQuery ML splits by, unless a published column has the name."""
_ROWS = "_published"

Cast = Callable[[exp.Expr], exp.Expr]


@dataclass(frozen=True)
class Consumer:
    """A program that reads publications from BigQuery.

    `casts` has the expression that it reads instead of a column, by the column's type. Columns of all other
    types are read as they are.
    """

    name: str
    casts: Mapping[str, Cast]


TFX = Consumer(
    "tfx",
    {
        "decimal": lambda value: exp.cast(value, "DOUBLE"),
        "date": lambda value: exp.UnixDate(this=value),
        "timestamp": lambda value: exp.UnixMicros(this=value),
        LABELS: lambda value: LabelsText(this=value),
    },
)
"""TFX's BigQueryExampleGen takes INT64 and BOOL as int64, FLOAT64 as 32-bit floats, and STRING as bytes."""

BIGQUERY_ML = Consumer("bqml", {LABELS: lambda value: LabelsText(this=value)})
"""BigQuery ML takes numbers, BOOL, STRING, DATE and TIMESTAMP as features, and no structs of texts."""

CONSUMERS: Mapping[str, Consumer] = {each.name: each for each in (TFX, BIGQUERY_ML)}


@dataclass(frozen=True)
class TrainingRead:
    """The rows and columns that a consumer reads.

    `split` is the only value of `split` that is read; None for all. Rows whose `label` is NULL are left out.
    `marked` adds a column of that name that is true for eval rows and false for train rows, and leaves out
    the rows of other splits.
    """

    consumer: Consumer
    columns: tuple[str, ...]
    split: int | None = None
    label: str | None = None
    marked: str | None = None
    bitemporal: BitemporalRead | None = None

    def query(self, publications: Sequence[Publication]) -> exp.Query:
        """Return one query over the publications, without rows that were deleted by hand (BR-141)."""
        parts = [self._of_one(each) for each in publications]
        return parts[0] if len(parts) == 1 else exp.union(*parts, distinct=False)

    def _of_one(self, publication: Publication) -> exp.Query:
        types = recorded_where_types(publication.record)
        shown = [self._value(name, types.get(name, "")) for name in self.columns]
        if self.marked:
            is_eval = exp.EQ(this=column(SPLIT_COLUMN), expression=number(EVAL))
            shown.append(alias(is_eval, self.marked))
        source = exp.alias_(publication.relation.source.copy(), _ROWS, table=True)
        query = exp.select(*shown).from_(source).where(*self._conditions())
        query.add_comments([_origin(publication)])
        return query

    def _value(self, name: str, kind: str) -> exp.Expr:
        cast = self.consumer.casts.get(kind)
        return alias(cast(column(name)), name) if cast else column(name)

    def _conditions(self) -> list[exp.Expr]:
        is_visible = self.bitemporal.condition() if self.bitemporal else exp.not_(column("_deleted"))
        conditions = [is_visible]
        if self.split is not None:
            conditions.append(exp.EQ(this=column(SPLIT_COLUMN), expression=number(self.split)))
        if self.marked:
            conditions.append(exp.In(this=column(SPLIT_COLUMN), expressions=[number(TRAIN), number(EVAL)]))
        if self.label:
            conditions.append(exp.not_(column(self.label).is_(exp.null())))
        return conditions


def eval_column(published: Sequence[str]) -> str:
    """Return the name of the column that is true for eval rows; no published column has it."""
    return Names.beside(published).free(IS_EVAL)


def _origin(publication: Publication) -> str:
    """Return which publication a query reads. The text of the query then changes with the rows.

    A program that remembers results by the text of the query, as TFX does, reads new rows again.
    """
    period = f" {publication.period}" if publication.period else ""
    digest = publication.record["digest"]
    return f"{publication.dataset}{period}, table version {publication.version}, digest {digest}"
