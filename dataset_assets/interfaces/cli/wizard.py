"""Show the wizard in the terminal: print each question, read the answer, print what is wrong with it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import typer
from rich.console import RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from dataset_assets.errors import DatasetAssetsError, visible
from dataset_assets.interfaces.cli.console import cell, out
from dataset_assets.lifecycle.wizard.question import STEPS, Choice, Question
from dataset_assets.lifecycle.wizard.wizard import Wizard

BACK, EXPLAIN = "back", "?"
_MOST_CHOICES = 10
_GUIDE = "Enter accepts [the default]. `?` explains, `back` goes back, Ctrl-C cancels and writes nothing."

Preview = Callable[[Wizard], RenderableType]
"""Returns what would be written, with its sizes. Raises DatasetAssetsError if the draft breaks a rule."""


class Cancelled(Exception):  # noqa: N818 - a decision of the person, no error
    """The person does not want the dataset, or the input ended."""


@dataclass
class Terminal:
    """Leads a person through the wizard."""

    wizard: Wizard
    preview: Preview
    step: int = 0

    def run(self) -> Wizard:
        """Return the wizard with all answers, once the person confirmed the preview. Raises Cancelled."""
        _print(Text(_GUIDE, "dim"))
        while True:
            question = self.wizard.question
            if question is None:
                if self._confirmed():
                    return self.wizard
                continue
            self._ask(question)

    def _ask(self, question: Question) -> None:
        """Ask one question until the answer is right, or the person goes back."""
        if question.step != self.step:
            self.step = question.step
            title = f"Create dataset - Step {self.step} of {len(STEPS)}: {STEPS[self.step - 1]}"
            _print(Rule(Text(title, "bold"), align="left"))
        _print_question(question)
        while True:
            text = _read(_prompt(question))
            if text == EXPLAIN:
                _print(Text(visible(f"{question.help} {question.syntax}".strip()), "cyan"))
                if question.choices[_MOST_CHOICES:]:
                    _print(_choices(question.choices, len(question.choices)))
                continue
            try:
                self.wizard = self.wizard.back() if text.lower() == BACK else self.wizard.answer(text)
            except DatasetAssetsError as error:
                _print_faults(error)
                continue
            return

    def _confirmed(self) -> bool:
        """Show the preview; return whether the person wants it, False to go back. Raises Cancelled for no."""
        try:
            _print(self.preview(self.wizard))
        except DatasetAssetsError as error:
            _print_faults(error)
            self.wizard = self.wizard.back()
            return False
        while True:
            text = _read("Create the dataset? (yes, back, no) [yes]: ").lower()
            if text in ("", "y", "yes"):
                return True
            if text == BACK:
                self.wizard = self.wizard.back()
                return False
            if text in ("n", "no"):
                raise Cancelled
            explain = "`yes` writes the file, `back` goes back to the last question, `no` cancels"
            _print(Text(explain, "cyan" if text == EXPLAIN else "red"))


def _prompt(question: Question) -> str:
    star = " *" if question.required else ""
    default = f" [{question.default}]" if question.default else ""
    return visible(f"{question.label}{star}{default}: ")


def _print_question(question: Question) -> None:
    _print("")
    if question.choices:
        _print(_choices(question.choices, _MOST_CHOICES))
    if question.reason:
        _print(Text(visible(question.reason), "dim"))


def _choices(choices: tuple[Choice, ...], most: int) -> Table:
    """Return at most so many of the possible answers with their facts."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(style="dim", overflow="fold")
    for choice in choices[:most]:
        table.add_row(cell(f"  {choice.value}"), cell(choice.facts))
    if choices[most:]:
        table.add_row(cell(f"  and {len(choices[most:])} more"), cell("`?` lists them"))
    return table


def _print_faults(error: DatasetAssetsError) -> None:
    for fault in error.faults:
        _print(Text(str(fault), "red"))


def _print(part: RenderableType) -> None:
    out().print(part)


def _read(prompt: str) -> str:
    """Return one line of the person's, without spaces around it. Raises Cancelled at the end of the input."""
    try:
        line = input(prompt)
    except EOFError:
        typer.echo("")
        raise Cancelled from None
    if not sys.stdin.isatty():  # nobody sees what was read from a pipe, and the next line would follow it
        typer.echo(visible(line))
    return line.strip()
