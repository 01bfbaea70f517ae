"""The wizard without a terminal: questions, defaults, wrong answers, going back, and the draft."""

from collections.abc import Sequence

import pytest

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.discovery.suggestions.suggest import SuggestedTables, suggestions_of
from dataset_assets.discovery.tables import TableList, TableSummary
from dataset_assets.errors import ContractError
from dataset_assets.lifecycle.draft import Identity, draft_of
from dataset_assets.lifecycle.new_dataset import write_draft
from dataset_assets.lifecycle.wizard.state import WizardContext
from dataset_assets.lifecycle.wizard.wizard import KEYS, Wizard
from tests.discovery.plain_tables import PlainTable, facts_of
from tests.discovery.test_suggestions import CUSTOMERS, PRODUCTS, sales

WEATHER = PlainTable("weather", {"station": ("s", ["a", "b"]), "degrees": ("n", [1.5, 2.5])})
SHOP = {each.name: each for each in (sales(), PRODUCTS, CUSTOMERS, WEATHER)}


def suggest(tables: Sequence[str], main: str) -> SuggestedTables:
    facts = facts_of(*(SHOP[name] for name in dict.fromkeys(tables)), main=main)
    return SuggestedTables(facts.descriptions, suggestions_of(facts))


@pytest.fixture
def context(catalog: Catalog) -> WizardContext:
    tables = [
        TableSummary(
            name=each.name,
            resolver="shop",
            row_count=each.rows,
            last_modified=None,
            columns=tuple(each.columns),
        )
        for each in SHOP.values()
    ]
    broken = TableSummary(
        name="broken", resolver="shop", row_count=None, last_modified=None, columns=(), problem="is no file"
    )
    return WizardContext(catalog, TableList(tables=(*tables, broken)), suggest)


def at(wizard: Wizard, key: str, **answers: str) -> Wizard:
    """Return the wizard at a question, after these answers and the defaults of all other questions."""
    answers = {"name": "Winter", **{name.replace("__", "."): text for name, text in answers.items()}}
    while wizard.question and wizard.question.key != key:
        wizard = wizard.answer(answers.get(wizard.question.key, ""))
    return wizard


def finished(context: WizardContext, **answers: str) -> Wizard:
    return at(Wizard.begin(context), "", **answers)


def test_accepting_every_default_gives_the_suggested_draft(context):
    wizard = finished(context, owner="user-ann")
    assert wizard.stem == "winter"
    found = suggest(("sales", "products", "customers"), "sales").suggestions
    expected = draft_of(found, Identity(name="Winter", owner="user-ann"))
    assert wizard.draft == expected
    assert write_draft(context.catalog, wizard.stem, wizard.draft, wizard.state.suggestions).written


def test_the_questions_are_those_of_four_steps(context):
    wizard, steps = Wizard.begin(context), []
    while question := wizard.question:
        steps.append(question.step)
        assert question.help
        wizard = wizard.answer("Winter" if question.key == "name" else "")
    assert steps == sorted(steps)
    assert set(steps) == {1, 2, 3, 4}
    assert len(steps) == len(KEYS)


def test_choices_have_their_figures_beside_them(context):
    main = at(Wizard.begin(context), "main_table").question
    assert main
    assert main.default == "sales"
    assert {choice.value: choice.facts for choice in main.choices}["products"] == "12 rows"
    assert "broken" not in {choice.value for choice in main.choices}
    other = at(Wizard.begin(context), "other_tables").question
    assert other
    assert other.default == "products, customers"
    user = at(Wizard.begin(context), "column_mapping.user_id").question
    assert user
    assert user.required
    assert user.choices[0].value == "customer_id"
    assert user.choices[0].facts == "integer | 4 distinct | 1 to 4"
    assert "(high)" in user.reason
    time = at(Wizard.begin(context), "column_mapping.timestamp").question
    assert time
    assert [choice.facts for choice in time.choices] == [
        "timestamp | 120 distinct | 2025-01-01 to 2025-04-30"
    ]


WRONG = [
    ("name", " ", "the dataset name is required"),
    ("name", "a\x07", "characters that cannot be printed"),
    ("stem", "1st", "cannot name a dataset and its table"),
    ("stem", "sales", "there is a dataset 'sales' already"),
    ("description", "a\x07", "characters that cannot be printed"),
    ("owner", "bob", "'bob' is no owner of users.yaml; choose: user-ann, team-data"),
    ("ml_model", "\x1b[31m", "characters that cannot be printed"),
    ("main_table", "sale", "'sale' is no table that can be read; did you mean 'sales'?"),
    ("main_table", "broken", "'broken' is no table that can be read"),
    ("other_tables", "products, custom", "'custom' is no other table; did you mean 'customers'?"),
    ("other_tables", "sales", "'sales' is no other table"),
    ("lookups", "weather", "'weather' is no lookup"),
    ("mapped", "maybe", "'maybe' is neither yes nor no"),
    ("column_mapping.user_id", "-", "User/Customer ID is required"),
    ("column_mapping.user_id", "costumer_id", "did you mean 'customer_id'?"),
    (
        "column_mapping.timestamp",
        "order_id",
        "`order_id` is integer; choose a column of type date or timestamp",
    ),
    ("column_mapping.revenue", "products.title", "`products.title` is string"),
    ("column_mapping.category", "weather.station", "is no column of the chosen tables"),
    ("natural_key_columns", "order_id, products.title", "is no column of the main table"),
    ("extra_columns", "products.titel", "did you mean 'products.title'?"),
    ("date_range", "soon", "'soon' is no date range; write `rolling 6`"),
    ("date_range", "rolling 25", "the number of months '25' is no whole number from 1 to 24"),
    ("date_range", "2025-02-30 to 2025-03-01", "start_date is not a date"),
    ("date_range", "2025-03-01 to 2025-02-01", "end_date 2025-02-01 is before start_date 2025-03-01"),
    ("product_filter", "top", "the percentage '' is no whole number from 1 to 100"),
    ("product_filter", "best 80", "'best 80' is no product filter"),
    ("product_filter", "categories", "no category is named"),
    ("customer_filter", "0", "'0' is no whole number from 1 to"),
    ("customer_filter", "many", "'many' is no whole number"),
    ("split_config", "time_based 500", "500 days of eval leave nothing to train on of 120 days"),
    ("split_config", "random 100", "'100' is no whole number from 1 to 99"),
    ("split_config", "half", "'half' is no split; write `time_based 14`"),
]


