"""Check one definition test against its dataset: the names, the values, the Period, and what it expects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dataset_assets.catalog.build_order import schedule_of
from dataset_assets.catalog.catalog import Catalog, Entry
from dataset_assets.catalog.typed_values import EXAMPLES, Value, parse_value
from dataset_assets.contract.definition_test import ROOT, ROW_CHECKS, DefinitionTest
from dataset_assets.contract.model import ColumnDef
from dataset_assets.contract.quality import CHECK_PREFIX
from dataset_assets.contract.scope import Scope, Source
from dataset_assets.errors import ContractError, Fault, PeriodError, raise_all
from dataset_assets.periods.instants import UTC_ZONE, AsOf
from dataset_assets.periods.period import Period
from dataset_assets.text.wording import did_you_mean, dotted, listed, shown
from dataset_assets.yaml.reader import Document

Loc = tuple[str | int, ...]
Row = Mapping[str, Value | None]
"""A row by the declared names of its columns."""

_ANY_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)
"""The as-of instant of a selection that does not depend on it."""


@dataclass(frozen=True)
class UsableTest:
    """A test without faults. `given` has the rows of each source, by the source's name in the scope.

    `expected` are rows of `columns`, some or all of the published ones; None if the check
    `expected_failure` is expected to fail.
    """

    entry: Entry
    path: Path
    definition: DefinitionTest
    as_of: AsOf
    period: Period | None
    given: Mapping[str, Sequence[Row]]
    columns: tuple[ColumnDef, ...]
    expected: tuple[Row, ...] | None
    expected_failure: str | None

    @property
    def name(self) -> str:
        """The name of the test: `dataset/test`."""
        return f"{self.entry.stem}/{self.path.stem}"


class DefinitionTestRules:
    """The rules on one test; `usable` applies them."""

    def __init__(
        self, catalog: Catalog, entry: Entry, path: Path, document: Document, definition: DefinitionTest
    ) -> None:
        self.catalog, self.entry, self.path = catalog, entry, path
        self.document, self.definition = document, definition
        self.scope: Scope = catalog.scope(entry)
        self.faults: list[Fault] = []

    def usable(self) -> UsableTest:
        """Return the test. Raises ContractError with all its faults."""
        as_of, period = self._as_of()
        failure = self._expected_failure()
        given = self._given(may_break=failure == "not_null")
        columns, expected = self._expected()
        ordered = sorted(self.faults, key=lambda fault: (fault.position, fault.field))
        raise_all(ContractError, ordered)
        return UsableTest(
            self.entry, self.path, self.definition, as_of, period, given, columns, expected, failure
        )

    def _as_of(self) -> tuple[AsOf, Period | None]:
        partition, as_of = self.definition.partition, self.definition.as_of
        schedule = schedule_of(self.catalog, self.entry)
        if schedule:
            if as_of:
                self._report(("as_of",), "is given, but a Period decides its own as-of", "write `partition`")
            try:
                found = schedule.period(partition) if partition else None
            except PeriodError as error:
                for fault in error.faults:
                    self._report(("partition",), fault.message, fault.hint)
                found = None
            if not partition:
                hint = f"write one of {schedule.name}, such as `partition: {schedule.first}`"
                self._report(("partition",), "is required, because the dataset is published by Period", hint)
            return AsOf(found.end, found.zone) if found else AsOf(_ANY_INSTANT), found
        if partition:
            hint = "remove it; `as_of` says the instant that the selection looks back from"
            self._report(("partition",), f"is {shown(partition)}, but the dataset has no Periods", hint)
        if as_of is None and self._looks_back:
            hint = "write an instant, such as `as_of: 2026-03-01T00:00:00Z`"
            self._report(("as_of",), "is required, because the selection looks back from an instant", hint)
        return AsOf(as_of or _ANY_INSTANT, UTC_ZONE), None

    @property
    def _looks_back(self) -> bool:
        dataset = self.scope.dataset
        date_range, config = dataset.filters.date_range, dataset.split_config
        is_rolling = date_range is not None and date_range.type == "rolling"
        return is_rolling or bool(config and config.by_day and date_range is None)

    def _expected_failure(self) -> str | None:
        name = self.definition.expect_failure
        if name is None:
            return None
        rules = [rule.name for rule in self.scope.dataset.quality]
        dataset = self.scope.dataset
        applies = {
            "natural_key_unique": bool(dataset.natural_key_columns),
            "split_unit_not_null": bool(dataset.split_config and dataset.split_config.refuses_null),
        }
        checks = [each for each in ROW_CHECKS if applies.get(each, True)]
        if name in checks:
            return name
        short = name.removeprefix(CHECK_PREFIX)
        if short in rules:
            return CHECK_PREFIX + short
        hint = did_you_mean(name, (*checks, *rules), f"there are {listed((*checks, *rules), 20)}")
        self._report(("expect_failure",), f"is {shown(name)}, which is no check of the rows", hint)
        return None

    def _given(self, *, may_break: bool) -> Mapping[str, Sequence[Row]]:
        found: dict[str, Sequence[Row]] = {source.name: () for source in self.scope.sources}
        by_name: set[str] = set()
        for key, rows in self.definition.given.items():
            named = [source for source in self.scope.sources if source.name.lower() == key.lower()]
            sources = named or [source for source in self.scope.sources if _is_table_of(source, key)]
            if not sources:
                known = [source.name for source in self.scope.sources]
                hint = did_you_mean(key, known, f"the dataset reads {listed(known)}")
                self._report(("given", key), "is no table that the dataset reads", hint, key=True)
                continue
            columns = {column.name: column for column in sources[0].stored_columns}
            parsed = self._rows(("given", key), rows, columns, may_break=may_break)
            for source in sources:
                if named or source.name not in by_name:
                    found[source.name] = [_of(source, row) for row in parsed]
            by_name.update(source.name for source in named)
        return found

    def _expected(self) -> tuple[tuple[ColumnDef, ...], tuple[Row, ...] | None]:
        rows = self.definition.expect
        published = {each.name: each.definition for each in self.scope.outputs}
        if not rows:
            return tuple(published.values()), None if rows is None else ()
        names = [name.lower() for name in rows[0]]
        for index, row in enumerate(rows):
            if {name.lower() for name in row} != set(names):
                message = "has other columns than the first expected row"
                self._report(("expect", index), message, "write the same columns in every row")
        parsed = self._rows(("expect",), rows, published, may_break=False, is_whole=False)
        by_name = {name.lower(): each for name, each in published.items()}
        return tuple(by_name[name] for name in dict.fromkeys(names) if name in by_name), tuple(parsed)

    def _rows(
        self,
        loc: Loc,
        rows: Sequence[Mapping[str, str | None]],
        columns: Mapping[str, ColumnDef],
        *,
        may_break: bool,
        is_whole: bool = True,
    ) -> list[Row]:
        """Return rows with typed values, and report the faults in them.

        With `is_whole` a column that is left out is NULL; with `may_break` NULL is allowed in every column.
        """
        by_name = {name.lower(): each for name, each in columns.items()}
        found: list[Row] = []
        for index, row in enumerate(rows):
            typed: dict[str, Value | None] = (
                {each.name: None for each in columns.values()} if is_whole else {}
            )
            required = (
                {} if may_break else {each.name: each for each in columns.values() if not each.nullable}
            )
            seen: set[str] = set()
            for name, text in row.items():
                place, definition = (*loc, index, name), by_name.get(name.lower())
                if definition is None:
                    hint = did_you_mean(name, columns, f"there are {listed(columns, 20)}")
                    self._report(place, "is no column here", hint, key=True)
                    continue
                if definition.name in seen:
                    self._report(place, "is a column that the row has already", "remove it", key=True)
                seen.add(definition.name)
                typed[definition.name] = self._value(place, definition, text, may_break=may_break)
            if is_whole and (missing := [name for name in required if name not in seen]):
                message = f"has no {listed(missing)}, declared nullable: false"
                self._report((*loc, index), message, "write a value")
            found.append(typed)
        return found

    def _value(self, place: Loc, column: ColumnDef, text: str | None, *, may_break: bool) -> Value | None:
        if text is None:
            if not column.nullable and not may_break:
                self._report(place, "is NULL, but the column is never NULL", "write a value")
            return None
        value = parse_value(column.type, text)
        if value is None:
            said = "a sensitive value" if column.sensitive else shown(text)
            message = f"is {said}, but the column is of type {column.type.value}"
            self._report(place, message, EXAMPLES[column.type])
        return value

    def _report(self, loc: Loc, message: str, hint: str = "", *, key: bool = False) -> None:
        path = (ROOT, *loc)
        self.faults.append(Fault(message, dotted(path), hint, self.document.position(path, key=key)))


def _is_table_of(source: Source, key: str) -> bool:
    table = source.nested.stem if source.nested else source.table
    return table.lower() == key.lower()


def _of(source: Source, row: Row) -> Row:
    """Return the columns of a row that a source declares, by its own names."""
    by_name = {name.lower(): value for name, value in row.items()}
    return {column.name: by_name.get(column.name.lower()) for column in source.stored_columns}
