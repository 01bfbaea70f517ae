"""The answers of the wizard as a text, and the fields of its forms and of the form that edits a file."""

import json
import zlib
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import FormData

from dataset_assets.catalog.users import Users
from dataset_assets.errors import ContractError
from dataset_assets.interfaces.web.pages.changing.settings import edit_fields, edits_of
from dataset_assets.interfaces.web.pages.wizard.fields import answer_of, field_of, sent_field
from dataset_assets.interfaces.web.pages.wizard.kinds import KINDS
from dataset_assets.interfaces.web.pages.wizard.steps import STEP_OF_KEY
from dataset_assets.interfaces.web.pages.wizard.token import MOST_CHARACTERS, read_token, write_token
from dataset_assets.lifecycle.wizard.question import Choice, Question
from dataset_assets.lifecycle.wizard.wizard import KEYS

FILE = {
    "name": "Sales",
    "owner": "user-ann",
    "filters": {"date_range": {"type": "rolling", "months": "2"}, "fit_on": "train"},
}


def packed(data: str) -> str:
    return urlsafe_b64encode(zlib.compress(data.encode())).decode().rstrip("=")


@given(st.dictionaries(st.sampled_from(KEYS), st.text(max_size=200)))
def test_answers_survive_as_a_text(answers):
    assert read_token(write_token(answers)) == answers


@pytest.mark.parametrize(
    "token",
    [
        "nonsense", "é", packed("[1]"), packed('{"nope": "1"}'), packed('{"name": 1}'), packed("{"),
        packed('{"name": "x"}')[:-9],
    ],
)  # fmt: skip
def test_a_damaged_text_is_refused(token):
    with pytest.raises(ContractError, match="damaged"):
        read_token(token)


def test_a_text_that_would_fill_the_memory_is_refused():
    with pytest.raises(ContractError, match="damaged"):
        read_token(packed(json.dumps({"name": "x" * MOST_CHARACTERS})))


def question(key: str, default: str = "", **more: object) -> Question:
    return Question.model_validate(
        {"key": key, "step": STEP_OF_KEY[key], "label": "", "help": "", "default": default} | more
    )


@pytest.mark.parametrize(
    ("key", "answer", "kind"),
    [
        ("date_range", "rolling 6", "rolling"),
        ("date_range", "2024-07-01 to 2024-12-31", "fixed"),
        ("date_range", "none", "none"),
        ("product_filter", "cumulative 80", "cumulative"),
        ("product_filter", "top 5", "top"),
        ("product_filter", "categories A, B", "categories"),
        ("customer_filter", "2", "least"),
        ("customer_filter", "none", "none"),
        ("split_config", "time_based 14", "time_based"),
        ("split_config", "random 80", "random"),
    ],
)
def test_each_answer_is_one_kind_with_its_inputs(key, answer, kind):
    field = field_of(question(key, answer))
    assert [each.kind.name for each in field.kinds if each.chosen] == [kind]
    assert answer_of(field) == (answer, "")


def test_every_input_of_the_chosen_kind_is_required():
    for key, kinds in KINDS.items():
        for kind in kinds:
            text, missing = answer_of(sent_field(question(key), FormData([(key, kind.name)])))
            assert bool(missing) is bool(kind.inputs)
            assert text == ("" if kind.inputs else kind.answer)
    assert answer_of(sent_field(question("split_config"), FormData())) == ("", "choose one of these")


def test_no_ticked_box_is_an_answer_and_unknown_values_are_none():
    boxes = question("other_tables", "a", several=True, choices=(Choice(value="a"), Choice(value="b")))
    assert answer_of(sent_field(boxes, FormData())) == ("-", "")
    sent = FormData([("other_tables", "b"), ("other_tables", "z"), ("other_tables", "a")])
    assert answer_of(sent_field(boxes, sent)) == ("b, a", "")


def form_of_file(**changes: str) -> FormData:
    """Return what a browser sends of the form of FILE, with some fields changed."""
    fields = edit_fields(FILE, Users.model_validate({"user-ann": {"email": "ann@example.com"}}))
    sent = {each.key: "kept" if each.kinds else each.value for each in fields}
    return FormData(sent | {key.replace("__", "."): value for key, value in changes.items()})


def test_a_form_that_nobody_changed_edits_nothing():
    assert edits_of(FILE, form_of_file()) == ([], [])


def test_changed_fields_are_the_edits():
    form = form_of_file(
        name='"Quoted" sales',
        description="New",
        filters__date_range="none",
        split_config="random",
        split_config__random__percent="70",
    )
    assert edits_of(FILE, form) == (
        [
            'name="\\"Quoted\\" sales"',
            "description=New",
            "split_config={strategy: random, train_percent: 70, unit: user}",
        ],
        ["filters.date_range"],
    )


def test_an_emptied_required_field_is_not_removed():
    assert edits_of(FILE, form_of_file(name="", filters__fit_on="all")) == (
        ["name=", "filters.fit_on=all"],
        [],
    )
