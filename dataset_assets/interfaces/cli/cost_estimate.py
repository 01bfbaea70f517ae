"""Print what `sql --dry-run` reports: the bytes that a query reads, and its budget.

Also the bytes that move between engines, and whether a run would read nothing.
"""

from dataset_assets.catalog.catalog import Entry
from dataset_assets.discovery.cost import estimate_cost
from dataset_assets.interfaces.answers.datasets import CostAnswer
from dataset_assets.interfaces.cli.console import facts, out, print_json
from dataset_assets.interfaces.workspace import Workspace
from dataset_assets.publishing.as_of_choice import AsOfChoice


def print_cost(workspace: Workspace, entry: Entry, at: AsOfChoice, *, as_json: bool = False) -> None:
    """Print the cost of a dataset's query. Raises as `estimate_cost` does."""
    cost = estimate_cost(workspace.catalog, workspace.target, entry, at)
    if not as_json:
        out().print(facts(cost.lines()))
        return
    answer = CostAnswer(
        dataset=entry.stem,
        engine=cost.engine,
        as_of=at.as_of,
        period=at.period.id if at.period else None,
        reads=cost.reads,
        budget=cost.budget,
        moves=cost.transferred,
        unchanged=cost.unchanged,
    )
    print_json(answer)
