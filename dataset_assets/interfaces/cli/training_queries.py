"""Print the queries by which other programs read published rows: `sql --for`."""

import typer

from dataset_assets.interchange.training_sql import CONSUMERS, TFX
from dataset_assets.interfaces.answers.datasets import TfxInput, TfxSplit, TrainingSqlAnswer
from dataset_assets.interfaces.cli.console import print_json, say
from dataset_assets.interfaces.row_selection import RowSelection
from dataset_assets.interfaces.training_queries import TrainingQueries, training_queries
from dataset_assets.interfaces.workspace import Workspace

_COMPONENT = """\
from tfx.extensions.google_cloud_big_query.example_gen.component import BigQueryExampleGen
from tfx.proto import example_gen_pb2

example_gen = BigQueryExampleGen(
    input_config=example_gen_pb2.Input(
        splits=[
{splits}
        ]
    )
)"""
_SPLIT = '''\
            example_gen_pb2.Input.Split(
                name="{name}",
                pattern="""
{pattern}
""",
            ),'''


def print_training_queries(
    workspace: Workspace, selection: RowSelection, consumer: str, label: str | None, *, as_json: bool
) -> None:
    """Print a query, or for TFX without a split the component that reads one query for each split.

    Options of BigQuery ML's `CREATE MODEL` are a remark. Raises as `training_queries` does.
    """
    found = training_queries(workspace, selection, CONSUMERS[consumer], label)
    has_component = consumer == TFX.name and selection.split is None
    if as_json:
        print_json(_answer(found, consumer, has_component=has_component))
        return
    if has_component:
        typer.echo(_component(found))
        return
    if found.options:
        say(f"options of the model: {_options(found)}")
    for query in found.queries.values():
        typer.echo(query)


def _answer(found: TrainingQueries, consumer: str, *, has_component: bool) -> TrainingSqlAnswer:
    splits = tuple(TfxSplit(name=name, pattern=query) for name, query in found.queries.items())
    return TrainingSqlAnswer(
        dataset=found.publications[0].dataset,
        consumer=consumer,
        periods=tuple(each.period for each in found.publications),
        table_version=max(each.version for each in found.publications),
        sql=None if has_component else splits[0].pattern,
        input_config=TfxInput(splits=splits) if consumer == TFX.name else None,
        options={
            name: value if isinstance(value, str) else tuple(value) for name, value in found.options.items()
        },
    )


def _component(found: TrainingQueries) -> str:
    """Return Python code that creates TFX's component."""
    splits = (_SPLIT.format(name=name, pattern=query) for name, query in found.queries.items())
    return _COMPONENT.format(splits="\n".join(splits))


def _options(found: TrainingQueries) -> str:
    """Return options in the syntax of `CREATE MODEL`."""
    texts = {
        name: f"'{value}'" if isinstance(value, str) else f"[{', '.join(repr(each) for each in value)}]"
        for name, value in found.options.items()
    }
    return ", ".join(f"{name} = {text}" for name, text in texts.items())
