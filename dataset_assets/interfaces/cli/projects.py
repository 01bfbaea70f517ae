"""Print Projects and their outputs, with what is published of each."""

from collections.abc import Iterator

from rich.console import RenderableType

from dataset_assets.contract.project import Output
from dataset_assets.interfaces.answers.projects import OutputAnswer, ProjectAnswer, project_answer
from dataset_assets.interfaces.cli.console import Grid, cell, facts
from dataset_assets.interfaces.cli.publications import current_publications
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.text.wording import listed


def project_answers(workspace: Workspace) -> list[ProjectAnswer]:
    """Return all Projects with their outputs and what is published of them."""
    catalog = workspace.catalog
    by_project: dict[str, list[OutputAnswer]] = {stem: [] for stem in catalog.projects}
    for output in catalog.outputs.values():
        by_project[output.project].append(output_answer(workspace, output))
    return [project_answer(catalog, stem, outputs) for stem, outputs in by_project.items()]


def output_answer(workspace: Workspace, output: Output) -> OutputAnswer:
    """Return an output with its current publications."""
    return OutputAnswer.of(output, current_publications(workspace, output.stem))


def describe_projects(projects: list[ProjectAnswer]) -> Iterator[RenderableType]:
    """Yield the printed parts of all Projects: their settings, and a table of their outputs."""
    for project in projects:
        version = f"{project.version} (pending)" if project.pending else str(project.version)
        yield cell(f"{project.project}: {project.name}", "bold")
        yield facts(
            [
                ("description", project.description),
                ("owner", project.owner),
                ("version", version),
                ("datasets", ", ".join(project.datasets)),
            ]
        )
        if project.outputs:
            yield _outputs(project)
        yield ""


def describe_output(output: Output) -> Iterator[RenderableType]:
    """Yield the printed parts of an output: its settings, and its operations in order."""
    step = output.step
    yield cell(output.stem, "bold")
    yield facts(
        [
            ("description", step.description),
            ("project", output.project),
            ("dataset", output.dataset),
            ("joins", step.joins),
            ("deleted rows", "in the table, marked" if step.include_deleted else "left out"),
        ]
    )
    if output.operations:
        table = Grid("", "operation", "where", title="Operations, in this order")
        for number, each in enumerate(output.operations, 1):
            table.add_row(str(number), cell(each.words), cell(each.where))
        yield table


def _outputs(project: ProjectAnswer) -> Grid:
    numbers = ("operations", "rows")
    table = Grid("output", "dataset", "joins", "operations", "Periods", "rows", right=numbers)
    for each in project.outputs:
        periods = listed((publication.period for publication in each.publications if publication.period), 4)
        rows = sum(publication.row_count for publication in each.publications)
        table.add_row(
            cell(each.output),
            cell(each.dataset),
            str(each.joins),
            str(len(each.operations)),
            cell(periods or ("all" if each.publications else "not published")),
            f"{rows:,}",
        )
    return table
