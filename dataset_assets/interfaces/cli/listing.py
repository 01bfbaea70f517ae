"""Format datasets, publications and statistics as the tables that `list` and `show` print."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from rich.console import RenderableType
from rich.text import Text

from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.versions import Lock
from dataset_assets.contract.model import Dataset, Status
from dataset_assets.contract.scope import OutputColumn, Scope
from dataset_assets.contract.settings_text import settings_text
from dataset_assets.errors import near
from dataset_assets.interfaces.cli.console import Grid, cell, facts
from dataset_assets.lifecycle.listing import DatasetList, DateRange
from dataset_assets.lifecycle.load_lines import load_lines
from dataset_assets.lifecycle.row_change_words import row_change_in_words
from dataset_assets.ports.warehouse import Publication, Record
from dataset_assets.publishing.loaded_periods import known_as_of, loads_of
from dataset_assets.stats.statistics import Statistics
from dataset_assets.text.wording import listed

_STYLES = {Status.ACTIVE: "green", Status.DRAFT: "yellow", Status.DISABLED: "dim", Status.ARCHIVED: "dim"}
BROKEN = "broken"


def datasets_table(found: DatasetList) -> Grid:
    """Return a table with one line for each dataset; of a broken file only the number of its faults."""
    table = Grid(
        "dataset", "name", "status", "version", "owner", "model", "created", "last used", "rows", "dates",
        "partitions", "tables", right=("rows",), block=_card,
    )  # fmt: skip
    for each in found.datasets:
        if each.faults or each.status is None:
            count = f"{each.faults} fault{'s' * (each.faults != 1)}"
            empty = (cell("") for _ in table.columns[4:])
            table.add_row(cell(each.dataset), cell(each.name), Text(BROKEN, "bold red"), cell(count), *empty)
            continue
        table.add_row(
            cell(each.dataset, "bold"),
            cell(each.name),
            cell(each.status, _STYLES[each.status]),
            cell(f"{each.version} (pending)" if each.version_pending else each.version),
            *map(cell, (each.owner, each.ml_model, _day(each.created_at), _day(each.last_used_at))),
            f"{each.row_count:,}" if each.row_count is not None else "",
            cell(_dates(each.date_range)),
            *map(cell, (each.partitions, ", ".join(each.tables))),
        )
    return table


def _card(cells: Mapping[str, str | Text]) -> Text:
    """Return a dataset on three lines: its names and status, who it belongs to, and what is published."""
    card = Text.assemble(cells["name"], " [", cells["dataset"], "] ", cells["status"])
    lines = (("version", "owner", "model", "created", "last used"), ("tables", "partitions", "rows", "dates"))
    for names in lines:
        shown = [f"{name}: {cells[name]}" for name in names if str(cells[name])]
        card.append("\n  " + " | ".join(shown) if shown else "")
    return card


def _day(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d}" if instant else ""


def _dates(dates: DateRange | None) -> str:
    """Return the first and the last day of a range: `2017-01-01 to 2017-06-30`."""
    return f"{_day(dates.start)} to {_day(dates.end - timedelta(microseconds=1))}" if dates else ""


def _version(entry: Entry, dataset: Dataset) -> str:
    version = entry.lock.version_of(dataset)
    return f"{version.number} (pending)" if version.pending else str(version.number)


def _partitions(dataset: Dataset) -> str:
    partitions = dataset.partitions
    return f"{partitions.period} from {partitions.start}" if partitions else ""


def describe_dataset(catalog: Catalog, entry: Entry, dataset: Dataset) -> Iterator[RenderableType]:
    """Yield the printed parts of a dataset's contract: settings, columns, lookups, selection and versions."""
    scope = catalog.scope(entry)
    owner = catalog.users.find(dataset.owner)
    yield cell(dataset.name, "bold")
    yield facts(
        [
            ("description", dataset.description),
            ("file", near(entry.path)),
            ("id", dataset.id),
            ("status", cell(dataset.status, _STYLES[dataset.status])),
            ("owner", f"{dataset.owner} <{owner.address}>" if owner else dataset.owner),
            ("model", dataset.ml_model),
            ("version", _version(entry, dataset)),
            ("partitions", _partitions(dataset)),
            ("refresh", settings_text(dataset.refresh)),
            ("freshness", settings_text(dataset.freshness)),
            ("drift", settings_text(dataset.drift)),
            ("quality", listed(each.name for each in dataset.quality)),
            ("resolver", dataset.resolver_id),
            ("main table", dataset.main_table.name),
            ("bitemporal", _valid_time(dataset)),
            ("natural key", ", ".join(dataset.natural_key_columns)),
        ]
    )
    yield _columns(scope.outputs)
    if dataset.lookups:
        yield _lookups(scope)
    if dataset.column_mapping:
        yield facts([("selection", ""), *_selection(dataset)])
    yield _versions(entry.lock)


def _valid_time(dataset: Dataset) -> str:
    """Return how the rows of a bitemporal dataset are valid: `valid from begun to ended`."""
    table = dataset.main_table
    if not table.bitemporal:
        return ""
    end = f" to {table.valid_to}" if table.valid_to else ""
    return f"valid from {table.valid_from}{end}" if table.valid_from else "valid in the Period of the load"


