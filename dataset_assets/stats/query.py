"""Build the query of a profile: values are counted once, and all statistics follow from the counts."""

from collections.abc import Mapping, Sequence

from sqlglot import exp

from dataset_assets.sql.build import alias, column, table, text
from dataset_assets.stats import histogram, levels, listing
from dataset_assets.stats.counting import Counting, answer
from dataset_assets.stats.expressions import as_text, select, union
from dataset_assets.stats.tallies import CONTENTS, UNITS, Tally

EXTRA = "extra"


def profile_query(
    counting: Counting, extra: Mapping[str, exp.Expr], tallies: Sequence[Tally] = ()
) -> exp.Query:
    """Return the query of all answers with the columns of `ANSWER`; `extra` adds aggregates, as text.

    Values are counted by one part of the query for each column, or for each family if `counting` uses one
    scan. Each other part is for a family of columns, so that text and plan grow slowly with the columns.
    """
    families = counting.families
    ctes = {family.name: counting.counts(family) for family in families}
    ctes |= histogram.ctes(counting) | listing.ctes(counting)
    answers = [counting.totals(family) for family in families]
    answers += histogram.answers(counting) + listing.answers(counting) + levels.answers(counting)
    if extra:
        aggregates = [alias(as_text(value.copy()), name) for name, value in extra.items()]
        ctes[EXTRA] = select(aggregates, counting.source.copy())
        answers += [_extra(name) for name in extra]
    ctes |= {each.name: each.query for each in tallies}
    answers += [each.answers() for each in tallies]
    query = union(answers)
    for name, cte in ctes.items():
        query = query.with_(name, cte, copy=False)
    return query


def scanning_ctes(counting: Counting) -> list[str]:
    """Return the names of the CTEs of a profile that read its rows, if it has them; all others read these."""
    return [EXTRA, UNITS, CONTENTS, *(family.name for family in counting.families)]


def _extra(name: str) -> exp.Query:
    return select(answer(kind=text("extra"), scope=text(name), low=column(name)), table(EXTRA))
