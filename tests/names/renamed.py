"""One dataset in which every name can be replaced, and all queries that a run sends about it.

What a run finds does not depend on how the user calls things: with other names it finds the same, under them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlglot import exp

from dataset_assets.checks.audit import audit
from dataset_assets.checks.lookup_keys import lookups_unique
from dataset_assets.checks.results import AuditError
from dataset_assets.checks.selection_evidence import SelectionEvidence
from dataset_assets.compiler.cast_failures import cast_failures
from dataset_assets.compiler.selection_input import SelectionInput
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope
from dataset_assets.contract.system_columns import SYSTEM_COLUMNS, Stamp
from dataset_assets.periods.instants import AsOf
from dataset_assets.ports.engine import Session
from dataset_assets.ports.warehouse import PublishedColumn
from dataset_assets.rows.encoding import digest_parts
from dataset_assets.rows.identity import EarlierRows, Identity
from dataset_assets.rows.row_metadata import row_metadata
from dataset_assets.sql.build import assemble, column, table
from dataset_assets.stats.profile import profile
from tests.googlesql.session import SYSTEM, TableChanges, relation
from tests.oracle.test_selection import columns

AS_OF = datetime(2020, 4, 1, tzinfo=UTC)
STAMP = Stamp(UUID(int=1), "sales", None, "run-1", AS_OF, None)
LATER = Stamp(UUID(int=1), "sales", None, "run-2", AS_OF + timedelta(hours=1), None)
POSITIONS = {
    "main": "sales",
    "alias": "goods",
    "second_alias": "folk",
    "lookup_table": "items_of_old",
    "stem": "chosen_sales",
    "join_column": "item_code",
    "filter_column": "cents",
    "mapped_column": "buyer",
    "key": "ticket",
    "extra_column": "remark",
    "lookup_column": "shelf_kind",
    "late_column": "town",
}
"""Position of a user's name in the dataset → its default name."""
FILTERED: Mapping[str, Any] = {
    "filters": {
        "date_range": {"type": "rolling", "months": 3},
        "product_filter": {"type": "cumulative_revenue_percent", "value": 90},
        "customer_filter": {"type": "min_transactions", "value": 2},
        "fit_on": "train",
    },
    "split_config": {"strategy": "time_based", "eval_days": 14, "test_days": 7},
}
BY_RANK: Mapping[str, Any] = {
    "filters": {"product_filter": {"type": "top_revenue_percent", "value": 70}},
    "split_config": {"strategy": "random", "train_percent": 60, "test_percent": 20},
}
BY_KIND: Mapping[str, Any] = {
    "filters": {
        "date_range": {"type": "rolling", "months": 2},
        "product_filter": {"type": "categories", "value": ["a", "b"]},
    },
}
VARIANTS = {"filtered": (FILTERED, True), "by_rank": (BY_RANK, False), "by_kind": (BY_KIND, True)}
"""Variant name → its selection, and whether the dataset has a natural key."""
STAGED = "_staged_rows"
"""No name of the user's: a warehouse stages below a name that begins with an underscore, or in a file."""


