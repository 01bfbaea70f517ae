"""The questions of a step as fields of a form, and the answers that a sent form has."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from starlette.datastructures import FormData

from dataset_assets.interfaces.web.pages.wizard.kinds import KINDS, Kind
from dataset_assets.lifecycle.wizard.question import Choice, Question
from dataset_assets.lifecycle.wizard.state import NONE

SHOWN = "shown"
"""The name under which a form lists the keys of its questions: unticked boxes send nothing."""
_FREE = ("name", "stem", "description", "ml_model")


class Widget(StrEnum):
    """How a question is shown."""

    TEXT = "text"
    SELECT = "select"
    RADIO = "radio"
    CHECKS = "checks"
    KINDS = "kinds"


@dataclass(frozen=True)
class KindField:
    """A kind with the values of its inputs by name."""

    kind: Kind
    chosen: bool
    values: Mapping[str, str]


@dataclass(frozen=True)
class Field:
    """A question as it is shown. `values` are the chosen values; a text has exactly one."""

    question: Question
    values: tuple[str, ...]
    kinds: tuple[KindField, ...] = ()
    error: str = ""

    @property
    def key(self) -> str:
        """The key of the question."""
        return self.question.key

    @property
    def widget(self) -> Widget:
        """How the question is shown."""
        return widget_of(self.question)

    @property
    def value(self) -> str:
        """The chosen value, or the text."""
        return next(iter(self.values), "")

    @property
    def facts(self) -> str:
        """The facts about the chosen value; empty if it has none or if several can be chosen."""
        if self.widget is not Widget.SELECT:
            return ""
        return next((each.facts for each in self.question.choices if each.value == self.value), "")

    @property
    def choices(self) -> Sequence[Choice]:
        """The choices of a select, with one for no value where the question permits it."""
        question = self.question
        if self.widget is not Widget.SELECT:
            return question.choices
        none = [] if question.required else [Choice(value="-", facts="None selected")]
        return [*none, *question.choices]


def widget_of(question: Question) -> Widget:
    """Return how a question is shown."""
    if question.key in KINDS:
        return Widget.KINDS
    if question.several:
        return Widget.CHECKS
    if question.key == "mapped":
        return Widget.RADIO
    return Widget.SELECT if question.choices and question.key not in _FREE else Widget.TEXT


def field_of(question: Question) -> Field:
    """Return the field of a question with its default."""
    default = question.default
    match widget_of(question):
        case Widget.KINDS:
            return Field(question, (default,), tuple(_kinds(question.key, default)))
        case Widget.CHECKS:
            chosen = [] if default.strip() in NONE else default.split(",")
            return Field(question, tuple(part.strip() for part in chosen))
        case Widget.TEXT:
            return Field(question, ("" if default.strip() in NONE else default,))
    return Field(question, (default,))


def _kinds(key: str, answer: str) -> Iterator[KindField]:
    """Yield the kinds of a question, of which the first that reads the answer is chosen."""
    found = False
    for kind in KINDS[key]:
        values = None if found else kind.read(answer)
        initial = {each.name: each.initial for each in kind.inputs}
        yield KindField(kind, values is not None, {**initial, **(values or {})})
        found = found or values is not None


def sent_field(question: Question, form: FormData) -> Field:
    """Return the field of a question with what a form has for it."""
    key = question.key
    match widget_of(question):
        case Widget.KINDS:
            kinds = tuple(
                KindField(
                    kind,
                    _text(form, key) == kind.name,
                    {each.name: _text(form, f"{key}.{kind.name}.{each.name}") for each in kind.inputs},
                )
                for kind in KINDS[key]
            )
            return Field(question, (_text(form, key),), kinds)
        case Widget.CHECKS:
            known = {each.value for each in question.choices}
            ticked = (str(each) for each in form.getlist(key))
            return Field(question, tuple(each for each in ticked if each in known))
    return Field(question, (_text(form, key),))


def answer_of(field: Field) -> tuple[str, str]:
    """Return the wizard's answer of a field, and what is missing in it; empty if nothing is."""
    if field.widget is Widget.KINDS:
        chosen = next((each for each in field.kinds if each.chosen), None)
        if chosen is None:
            return "", "choose one of these"
        missing = [each for each in chosen.kind.inputs if not chosen.values[each.name]]
        if missing:
            name = f"“{missing[0].before or missing[0].after}” has no value"
            return "", f"{chosen.kind.label}: {name}"
        return chosen.kind.answer.format_map(chosen.values), ""
    if field.widget is Widget.CHECKS:
        return ", ".join(field.values) or "-", ""
    if not field.value and not field.question.required:
        return "-", ""
    return field.value, ""


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""
