"""Run the examples of docs/python.md over a small dataset of the name that they use."""

import re
from pathlib import Path
from typing import Any

from tests.interfaces.conftest import SALES
from tests.interfaces.running import run_ok

_DOCUMENT = Path(__file__).parents[2] / "docs" / "python.md"
_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def publish_grocery_recommender(definitions: Path) -> None:
    """Publish sales under the name and in the Period of the examples; `profiles` is published."""
    text = SALES.replace("name: Sales", "name: Recommender").replace("bae-7b91", "bae-7b92")
    (definitions / "datasets" / "grocery_recommender.yaml").write_text(text)
    run_ok("materialize", "grocery_recommender", "--partition", "2017-04")


def run_examples(*, torch: bool) -> list[dict[str, Any]]:
    """Run the blocks that import PyTorch, or all others, and return the variables of each."""
    every = _BLOCK.findall(_DOCUMENT.read_text(encoding="utf-8"))
    blocks = [each for each in every if ("torch" in each) is torch]
    found = []
    for block in blocks:
        variables: dict[str, Any] = {}
        exec(block.replace("2017-12", "2017-04"), variables)
        found.append(variables)
    return found
