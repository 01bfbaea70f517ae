"""The parameters that several handlers have, with their descriptions for the documentation."""

from typing import Annotated

from fastapi import Path, Query

DatasetId = Annotated[
    str, Path(description="The stem of a dataset's file, or its id.", examples=["grocery_recommender"])
]
ModelId = Annotated[str, Path(description="The `ml_model` of datasets.", examples=["recommender"])]
TableName = Annotated[
    str, Path(description="A table: `table` or `resolver/table`.", examples=["transactions"])
]
Partition = Annotated[str | None, Query(description="A Period: `2017-12`.", examples=["2017-12"])]
AsOf = Annotated[
    str | None,
    Query(
        description="The instant that the query looks back from; not with a Period.", examples=["2018-01-01"]
    ),
]
SplitName = Annotated[str | None, Query(description="Only the rows of this split: train, eval or test.")]
ValidAt = Annotated[
    str | None,
    Query(
        description="The instant at which rows of a bitemporal dataset are true.",
        examples=["2026-01-31T12:00:00Z"],
    ),
]
WhereText = Annotated[
    str | None,
    Query(
        description="A condition that the rows satisfy; docs/where.md describes the language.",
        examples=["revenue >= 5 AND town IS NOT NULL"],
    ),
]
DryRun = Annotated[bool, Query(description="Check everything, and write nothing.")]
