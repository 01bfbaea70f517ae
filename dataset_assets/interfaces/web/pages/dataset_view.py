"""What the page of a dataset shows, in the words of people."""

from collections.abc import Iterator, Mapping
from typing import Any

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.structures import structure
from dataset_assets.contract.model import Dataset, Status
from dataset_assets.contract.scope import Scope
from dataset_assets.contract.structure_words import filter_words, split_words
from dataset_assets.errors import near
from dataset_assets.interfaces.web.pages.charts import Chart, Share, histogram, top_values
from dataset_assets.lifecycle.compare import publication_reference, record_statistics, sensitive_columns
from dataset_assets.lifecycle.published_facts import PublishedFacts
from dataset_assets.lifecycle.row_change_words import row_change_in_words
from dataset_assets.model import Model
from dataset_assets.ports.warehouse import Record
from dataset_assets.publishing.loaded_periods import known_as_of
from dataset_assets.rows.visible_rows import deleted_rows
from dataset_assets.stats.statistics import ColumnStatistics
from dataset_assets.text.wording import listed

_IDENTIFIERS = frozenset({"user_id", "product_id", "transaction_id"})
"""Concepts whose distribution of values has no meaning."""
_MEANS: Mapping[Status, str] = {
    Status.DRAFT: "A draft is published by hand only.",
    Status.DISABLED: "Projects that use it go on; new ones cannot.",
    Status.ARCHIVED: "It is hidden from the list and not refreshed.",
}


class LookupView(Model):
    """A lookup: its name, what it reads, a link if that is a dataset, and its join conditions."""

    name: str
    reads: str
    dataset: str
    conditions: tuple[tuple[str, str], ...]


class ColumnView(Model):
    """The statistics of one column, its chart, and its most frequent values."""

    name: str
    statistics: ColumnStatistics
    chart: Chart | None
    top: tuple[Share, ...]


class PublicationView(Model):
    """One publication as a line of a table. `reference` names it for a comparison.

    `by_hand` describes the change of rows by hand that made it; empty for a publication of a run.
    """

    reference: str
    period: str | None
    version: int
    published_at: str
    as_of: str
    rows: int
    added: int
    changed: int
    removed: int
    deleted: int
    by_hand: str
    digest: str
    run_id: str
    size_bytes: int | None
    expired_at: str
    pinned: bool
    current: bool


def selection_facts(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Yield what a dataset selects, setting by setting."""
    form = structure(dataset)
    filters: Mapping[str, Any] = form.get("filters", {})
    for setting, label in (
        ("date_range", "Date range"),
        ("product_filter", "Products"),
        ("customer_filter", "Customers"),
    ):
        part = filters.get(setting)
        yield label, _sentence(filter_words(setting, part) or str(part))
    if dataset.filters.fitted_on_train:
        yield "Filters are fitted on", "Train rows only"
    yield "Split", _sentence(split_words(form.get("split_config")) or str(form.get("split_config")))
    yield "Natural key", ", ".join(dataset.natural_key_columns) or "None"


def settings(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Yield how a dataset is published and watched, setting by setting."""
    partitions, refresh = dataset.partitions, dataset.refresh
    if partitions:
        until = f" to {partitions.end}" if partitions.end else ""
        yield "Published by", f"{partitions.period} from {partitions.start}{until}"
    else:
        yield "Published", "As a whole"
    table = dataset.main_table
    if table.bitemporal:
        valid = f"{table.valid_from} to {table.valid_to or 'no end'}" if table.valid_from else "its Period"
        yield "Bitemporal, valid in", valid
    if refresh is None:
        yield "Refresh", "By hand"
    else:
        when = f"After each tick of {refresh.cron}" if refresh.cron else "When a source changed"
        yield "Refresh", f"{when} (paused)" if refresh.paused else when
    if dataset.freshness:
        yield "Late after", dataset.freshness.within
    if dataset.drift:
        yield "Drift", f"Compared with the last {dataset.drift.over} publications"
    if dataset.quality:
        yield "Quality rules", listed(each.name for each in dataset.quality)


def status_remark(dataset: Dataset) -> str:
    """Return what the status of a dataset means; empty text for an active one."""
    return _MEANS.get(dataset.status, "")


def lookup_views(scope: Scope) -> Iterator[LookupView]:
    """Yield the lookups of a dataset with their conditions."""
    for source in scope.lookups:
        if source.lookup:
            yield LookupView(
                name=source.name,
                reads=source.reads,
                dataset=source.nested.stem if source.nested else "",
                conditions=tuple(
                    (each.source_column, f"{source.name}.{each.target_column}")
                    for each in source.lookup.join_conditions
                ),
            )


def column_views(catalog: Catalog, entry: Entry, record: Record) -> tuple[ColumnView, ...]:
    """Return the statistics of a publication's columns; sensitive ones have only counts (BR-206)."""
    columns = record_statistics(record, sensitive_columns(catalog, entry, record))
    return tuple(column_view(name, each) for name, each in columns.items() if name != "split")


def column_view(name: str, statistics: ColumnStatistics) -> ColumnView:
    """Return a column with its chart, or with its most frequent values if it has none."""
    chart = None if name in _IDENTIFIERS else histogram(statistics, name)
    return ColumnView(
        name=name, statistics=statistics, chart=chart, top=() if chart else top_values(statistics)[:8]
    )


def publication_views(facts: PublishedFacts) -> tuple[PublicationView, ...]:
    """Return the current publication of each Period, the newest Period first."""
    return tuple(_publication(each, facts, current=True) for each in [*facts.current.values()][::-1])


def past_views(facts: PublishedFacts) -> tuple[PublicationView, ...]:
    """Return the publications of the chosen Period, the newest first."""
    return tuple(_publication(each, facts, current=place == 0) for place, each in enumerate(facts.past))


def _publication(record: Record, facts: PublishedFacts, *, current: bool) -> PublicationView:
    counts = record["counts"]
    return PublicationView(
        reference=publication_reference(record),
        **{name: record[name] for name in ("period", "version", "published_at", "digest", "run_id")},
        as_of=known_as_of(record),
        **{name: counts[name] for name in ("rows", "added", "changed", "removed")},
        deleted=deleted_rows(record),
        by_hand=row_change_in_words(record),
        size_bytes=record["size_bytes"],
        expired_at=record.get("expired_at") or "",
        pinned=(record["period"], record["published_at"]) in facts.pinned,
        current=current,
    )


def contract_facts(catalog: Catalog, entry: Entry) -> Mapping[str, Any]:
    """Return owner, file and version of a dataset without faults."""
    dataset = catalog.checked(entry)
    owner = catalog.users.find(dataset.owner)
    version = entry.lock.version_of(dataset)
    projects = [stem for stem, each in catalog.projects.items() if _uses(catalog, each.datasets, entry)]
    readers = [
        stem
        for stem, each in catalog.entries.items()
        if each.dataset and dataset.id in set(each.dataset.nested_ids())
    ]
    return {
        "owner": dataset.owner,
        "address": owner.address if owner else "",
        "file": near(entry.path),
        "version": version,
        "projects": projects,
        "readers": readers,
    }


def _uses(catalog: Catalog, names: tuple[str, ...], entry: Entry) -> bool:
    return any((found := catalog.named(str(name))) and found.stem == entry.stem for name in names)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}"
