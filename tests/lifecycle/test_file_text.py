"""The text of a dataset's file loads as the same dataset, and reads as a person would have written it."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.contract.model import Dataset
from dataset_assets.errors import ContractError
from dataset_assets.lifecycle.file_text import WIDTH, file_text
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import read

ROOT = Path(__file__).parents[2]
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,8}", fullmatch=True) | st.sampled_from(
    ["on", "yes", "null", "No"]
)
REFS = NAMES | st.tuples(NAMES, NAMES).map(".".join)
WEIRD = st.sampled_from(
    [
        *(
            "yes",
            "null",
            "~",
            "010",
            "1e3",
            "2026-01-01",
            "a: b",
            "# no",
            "- x",
            "{a}",
            "'q'",
            '"',
            "&x",
            "*y",
        ),
        *("!t", "%", "@", "`", "a\nb", " a", "b ", "größe", "\u2028", "\ufeffx", "a\tb", "?", "a #b", ":"),
        *("[", ",", "|", ">"),
    ]
)
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cf", "Co", "Cn"])
TEXTS = (WEIRD | st.text(LETTERS, min_size=1, max_size=120)).filter(str.strip)
COLUMNS = st.lists(
    st.fixed_dictionaries(
        {
            "name": NAMES,
            "type": st.sampled_from(["string", "integer", "decimal", "boolean", "date", "timestamp"]),
        },
        optional={"nullable": st.booleans(), "description": TEXTS, "sensitive": st.booleans()},
    ),
    min_size=1,
    max_size=4,
)
TABLES = st.fixed_dictionaries({"name": NAMES, "columns": COLUMNS})
TARGETS = TABLES.map(lambda table: {"type": "table", **table}) | st.uuids().map(
    lambda id_: {"type": "dataset", "id": str(id_)}
)
LOOKUPS = st.lists(
    st.fixed_dictionaries(
        {
            "target": TARGETS,
            "join_conditions": st.lists(
                st.fixed_dictionaries({"source_column": REFS, "target_column": NAMES}), min_size=1, max_size=3
            ),
        },
        optional={"alias": NAMES},
    ),
    max_size=3,
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "date_range": st.sampled_from(
            [
                {"type": "rolling", "months": 6},
                {"type": "fixed", "start_date": "2025-01-01", "end_date": "2025-02-01"},
            ]
        ),
        "product_filter": st.sampled_from([{"type": "top_revenue_percent", "value": 80}])
        | st.lists(TEXTS, min_size=1, max_size=40).map(lambda names: {"type": "categories", "value": names}),
        "customer_filter": st.just({"type": "min_transactions", "value": 2}),
        "fit_on": st.sampled_from(["all", "train"]),
    },
)
DATASETS = st.fixed_dictionaries(
    {"name": TEXTS, "owner": TEXTS, "main_table": TABLES},
    optional={
        "id": st.uuids().map(str),
        "description": TEXTS,
        "version": st.integers(1, 9),
        "status": st.sampled_from(["draft", "active", "disabled", "archived"]),
        "resolver_id": TEXTS,
        "created_at": st.datetimes().map(lambda each: f"{each.isoformat()}Z"),
        "ml_model": TEXTS,
        "natural_key_columns": st.lists(NAMES, max_size=4),
        "lookups": LOOKUPS,
        "column_mapping": st.fixed_dictionaries(
            {"user_id": REFS, "product_id": REFS, "timestamp": REFS}, optional={"revenue": REFS, "city": REFS}
        ),
        "extra_columns": st.lists(REFS, max_size=20),
        "filters": FILTERS,
        "split_config": st.sampled_from(
            [
                {"strategy": "time_based", "eval_days": 14},
                {"strategy": "random", "train_percent": 80, "unit": "user"},
            ]
        ),
        "partitions": st.fixed_dictionaries({"period": TEXTS, "start": TEXTS}),
        "refresh": st.sampled_from([{"on": "upstream"}, {"cron": "0 6 * * *", "paused": True}]),
        "freshness": st.just({"within": "26h"}),
        "drift": st.just({"row_count": "30.5", "categories": True}),
        "allow_empty": st.booleans(),
    },
)


def loaded(text: str) -> Dataset:
    return build(read(text, "x.yaml"), Dataset, "dataset")


@settings(max_examples=150, deadline=None)
@given(DATASETS, TEXTS)
def test_loading_the_text_gives_the_dataset_back(data, heading):
    try:
        dataset = Dataset.model_validate(data)
    except ValueError:  # a date out of range
        return
    text = file_text(dataset, {"dataset.main_table": heading}, heading.replace("\n", " "))
    assert loaded(text) == dataset


@pytest.mark.parametrize("stem", sorted(load_catalog(ROOT / "definitions").entries))
def test_the_files_of_the_demo_are_written_as_they_are(stem):
    """Comments and the layout of long lists aside, the lines are those that a person wrote."""
    entry = load_catalog(ROOT / "definitions").entries[stem]
    assert entry.dataset
    text = file_text(entry.dataset)
    assert loaded(text) == entry.dataset
    written = {_bare(line) for line in entry.path.read_text().splitlines()}
    other = [line for line in map(_bare, text.splitlines()) if line not in written]
    assert len(other) <= 5, other


def _bare(line: str) -> str:
    """Return a line without its comment, its indentation and its quotation marks."""
    return line.partition("  #")[0].strip().replace('"', "").replace("'", "")


def test_long_values_are_broken_and_comments_are_wrapped():
    columns = [{"name": f"column_number_{number}", "type": "string"} for number in range(12)]
    names = [column["name"] for column in columns]
    table = {"name": "t", "columns": columns}
    data = {"name": "x", "owner": "y", "main_table": table, "natural_key_columns": names}
    text = file_text(Dataset.model_validate(data), {"dataset.natural_key_columns": "word " * 60})
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "    - column_number_0\n" in text
    assert text.count("  # word") > 2


def test_a_character_that_no_file_may_hold_is_refused_by_loading():
    dataset = Dataset.model_validate(
        {
            "name": "a\u202eb",
            "owner": "y",
            "main_table": {"name": "t", "columns": [{"name": "c", "type": "date"}]},
        }
    )
    with pytest.raises(ContractError, match="202E"):
        loaded(file_text(dataset))