@pytest.mark.parametrize(("key", "answer", "sentence"), WRONG)
def test_a_wrong_answer_gets_a_sentence_and_changes_nothing(context, key, answer, sentence):
    wizard = at(Wizard.begin(context), key)
    with pytest.raises(ContractError) as caught:
        wizard.answer(answer)
    assert sentence in str(caught.value)
    assert len(caught.value.faults) == 1
    assert wizard.question
    assert wizard.question.key == key


def test_every_question_has_a_wrong_answer_in_these_tests():
    assert {key for key, _, _ in WRONG} >= set(KEYS) - {
        f"column_mapping.{name}"
        for name in ("product_id", "city", "product_name", "subcategory", "transaction_id")
    }


def test_filters_need_what_they_read(context):
    wizard = at(
        Wizard.begin(context), "product_filter", column_mapping__revenue="-", column_mapping__category="-"
    )
    for answer, sentence in (("top 80", "needs a revenue"), ("categories A", "needs a category")):
        with pytest.raises(ContractError, match=sentence):
            wizard.answer(answer)
    numbers = at(Wizard.begin(context), "product_filter", column_mapping__category="order_id",
                 column_mapping__transaction_id="-")  # fmt: skip
    with pytest.raises(ContractError, match="holds no texts"):
        numbers.answer("categories A")


def test_answers_are_kept_when_going_back(context):
    wizard = at(Wizard.begin(context), "split_config", customer_filter="3", stem="cold_winter")
    for _ in KEYS:
        wizard = wizard.back()
    assert wizard.question
    assert wizard.question.key == "name"
    assert wizard.back() == wizard
    while wizard.question:
        wizard = wizard.answer("")
    assert wizard.stem == "cold_winter"
    assert wizard.draft.filters.customer_filter.model_dump()["value"] == 3


def test_an_answer_that_a_changed_table_makes_wrong_is_asked_anew(context):
    wizard = at(Wizard.begin(context), "column_mapping.city", column_mapping__revenue="sales_value")
    wizard = wizard.answer("customers.city")
    while wizard.question and wizard.question.key != "other_tables":
        wizard = wizard.back()
    wizard = at(wizard.answer("products"), "column_mapping.city")
    assert wizard.question
    assert wizard.question.default == "-"
    assert "customers" not in [choice.value.partition(".")[0] for choice in wizard.question.choices]


def test_tables_without_concepts_become_a_contract(context):
    wizard = at(Wizard.begin(context), "mapped", main_table="weather", other_tables="-")
    assert wizard.question
    assert wizard.question.default == "no"
    assert wizard.question.reason.startswith("it needs `user_id` and `product_id` and `timestamp`")
    draft = at(wizard, "").draft
    assert draft.column_mapping is None
    assert draft.split_config is None


def test_answers_choose_every_kind_of_filter_and_split(context):
    draft = finished(
        context,
        date_range="rolling 3",
        product_filter="categories d0, d1",
        customer_filter="min_transactions 2",
        split_config="random 70",
        lookups="products",
        natural_key_columns="-",
        extra_columns="-",
        description="What was bought",
        ml_model="ranking",
    ).draft
    assert draft.model_dump(mode="json", include={"filters", "split_config", "ml_model", "description"}) == {
        "description": "What was bought",
        "ml_model": "ranking",
        "filters": {
            "date_range": {"type": "rolling", "months": 3},
            "product_filter": {"type": "categories", "value": ["d0", "d1"]},
            "customer_filter": {"type": "min_transactions", "value": 2},
            "fit_on": "train",
        },
        "split_config": {
            "strategy": "random", "train_percent": 70, "test_percent": 0, "unit": "user",
            "null_unit": "together", "folds": None, "seed": 0,
        },
    }  # fmt: skip
    assert [each.alias for each in draft.lookups] == ["products"]
    assert (draft.natural_key_columns, draft.extra_columns) == ((), ())
    bare = finished(context, product_filter="cumulative 80", split_config="none", date_range="none").draft
    assert bare.split_config is None
    assert bare.filters.fit_on == "all"
    assert bare.filters.date_range is None
