"""One step of the wizard: its fields as they are now, and the answers of a form that was sent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from starlette.datastructures import FormData

from dataset_assets.errors import DatasetAssetsError
from dataset_assets.interfaces.web.pages.wizard.fields import SHOWN, Field, answer_of, field_of, sent_field
from dataset_assets.interfaces.web.pages.wizard.measuring import NotMeasuredError
from dataset_assets.lifecycle.wizard.question import Question
from dataset_assets.lifecycle.wizard.state import State, WizardContext
from dataset_assets.lifecycle.wizard.wizard import ASKS, KEYS, Wizard

REVIEW = 5
"""The number of the page after the four steps, which shows the file before it is written."""
_FROM_ANOTHER = "stem"
"""The question that an empty text answers with its default, which is made from the name."""
STEP_OF_KEY: Mapping[str, int] = {
    key: 1 if key in ("name", "stem", "description", "owner", "ml_model")
    else 2 if key in ("main_table", "other_tables", "lookups")
    else 4 if key in ("date_range", "product_filter", "customer_filter", "split_config")
    else 3
    for key in KEYS
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A step with the state of all answers, and its fields by key."""

    number: int
    state: State
    fields: Mapping[str, Field]

    @property
    def wrong(self) -> tuple[Field, ...]:
        """The fields whose answers are wrong."""
        return tuple(each for each in self.fields.values() if each.error)

    @property
    def wizard(self) -> Wizard:
        """The wizard with the answers, for its draft."""
        return Wizard(self.state, len(KEYS))


def begin(context: WizardContext, answers: Mapping[str, str]) -> State:
    """Return the state of answers that were given before."""
    return State(context, ASKS, answers)


def keys_of(number: int) -> Iterator[str]:
    """Yield the keys of a step's questions in the order of asking."""
    return (key for key in KEYS if STEP_OF_KEY[key] == number)


def shown_step(state: State, number: int) -> Step:
    """Return a step with the answers so far and the suggestions for everything else."""
    fields = {}
    for key in keys_of(number):
        question = _question(state, key)
        if question:
            fields[key] = field_of(question)
    return Step(number, state, fields)


def sent_step(state: State, number: int, form: FormData, anew: Sequence[str] = ()) -> Step:
    """Return a step with the answers of a form; a wrong answer has its error, and the state lacks it.

    The questions `anew` get their suggestions, whatever the form has for them.
    """
    shown = {str(each) for each in form.getlist(SHOWN)} - set(anew)
    state = replace(state, answers={key: text for key, text in state.answers.items() if key not in anew})
    fields = {}
    for key in keys_of(number):
        question = _question(state, key)
        if question is None:
            continue
        if key not in shown:
            fields[key] = field_of(question)
            continue
        field = sent_field(question, form)
        text, missing = answer_of(field)
        error = missing or _error(state, key, text)
        fields[key] = replace(field, error=error)
        if not error:
            state = _with(state, key, text)
    return Step(number, state, fields)


def _question(state: State, key: str) -> Question | None:
    """Return a question; None if it does not apply, or rests on an answer that is wrong.

    Raises NotMeasuredError if it rests on tables that are not measured; of step 2 only the joins do, which
    are shown once they are.
    """
    try:
        return state.question(key)
    except DatasetAssetsError:
        return None
    except NotMeasuredError:
        if key == "lookups":
            return None
        raise


def _with(state: State, key: str, text: str) -> State:
    answers = {**state.answers, key: text}
    if key == _FROM_ANOTHER and not text:
        del answers[key]
    return replace(state, answers=answers)


def _error(state: State, key: str, text: str) -> str:
    """Return the sentence for a wrong answer; empty if it is right."""
    if key == _FROM_ANOTHER and not text:
        if not state.default("name"):
            return ""  # the name is what is missing
        text = replace(state, answers={**state.answers, key: ""}).default(key)
    try:
        ASKS[key].parse(state, text)
    except DatasetAssetsError as error:
        fault = error.faults[0]
        return f"{fault.message}; {fault.hint}" if fault.hint else fault.message
    return ""


def first_wrong_step(state: State, before: int) -> int | None:
    """Return the first step before another one that lacks a required answer or has a wrong one."""
    for key in KEYS:
        if STEP_OF_KEY[key] >= before:
            return None
        text = state.answers.get(key, "")
        if state.question(key) and _error(state, key, text or state.default(key)):
            return STEP_OF_KEY[key]
    return None
