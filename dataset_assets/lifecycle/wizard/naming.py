"""Step 1 of the wizard: name, file, description, owner and model."""

import re

from dataset_assets.lifecycle.create import refuse_taken_stem
from dataset_assets.lifecycle.wizard.parsing import parse_choice, parse_optional, parse_text
from dataset_assets.lifecycle.wizard.question import FOR_NONE, Choice, Question
from dataset_assets.lifecycle.wizard.state import Ask, State


def stem_of(name: str) -> str:
    """Return a file name from a name for people: `Q4 2024: training` is `q4_2024_training`."""
    stem = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
    return (stem if stem[:1].isalpha() else f"dataset_{stem}".rstrip("_"))[:60]


def _name(state: State) -> Question:  # noqa: ARG001 - every builder receives the state
    help_text = "The name for people. It is free to change later; machines use the name of the file."
    return Question(key="name", step=1, label="Dataset name", help=help_text, required=True)


def _stem(state: State) -> Question:
    name = state.default("name")
    return Question(
        key="stem",
        step=1,
        label="File name",
        help="The name of the file without .yaml. It names the dataset's table and asset as well.",
        default=stem_of(name) if name else "",
        reason="from the name" if name else "",
        required=True,
    )


def _parse_stem(state: State, text: str) -> str:
    stem = parse_text(text, "the file name").removesuffix(".yaml")
    refuse_taken_stem(state.context.catalog, stem)
    return stem


def _description(state: State) -> Question:  # noqa: ARG001
    help_text = "What the rows are, for whoever finds the dataset."
    return Question(key="description", step=1, label="Description", help=help_text, syntax=FOR_NONE)


def _owner(state: State) -> Question:
    users = state.context.catalog.users.root
    return Question(
        key="owner",
        step=1,
        label="Owner",
        help="A user or team of users.yaml, who is notified when a run fails.",
        default=next(iter(users), ""),
        reason="the first of users.yaml" if users else "",
        required=True,
        choices=tuple(Choice(value=name, facts=user.address) for name, user in users.items()),
    )


def _parse_owner(state: State, text: str) -> str:
    users = state.context.catalog.users.root
    return parse_choice(text, users, "owner of users.yaml") if users else parse_text(text, "the owner")


def _model(state: State) -> Question:
    datasets = (entry.dataset for entry in state.context.catalog.entries.values())
    models = sorted({each.ml_model for each in datasets if each and each.ml_model})
    return Question(
        key="ml_model",
        step=1,
        label="Model",
        help="The model that is trained on the dataset; it groups datasets.",
        syntax=FOR_NONE,
        choices=tuple(Choice(value=name) for name in models),
    )


NAMING = (
    Ask("name", _name, lambda _, text: parse_text(text, "the dataset name")),
    Ask("stem", _stem, _parse_stem),
    Ask("description", _description, lambda _, text: parse_optional(text, "the description")),
    Ask("owner", _owner, _parse_owner),
    Ask("ml_model", _model, lambda _, text: parse_optional(text, "the model")),
)
