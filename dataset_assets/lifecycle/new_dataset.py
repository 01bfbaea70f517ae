"""Write the file of a new dataset from suggestions: the draft that accepts them, and its text."""

import re
from collections.abc import Iterator, Sequence

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.proposal import Proposal, propose
from dataset_assets.catalog.users import Users
from dataset_assets.discovery.suggestions.suggestion import Suggestions
from dataset_assets.errors import ContractError, Fault
from dataset_assets.lifecycle.create import checked_creation, create_dataset
from dataset_assets.lifecycle.draft import Draft, dataset_of
from dataset_assets.lifecycle.file_text import file_text
from dataset_assets.model import Model
from dataset_assets.text.wording import listed

NEXT_STEPS = ("check", "analyze {stem}", "lock {stem}", "activate {stem}", "materialize {stem}")
"""Commands that come after `new`, in this order."""


class NewDataset(Model):
    """A new file, or what it would be: its stem, path and text, and the suggestions that it rests on.

    `next` are the commands that come after it.
    """

    dataset: str
    file: str
    text: str
    written: bool
    suggestions: Suggestions
    next: tuple[str, ...]


def write_draft(
    catalog: Catalog, stem: str, draft: Draft, suggestions: Suggestions, *, dry_run: bool = False
) -> NewDataset:
    """Write the file of a draft, which is checked against every rule first.

    Raises ContractError with all faults, and writes nothing, if it breaks one or if the stem is taken.
    """
    created = create_dataset(catalog, stem, draft_text(draft, suggestions), dry_run=dry_run)
    return NewDataset(
        dataset=created.dataset,
        file=created.file,
        text=created.text,
        written=created.written,
        suggestions=suggestions,
        next=tuple(f"dataset-assets {step.format(stem=stem)}" for step in NEXT_STEPS),
    )


def propose_draft(catalog: Catalog, stem: str, draft: Draft, suggestions: Suggestions) -> Proposal:
    """Return the catalog as it would be with the file of a draft. Raises ContractError as `write_draft`."""
    text = draft_text(draft, suggestions)
    checked_creation(catalog, stem, text)
    return propose(catalog, stem, text)


def draft_text(draft: Draft, suggestions: Suggestions) -> str:
    """Return the text of a draft's file, with comments on what was measured.

    Raises ContractError for a reference to a column that does not exist.
    """
    dataset = dataset_of(draft, suggestions.columns)
    heading = "A draft: look it over, then activate it. The comments say what was measured when it was made."
    return file_text(dataset, dict(_comments(draft, suggestions)), heading)


def _comments(draft: Draft, suggestions: Suggestions) -> Iterator[tuple[str, str]]:
    """Yield a comment for each suggestion that the draft still has."""
    key = suggestions.natural_key_columns
    if key and key.columns == draft.natural_key_columns:
        yield "dataset.natural_key_columns", _sentence(key.reason)
    by_table = {each.table: each for each in suggestions.lookups}
    for number, lookup in enumerate(draft.lookups):
        found = by_table.get(lookup.table)
        if found and found.join_conditions == lookup.join_conditions:
            yield f"dataset.lookups[{number}].join_conditions", _sentence(found.reason)
    filters = suggestions.filters
    for name in ("date_range", "product_filter", "customer_filter"):
        found = getattr(filters, name)
        if found and found.value == getattr(draft.filters, name):
            yield f"dataset.filters.{name}", _sentence(found.reason)
    if suggestions.split_config and suggestions.split_config.value == draft.split_config:
        yield "dataset.split_config", _sentence(suggestions.split_config.reason)


def _sentence(reason: str) -> str:
    return f"{reason[:1].upper()}{reason[1:]}."


def name_of(stem: str) -> str:
    """Return a name for people from the stem of a file: `order_lines` is `Order lines`."""
    words = re.sub(r"_+", " ", stem).strip()
    return f"{words[:1].upper()}{words[1:]}"


def only_owner(users: Users) -> str:
    """Return the only user or team. Raises ContractError with the known ones if there are several or none."""
    known: Sequence[str] = list(users.root)
    if len(known) == 1:
        return known[0]
    hint = f"known: {listed(known)}" if known else "add it to users.yaml"
    raise ContractError(Fault("nothing says who owns the dataset", "owner", hint))


def columns_not_accepted(suggestions: Suggestions) -> Iterator[str]:
    """Yield a sentence for each suggestion that is a guess, so that no draft contains it unasked."""
    for concept, each in suggestions.column_mapping.items():
        if not each.confidence.is_accepted:
            yield f"`{concept}: {each.column}` is a guess: {each.reason}"
