"""The one query behind a profile: values are counted once, and all else follows from the counts."""

from collections.abc import Mapping

from sqlglot import exp

from dataset_assets.sql.build import alias, column, table, text
from dataset_assets.stats import histogram, listing
from dataset_assets.stats.counting import Counting, answer, as_text, select, union


def profile_query(counting: Counting, extra: Mapping[str, exp.Expr]) -> exp.Query:
    """Answers rows of `counting.ANSWER`; `extra` are aggregates over the same rows, as text.

    The query has one part for each column, which counts its values; all others are for a family of columns,
    so that its text and its plan grow with the columns as slowly as they can.
    """
    families = counting.families
    ctes = {family.name: counting.counts(family) for family in families}
    ctes |= histogram.ctes(counting) | listing.ctes(counting)
    answers = [counting.totals(family) for family in families]
    answers += histogram.answers(counting) + listing.answers(counting)
    if extra:
        aggregates = [alias(as_text(value.copy()), name) for name, value in extra.items()]
        ctes["extra"] = select(aggregates, counting.source.copy())
        answers += [_extra(name) for name in extra]
    query = union(answers)
    for name, cte in ctes.items():
        query = query.with_(name, cte, copy=False)
    return query


def _extra(name: str) -> exp.Query:
    return select(answer(kind=text("extra"), scope=text(name), low=column(name)), table("extra"))
