"""Questions as data: what the wizard asks, its default, and facts beside each choice."""

from dataset_assets.errors import ContractError, Fault
from dataset_assets.model import Model

STEPS = ("Name and description", "Source tables", "Column mapping", "Filters and split")
"""The titles of the four steps, in order."""

FOR_NONE = "`-` for none."
"""How nothing is chosen where a question permits it."""


class Choice(Model):
    """A possible answer with facts about it, such as rows or distinct values."""

    value: str
    facts: str = ""


class Question(Model):
    """One question of a step, counted from 1.

    An empty answer accepts `default`. `reason` says why it is suggested; `help` explains the question, and
    `syntax` says how an answer is typed. If `several` is true, an answer is a list that is separated by
    commas.
    """

    key: str
    step: int
    label: str
    help: str
    syntax: str = ""
    default: str = ""
    reason: str = ""
    required: bool = False
    several: bool = False
    choices: tuple[Choice, ...] = ()


def wrong(message: str, hint: str = "") -> ContractError:
    """Return the error for a wrong answer: a sentence and a hint."""
    return ContractError(Fault(message, hint=hint))