@dataclass(frozen=True)
class Renamed:
    """The dataset of a variant with replaced names (position → name); the others are those of `POSITIONS`."""

    variant: str
    names: Mapping[str, str] = field(default_factory=dict)

    def called(self, position: str) -> str:
        """Return the name in a position."""
        return self.names.get(position, POSITIONS[position])

    @property
    def dataset(self) -> Dataset:
        selection, has_key = VARIANTS[self.variant]
        at = self.called
        goods = {
            "type": "table",
            "name": at("lookup_table"),
            "columns": columns(self.shapes[at("lookup_table")]),
        }
        folk = {"type": "table", "name": "people", "columns": columns(self.shapes["people"])}
        join = {"source_column": at("join_column"), "target_column": "code"}
        of_buyer = {"source_column": at("mapped_column"), "target_column": "person"}
        return Dataset.model_validate(
            {
                "name": "Sales",
                "owner": "someone",
                "allow_empty": True,
                "natural_key_columns": [at("key")] if has_key else [],
                "main_table": {"name": at("main"), "columns": columns(self.shapes[at("main")])},
                "lookups": [
                    {"alias": at("alias"), "target": goods, "join_conditions": [join]},
                    {"alias": at("second_alias"), "target": folk, "join_conditions": [of_buyer]},
                ],
                "column_mapping": {
                    "user_id": at("mapped_column"),
                    "product_id": f"{at('alias')}.item",
                    "timestamp": "sold_at",
                    "revenue": at("filter_column"),
                    "category": f"{at('alias')}.{at('lookup_column')}",
                },
                "extra_columns": [at("extra_column"), f"{at('second_alias')}.{at('late_column')}"],
                **selection,
            }
        )

    @property
    def shapes(self) -> dict[str, dict[str, str]]:
        at = self.called
        return {
            at("main"): {
                at("key"): "BIGINT",
                at("mapped_column"): "BIGINT",
                at("join_column"): "BIGINT",
                at("filter_column"): "DECIMAL(38, 9)",
                at("extra_column"): "VARCHAR",
                "sold_at": "TIMESTAMPTZ",
            },
            at("lookup_table"): {"code": "BIGINT", "item": "BIGINT", at("lookup_column"): "VARCHAR"},
            "people": {"person": "BIGINT", at("late_column"): "VARCHAR"},
        }

    @property
    def contents(self) -> dict[str, list[tuple]]:
        sales = [
            (
                n // 2,
                n % 5,
                n % 6,
                Decimal(n * 7 % 11),
                f"note {n % 4}",
                AS_OF - timedelta(days=n * 2, hours=3),
            )
            for n in range(24)
        ]
        goods = [(code, code % 4, "abc"[code % 3]) for code in range(5)]
        return {
            self.called("main"): sales,
            self.called("lookup_table"): goods,
            "people": [(person, f"town {person % 2}") for person in range(4)],
        }

    def neutral(self, rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
        """Return rows without column names, in a deterministic order."""
        return sorted([*map(str, row.values())] for row in rows)


@dataclass
class Run:
    """All that a run asks: the rows, twice, the profile, and the checks.

    Every warehouse answers with a publication that a schema or a file qualifies, so that no CTE can be taken
    for it. Google's evaluator knows no schemas: for it `schema` is empty.
    """

    renamed: Renamed
    bucketed: bool
    schema: str = "published"
    found: dict[str, Any] = field(default_factory=dict)

    def of(self, session: Session, publish: Callable[[str, exp.Query], Session]) -> dict[str, Any]:
        """What was found, names aside. `publish` puts a query's rows into a table for a new session."""
        inputs = self.inputs
        found: dict[str, Any] = {"unique": lookups_unique(inputs, session).passed}
        first = self.query(inputs, None)
        found["first"] = self.renamed.neutral(session.rows(first))
        stem = exp.table_(self.renamed.called("stem"), db=self.schema or None)
        session = publish(".".join(part.name for part in stem.parts), first)
        definitions = tuple(output.definition for output in inputs.scope.outputs)
        before = EarlierRows(stem, definitions)
        found["again"] = self.renamed.neutral(session.rows(self.query(inputs, before)))
        found["changed_key"] = self.renamed.neutral(
            session.rows(self.query(inputs, EarlierRows(stem.copy(), definitions, has_key=False)))
        )
        found |= self.checked(inputs, session, table(STAGED))
        found["cast_failures"] = list(map(str, cast_failures(inputs, session)))
        return found

    @property
    def inputs(self) -> SelectionInput:
        scope = Scope(self.renamed.dataset, lambda _: None)
        shapes = self.renamed.shapes
        relations = {source.name: relation(shapes, source.table) for source in scope.sources}
        return SelectionInput(scope, relations, AsOf(AS_OF))

    def query(self, inputs: SelectionInput, before: EarlierRows | None) -> exp.Query:
        definitions = tuple(output.definition for output in inputs.scope.outputs)
        key = inputs.dataset.natural_key_columns
        selection = compile_rows(inputs)
        identity = Identity(definitions, key, "timestamp", inputs.names)
        stamp = LATER if before else STAMP
        metadata = row_metadata(selection[-1].name, identity, stamp, before, bucketed=self.bucketed)
        return assemble((*selection, *metadata))

    def checked(self, inputs: SelectionInput, session: Session, staged: exp.Expr) -> dict[str, Any]:
        published = tuple(
            PublishedColumn(output.name, output.definition.type, nullable=True)
            for output in inputs.scope.outputs
        )
        split = "split" if inputs.dataset.split_config else None
        extra = {
            **digest_parts(published),
            "added": exp.CountIf(this=exp.not_(column("_period").is_(exp.null()))),
        }
        statistics = profile(session, staged, published, split, extra)
        try:
            checks = audit(SelectionEvidence.of(inputs, staged, published, statistics, session), ())
        except AuditError as error:
            checks = error.checks
        return {
            "statistics": [each.model_dump() for each in statistics.columns.values()],
            "totals": (statistics.row_count, dict(statistics.splits), dict(statistics.extra)),
            "checks": [(check.name, check.passed, list(_flat(check.metadata))) for check in checks],
        }


def _flat(value: Any) -> Iterator[Any]:
    """Return the values of nested mappings and lists, without the keys of mappings."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list):
        yield value
        return
    for each in value:
        yield from _flat(each)


def published_shape(inputs: SelectionInput) -> dict[str, str]:
    """Return the columns of the published table with their DuckDB types."""
    kinds = {
        "integer": "BIGINT",
        "string": "VARCHAR",
        "decimal": "DECIMAL(38, 9)",
        "timestamp": "TIMESTAMPTZ",
    }
    own = {output.name: kinds[output.definition.type.value] for output in inputs.scope.outputs}
    return own | {system.name: SYSTEM[system.name] for system in SYSTEM_COLUMNS}


def with_published(renamed: Renamed, rows: Sequence[Mapping[str, Any]], stem: str) -> TableChanges:
    """Return the contents with a publication, and the same rows staged."""
    published = [tuple(row.values()) for row in rows]
    return {**renamed.contents, stem: published, STAGED: published}
