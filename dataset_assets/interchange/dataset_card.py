"""Write the dataset card of a publication in Markdown: contents, sources, and how to load it."""

from collections.abc import Iterator
from typing import Any

from dataset_assets.contract.settings_text import settings_text
from dataset_assets.interchange.publication_facts import PublicationFacts
from dataset_assets.publishing.loaded_periods import loads_of
from dataset_assets.rows.visible_rows import deleted_rows
from dataset_assets.text.markdown import code_block, code_cell, escaped, table
from dataset_assets.text.wording import listed

_MOST_VALUES = 5
_LONGEST_VALUE = 40
_COLUMNS = ("column", "type", "nullable", "sensitive", "read from", "description")
_STATISTICS = ("column", "distinct", "nulls %", "min", "max", "mean", "most frequent")

Rows = Iterator[tuple[str, ...]]


def dataset_card(facts: PublicationFacts) -> str:
    """Return the card. It has no value of a sensitive column (BR-142)."""
    sections = (
        ("", _table(("what", "value"), _facts(facts))),
        ("Splits", _table(("split", "rows", "share"), _splits(facts))),
        ("Columns", _table(_COLUMNS, _columns(facts))),
        ("Statistics", _table(_STATISTICS, _statistics(facts))),
        ("Selection", _table(("setting", "value"), _selection(facts))),
        ("Sources", _table(("source", "version"), _sources(facts))),
        ("Checks", _table(("check", "result", "finding"), _checks(facts))),
        ("How to load it", _loading(facts)),
    )
    parts = [f"## {title}\n\n{text}" if title else text for title, text in sections if text]
    description = [escaped(facts.current.description)] if facts.current.description else []
    return "\n\n".join([f"# {escaped(facts.current.name)}", *description, *parts]) + "\n"


def _table(columns: tuple[str, ...], rows: Rows) -> str:
    """Return a table; empty text without rows."""
    every = list(rows)
    return table(columns, every) if every else ""


def _facts(facts: PublicationFacts) -> Rows:
    record, dataset = facts.record, facts.dataset
    yield "dataset", code_cell(facts.stem)
    owner = f" ({facts.owner.address})" if facts.owner else ""
    yield "owner", escaped(f"{facts.current.owner}{owner}")
    if dataset.ml_model:
        yield "model", escaped(dataset.ml_model)
    yield "version of the definition", str(record["version"])
    if record["period"]:
        yield "Period", escaped(record["period"])
    loads = loads_of(record)
    if loads:
        yield "Periods that were loaded", escaped(listed(loads, 60))
    yield "looks back from", escaped(record["as_of"])
    if record.get("window"):
        begin, end = record["window"]
        yield "window", escaped(f"{begin} to {end}, without the end")
    yield "published at", escaped(record["published_at"])
    yield "rows", f"{facts.rows:,}"
    if deleted_rows(record):
        yield "rows that were deleted by hand", f"{deleted_rows(record):,}"
    yield "natural key", ", ".join(map(code_cell, dataset.natural_key_columns)) or "none"
    yield "table", code_cell(facts.table_name)
    yield "version of the table", str(facts.table_version)
    yield "digest of the rows", code_cell(record["digest"])


def _splits(facts: PublicationFacts) -> Rows:
    total = sum(facts.splits.values())
    for name, rows in facts.splits.items():
        yield name, f"{rows:,}", f"{rows * 100 / total:.2f} %" if total else ""


def _columns(facts: PublicationFacts) -> Rows:
    for each in facts.columns:
        source = code_cell(f"{each.source}.{each.source_column}") if each.source else "the split"
        marks = ("yes" if each.nullable else "no", "yes" if each.sensitive else "no")
        yield code_cell(each.name), each.type.value, *marks, source, escaped(each.description)


def _statistics(facts: PublicationFacts) -> Rows:
    for each in facts.columns:
        found = each.statistics
        if found is None:
            continue
        counts = (code_cell(each.name), f"{found.cardinality:,}", f"{found.null_percent:.2f}")
        if each.sensitive:
            yield *counts, "(sensitive)", "", "", ""
            continue
        mean = "" if found.mean is None else f"{found.mean:.6g}"
        frequent = [f"{_value(top.value)} ({top.rows:,})" for top in found.top_values[:_MOST_VALUES]]
        yield *counts, _value(found.min), _value(found.max), mean, ", ".join(frequent)


def _value(value: Any) -> str:
    return escaped(_shortened("" if value is None else str(value)))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def _selection(facts: PublicationFacts) -> Rows:
    dataset = facts.dataset
    filters = dataset.filters
    masked = ("value",) if facts.masks_product_filter else ()
    settings = (
        ("date range", settings_text(filters.date_range)),
        ("product filter", settings_text(filters.product_filter, masked)),
        ("customer filter", settings_text(filters.customer_filter)),
        ("filters are fitted on", filters.fit_on),
        ("split", settings_text(dataset.split_config)),
    )
    yield from ((name, escaped(text)) for name, text in settings if text)


def _sources(facts: PublicationFacts) -> Rows:
    for name, version in facts.record["sources"].items():
        yield code_cell(name), code_cell(_shortened(version)) if version else "unknown"


def _checks(facts: PublicationFacts) -> Rows:
    """Yield the checks; a rule with values of a column that is sensitive now has its words of today."""
    rules = {each.check_name: each for each in facts.dataset.quality if each.is_masked(facts.sensitive)}
    for each in facts.record["checks"]:
        rule = rules.get(each["name"])
        message = rule.words(facts.sensitive) if rule else each["message"]
        yield code_cell(each["name"]), "passed" if each["passed"] else "failed", escaped(message)


def _loading(facts: PublicationFacts) -> str:
    """Return how to read exactly these rows, in Python and in the terminal."""
    period, version = facts.record["period"], facts.table_version
    in_python = f"partition={period!r}, " if period else ""
    in_terminal = f"--partition {period} " if period else ""
    python = (
        "from dataset_assets.interfaces.reading import read_pandas\n\n"
        f"rows = read_pandas({facts.stem!r}, {in_python}version={version})"
    )
    terminal = f"dataset-assets read {facts.stem} {in_terminal}--version {version} -o {facts.stem}.parquet"
    return f"{code_block(python, 'python')}\n\n{code_block(terminal, 'sh')}"
