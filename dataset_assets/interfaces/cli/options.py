"""Arguments and options that several commands share."""

from enum import StrEnum
from typing import Annotated

import typer

from dataset_assets.interfaces.cli.completion import dataset_names, target_names


class Format(StrEnum):
    """Output formats of `read`."""

    TABLE = "table"
    PARQUET = "parquet"
    CSV = "csv"
    JSONL = "jsonl"


class Split(StrEnum):
    """The values of `split`, by name (BR-108)."""

    TRAIN = "train"
    EVAL = "eval"
    TEST = "test"


class Status(StrEnum):
    """The status of a dataset (BR-101)."""

    DRAFT = "draft"
    ACTIVE = "active"
    DISABLED = "disabled"
    ARCHIVED = "archived"


Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A dataset: its file's stem, or its id.", autocompletion=dataset_names
    ),
]
OptionalTarget = Annotated[
    str | None,
    typer.Option(
        "--target",
        help="A target's name or file; by default DATASET_ASSETS_TARGET.",
        autocompletion=target_names,
    ),
]
AsOfText = Annotated[str | None, typer.Option("--as-of", help="The instant to look back from: 2018-01-01.")]
WhereText = Annotated[
    str | None,
    typer.Option("--where", metavar="CONDITION", help="Only rows for which it is true: docs/where.md."),
]
OneSplit = Annotated[Split | None, typer.Option("--split", help="Only the rows of this split.")]
Partition = Annotated[str | None, typer.Option("--partition", help="A Period: 2017-12; by default all.")]
FirstPeriod = Annotated[
    str | None, typer.Option("--from", help="The first Period; by default the dataset's first.")
]
LastPeriod = Annotated[
    str | None, typer.Option("--to", help="The last Period, included; by default the last that is complete.")
]
TableVersion = Annotated[
    int | None, typer.Option("--version", min=0, help="The table's version; by default the last.")
]
ColumnNames = Annotated[str | None, typer.Option("--columns", help="Names, separated by commas.")]
TrainingRun = Annotated[
    str | None,
    typer.Option("--training-run", metavar="ID", help="Record that this training run used the rows."),
]
WithSensitive = Annotated[bool, typer.Option("--with-sensitive", help="Write the sensitive columns as well.")]
Locked = Annotated[bool, typer.Option("--locked", help="Refuse a structure that the lock does not know.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: docs/json.md describes it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; print what would be changed.")]
Anyway = Annotated[bool, typer.Option("--anyway", help="Publish a draft or an archived dataset as well.")]
