"""One request of the wizard: the state of its answers, and the pages that answer it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from dataset_assets.discovery.suggestions.suggest import SuggestedTables
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interfaces.web.operations import Operation
from dataset_assets.interfaces.web.pages.rendering import page
from dataset_assets.interfaces.web.pages.wizard.measuring import NotMeasuredError, WizardMemory
from dataset_assets.interfaces.web.pages.wizard.steps import REVIEW, Step, begin
from dataset_assets.interfaces.web.pages.wizard.token import read_token, write_token
from dataset_assets.interfaces.web.state import ServerState
from dataset_assets.lifecycle.new_dataset import draft_text, propose_draft
from dataset_assets.lifecycle.wizard.question import STEPS
from dataset_assets.lifecycle.wizard.state import State, WizardContext


@dataclass(frozen=True)
class Visit:
    """One request, with what the server knows. `page_id` names the page in the browser that asks."""

    request: Request
    server: ServerState
    page_id: str = field(default_factory=lambda: token_hex(8))

    @property
    def memory(self) -> WizardMemory:
        """What was measured before."""
        return self.request.app.state.wizard

    def state(self, token: str) -> State:
        """Return the state of the answers in a token. Raises ContractError for a damaged one."""
        answers = read_token(token)

        def suggest(tables: Sequence[str], main: str) -> SuggestedTables:
            return self.memory.suggested(self.server, tables, main)

        context = WizardContext(self.server.fresh_catalog, self.memory.tables(self.server), suggest)
        return begin(context, answers)

    def measure(self, wanted: NotMeasuredError, *, accepted: bool = False) -> Operation:
        """Measure the tables that an answer needs."""
        return self.memory.measure(self.server, wanted, accepted=accepted)

    def joins(self, step: Step, *, accepted: bool = False) -> Operation | None:
        """Measure the tables of step 2 if its joins are not known; return how far that is."""
        if step.number != 2:
            return None
        try:
            step.state.question("lookups")
        except NotMeasuredError as wanted:
            return self.measure(wanted, accepted=accepted)
        except DatasetAssetsError:
            return None  # a table that is not chosen yet
        return None

    def sizes(self, step: Step, *, accepted: bool = False) -> Operation:
        """Count the rows of the draft of all answers. Raises ContractError if the draft breaks a rule."""
        wizard = step.wizard
        draft, suggestions = wizard.draft, step.state.suggestions
        proposal = propose_draft(step.state.context.catalog, wizard.stem, draft, suggestions)
        text = draft_text(draft, suggestions)
        return self.memory.sizes(self.server, proposal, text, self.page_id, accepted=accepted)

    def show(self, step: Step, status: int = 200, **context: Any) -> HTMLResponse:
        """Return the page of a step."""
        tables = step.state.context.tables
        return page(
            self.request, "wizard/step.html", status,
            **{
                "step": step, "steps": STEPS, "token": write_token(step.state.answers),
                "page_id": self.page_id, "tables": tables, "joins": None, "sizes": None,
                "faults": (), **context,
            },
        )  # fmt: skip

    def review(
        self, step: Step, status: int = 200, faults: Sequence[str] = (), **context: Any
    ) -> HTMLResponse:
        """Return the page that shows the file before it is written, with its faults."""
        text, wizard = "", step.wizard
        try:
            draft, suggestions = wizard.draft, step.state.suggestions
            text = draft_text(draft, suggestions)
            propose_draft(step.state.context.catalog, wizard.stem, draft, suggestions)
        except DatasetAssetsError as error:
            faults = faults or tuple(map(str, error.faults))
        return page(
            self.request, "wizard/review.html", status,
            **{
                "step": step, "steps": STEPS, "token": write_token(step.state.answers), "text": text,
                "page_id": self.page_id, "sizes": None, "faults": faults, "stem": wizard.stem,
                **context,
            },
        )  # fmt: skip

    def measuring(self, operation: Operation, number: int, token: str) -> HTMLResponse:
        """Return the page that says how far measuring is, what it costs, or why it failed."""
        return page(
            self.request, "wizard/measuring.html", operation=operation, number=min(number, REVIEW),
            token=token, steps=STEPS, page_id=self.page_id,
        )  # fmt: skip


def to_step(number: int, token: str, **query: str) -> RedirectResponse:
    """Return the redirection to a step with these answers."""
    return RedirectResponse(step_address(number, token, **query), 303)


def step_address(number: int, token: str, **query: str) -> str:
    """Return the address of a step with these answers."""
    return f"/new?{urlencode({'step': number, 'answers': token, **query})}"