def _columns(outputs: Iterable[OutputColumn]) -> Grid:
    table = Grid("column", "type", "nullable", "from", "description", title="Published columns")
    for output in outputs:
        column, reference = output.definition, output.reference
        remark = " (sensitive)" if column.sensitive else ""
        table.add_row(
            cell(output.name),
            cell(column.type),
            "yes" if column.nullable else "no",
            cell(f"{reference.source.name}.{reference.column.name}" if reference else "split_config"),
            cell(f"{column.description}{remark}".strip()),
        )
    return table


def _lookups(scope: Scope) -> Grid:
    table = Grid("lookup", "reads", "joined on", title="Lookups")
    for source in scope.lookups:
        if source.lookup:
            pairs = (
                f"{each.source_column} = {source.name}.{each.target_column}"
                for each in source.lookup.join_conditions
            )
            table.add_row(cell(source.name), cell(source.reads), cell(", ".join(pairs)))
    return table


def _selection(dataset: Dataset) -> Iterator[tuple[str, str]]:
    mapping = dataset.column_mapping.concepts() if dataset.column_mapping else ()
    yield "column mapping", ", ".join(f"{concept} = {column}" for concept, column in mapping)
    yield "extra columns", ", ".join(dataset.extra_columns)
    yield "date range", settings_text(dataset.filters.date_range)
    yield "product filter", settings_text(dataset.filters.product_filter)
    yield "customer filter", settings_text(dataset.filters.customer_filter)
    yield "fit on", dataset.filters.fit_on
    yield "split", settings_text(dataset.split_config)


def _versions(lock: Lock) -> Grid:
    table = Grid("version", "kind", "locked at", "what changed", title="Versions", right=("version",))
    for line in lock.lines:
        table.add_row(
            str(line.version), cell(line.kind), f"{line.locked_at:%Y-%m-%d %H:%M}", cell(line.summary)
        )
    return table


def publications_table(publications: Iterable[Publication]) -> Grid:
    """Return a table with one line for each publication."""
    every = list(publications)
    rows = "rows known now" if any(loads_of(each.record) for each in every) else "rows"
    table = Grid(
        "period", rows, "split", "version", "as of", "digest", "table version",
        title="Publications", right=(rows, "version", "table version"),
    )  # fmt: skip
    for publication in every:
        record = publication.record
        sizes = record["statistics"]["splits"]
        table.add_row(
            cell(record["period"] or "all"),
            f"{record['counts']['rows']:,}",
            cell(", ".join(f"{name} {rows:,}" for name, rows in sizes.items())),
            cell(record["version"]),
            cell(known_as_of(record)[:19] + "Z"),
            cell(record["digest"][:12]),
            str(publication.version),
        )
    return table


def loads_table(record: Record) -> Grid:
    """Return a table with one line for each load of a bitemporal table."""
    lines = list(load_lines(record))
    confirmed = ("confirmed at",) if any(each.confirmed_at for each in lines) else ()
    columns = ("Period", "rows", "changes of the table", "loaded at", *confirmed, "run")
    table = Grid(*columns, title="Loads", right=("rows",))
    for each in lines:
        instants = (each.loaded_at, each.confirmed_at)[: 1 + len(confirmed)]
        shown = (cell(f"{instant[:19]}Z" if instant else "") for instant in instants)
        table.add_row(cell(each.period), f"{each.rows:,}", cell(each.changes), *shown, cell(each.run_id))
    return table


def history_table(records: Iterable[Record]) -> Grid:
    """Return a table with one line for each past publication: its changes, its run and its time."""
    every = list(records)
    numbers = ("rows", "added", "changed", "removed", "version")
    expired = ("rows gone since",) if any("expired_at" in record for record in every) else ()
    by_hand = ("by hand",) if any("operation" in record for record in every) else ()
    last = (*by_hand, *expired)
    table = Grid(
        "published at", "period", "version", "rows", "added", "changed", "removed", "digest", "run", *last,
        title="History", right=numbers,
    )  # fmt: skip
    for record in every:
        counts = record["counts"]
        table.add_row(
            cell(record["published_at"][:19] + "Z"),
            cell(record["period"] or "all"),
            cell(record["version"]),
            *(f"{counts[name]:,}" for name in ("rows", "added", "changed", "removed")),
            cell(record["digest"][:12]),
            cell(record["run_id"]),
            *(cell(row_change_in_words(record)) for _ in by_hand),
            *(cell(record["expired_at"][:19] + "Z" if "expired_at" in record else "") for _ in expired),
        )
    return table


def statistics_table(statistics: Statistics, title: str) -> Grid:
    """Return a table with one line for each column; sensitive columns have only counts (BR-206)."""
    rows = statistics.table_rows()
    names = tuple(rows[0]) if rows else ("column",)
    table = Grid(*names, title=title, right=("cardinality", "nulls %"))
    for row in rows:
        table.add_row(*(cell(value) for value in row.values()))
    return table
