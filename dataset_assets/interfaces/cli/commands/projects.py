"""The command that lists Projects.

It imports what it needs when it runs, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from dataset_assets.interfaces.cli.options import AsJson, OptionalTarget


def projects(as_json: AsJson = False, target: OptionalTarget = None) -> None:
    """List the projects: their datasets, versions and outputs, and what is published of these."""
    from dataset_assets.interfaces.answers.projects import ProjectsAnswer
    from dataset_assets.interfaces.cli.console import out, print_json
    from dataset_assets.interfaces.cli.projects import describe_projects, project_answers
    from dataset_assets.interfaces.workspace import Workspace

    found = project_answers(Workspace.of(target))
    if as_json:
        print_json(ProjectsAnswer(projects=tuple(found)))
        return
    for part in describe_projects(found):
        out().print(part)
