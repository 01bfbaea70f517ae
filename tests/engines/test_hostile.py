"""Tests that no name, value or key changes a statement: it stays a literal or is rejected (BR-205)."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from uuid import UUID

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from sqlglot import exp

from dataset_assets.adapters.bigquery.ledger import Ledger
from dataset_assets.adapters.bigquery.names import project_name, table_path
from dataset_assets.adapters.duckdb import nodes as duckdb_nodes
from dataset_assets.compiler.logical_relations import logical_relation
from dataset_assets.compiler.selection_query import compile_rows
from dataset_assets.contract.model import ColumnDef, Dataset
from dataset_assets.contract.scope import NamedDataset, Scope
from dataset_assets.contract.system_columns import Stamp
from dataset_assets.errors import ContractError, PeriodError
from dataset_assets.model import ColumnRef, Identifier, ResolverName
from dataset_assets.ports.relation import PhysicalType
from dataset_assets.ports.warehouse import Claim
from dataset_assets.rows.identity import EarlierRows, Identity
from dataset_assets.rows.row_metadata import row_metadata
from dataset_assets.sql.build import assemble, table, text
from dataset_assets.sql.dialect import BIGQUERY, DIALECTS, DUCKDB, Dialect
from dataset_assets.yaml.loading import build
from dataset_assets.yaml.reader import read
from tests.golden.test_golden import CATALOG, ROLLING, inputs, variant
from tests.googlesql.googlesql import Analyzer

HARMLESS = "harmless"
QUOTES = ["'", "''", "'''", '"', '""', '"""', "`", "``"]
LOOK_ALIKES = ["\u2018", "\u2019", "\u201c", "\u2032", "\uff07", "\u02bc", "\u00b4"]
ENDS = [
    "'; DROP TABLE x; --",
    "' OR '1'='1",
    "') UNION SELECT 1 --",
    '"; DROP TABLE x; --',
    "`; SELECT 1; --",
]
SLASHES = [
    "\\",
    "\\\\",
    "\\'",
    "\\\\'",
    "a\\",
    "\\`",
    '\\"',
    "\\n",
    "\\x27",
    "\\u0027",
    "\\U00000027",
    "\\047",
]
SLASHED_ENDS = ["\\'; DROP TABLE x; --", "\\\\'; DROP TABLE x; --", "\\\n'", "\\%"]
COMMENTS = ["--", "-- x\n", "/*", "*/", "/* ' */", "#", "# '\n", ";", ";;"]
PREFIXES = ["r'", "b'", 'R"', "rb'''x'''", "E'\\''", "N'x'", "U&'\\0027'", "x'27'", "$$", "$tag$'$tag$"]
TEMPLATES = [
    "${x}",
    "$${}",
    "{{ x }}",
    "{% raw %}",
    "@param",
    "@@error",
    "?",
    ":x",
    "%s",
    "%",
    "{}",
    "{0}",
    "$1",
]
LINES = ["\n", "\r", "\r\n", "a\n'b", "\t", "\v", "\f", "\x85", "\u2028", "\u2029"]
CONTROLS = ["\x01", "\x07", "\b", "\x1a", "\x1b[2J", "\x7f", "\x80", "\x9f"]
SPECIAL = [
    "",
    " ",
    "\ufeff",
    "\u200b",
    "\u202e'",
    "\u00a0",
    "\ufffd",
    "\uffff",
    "\U0010ffff",
    "😀'",
    "e\u0301",
    "漢字",
    "x" * 9999,
]
HOSTILE = [
    *QUOTES,
    *LOOK_ALIKES,
    *ENDS,
    *SLASHES,
    *SLASHED_ENDS,
    *COMMENTS,
    *PREFIXES,
    *TEMPLATES,
    *LINES,
    *CONTROLS,
    *SPECIAL,
]
PERIOD = CATALOG.calendars.cadence("month").containing(datetime(2018, 1, 1, tzinfo=UTC))
FIELDS = (ColumnDef(name="word", type="string"),)


class OneSalt(Stamp):
    """The salt is a hash of the values: it is no part of what is compared."""

    salt = 1


def in_a_category(value: str, dialect: Dialect) -> Iterator[exp.Expr]:
    chosen = {"type": "categories", "value": ["DELI", value]}
    filters = {"date_range": ROLLING, "product_filter": chosen}
    yield assemble(compile_rows(inputs(Scope(variant(filters=filters), CATALOG.find), dialect)))


def in_a_stamp(value: str, dialect: Dialect) -> Iterator[exp.Expr]:
    """The names and ids that every row carries, among them the run's and the Period's."""
    stamp = OneSalt(UUID(int=0), value, None, value, datetime(2018, 1, 1, tzinfo=UTC), value)
    before = EarlierRows(table("published"), FIELDS, has_key=False)
    bucketed = dialect.sorts_in_one_place
    yield assemble(row_metadata("given", Identity(FIELDS, ("word",), None), stamp, before, bucketed=bucketed))


def in_the_period_of_a_nested_dataset(value: str, dialect: Dialect) -> Iterator[exp.Expr]:  # noqa: ARG001
    scope = CATALOG.scope(CATALOG.entry("grocery_recommender"))
    nested = NamedDataset("grocery_recommender", scope.dataset, CATALOG.find)
    source = replace(scope.main, nested=nested)
    yield exp.select("*").from_(logical_relation(source, replace(PERIOD, id=value)).source)


def in_a_zone(value: str, dialect: Dialect) -> Iterator[exp.Expr]:
    """Of a table whose timestamps have none."""
    asked = inputs(CATALOG.scope(CATALOG.entry("grocery_recommender")), dialect)
    main = asked.relations[asked.scope.main.name]
    columns = (
        replace(each, type=PhysicalType.DATETIME if each.type is PhysicalType.TIMESTAMP else each.type)
        for each in main.columns
    )
    zoned = replace(main, columns=tuple(columns), zone=value)
    yield assemble(compile_rows(replace(asked, relations={**asked.relations, asked.scope.main.name: zoned})))


def in_a_path(value: str, dialect: Dialect) -> Iterator[exp.Expr]:  # noqa: ARG001
    yield exp.select("*").from_(duckdb_nodes.read_parquet([Path("/root") / f"x{value}", Path("/root/b")]))
    yield duckdb_nodes.copy_to_parquet(exp.select("1"), Path("/root") / f"x{value}")


def in_the_ledger(value: str, dialect: Dialect) -> Iterator[exp.Expr]:  # noqa: ARG001
    ledger = Ledger("my-project", "published")
    yield from ledger.claim("sales", value, value, 24)
    record = {"period_start": "2018", "replaces": 1, "sql": value}
    yield from ledger.publish(Claim("sales", value, 1, value), exp.to_table("staged"), ["word"], record)


PLACES: Mapping[str, tuple[Callable[[str, Dialect], Iterator[exp.Expr]], tuple[Dialect, ...]]] = {
    "a category": (in_a_category, (DUCKDB, BIGQUERY)),
    "a stamp": (in_a_stamp, (DUCKDB, BIGQUERY)),
    "the Period of a nested dataset": (in_the_period_of_a_nested_dataset, (DUCKDB, BIGQUERY)),
    "a zone": (in_a_zone, (DUCKDB, BIGQUERY)),
    "a path": (in_a_path, (DUCKDB,)),
    "BigQuery's ledger": (in_the_ledger, (BIGQUERY,)),
}


def parsed(statement: exp.Expr, dialect: Dialect) -> exp.Expr:
    """What the dialect's parser reads from the text: one statement."""
    (found,) = sqlglot.parse(dialect.render(statement), dialect=dialect.text)
    assert found is not None
    return found


def strings(statement: exp.Expr) -> list[str]:
    return [node.this for node in statement.find_all(exp.Literal) if node.is_string]


def shape(statement: exp.Expr) -> exp.Expr:
    return statement.transform(
        lambda node: text("") if isinstance(node, exp.Literal) and node.is_string else node
    )


def is_the_same_but(value: str, found: str, plain: str) -> bool:
    """Whether a literal has the value where another has what is harmless; also inside of JSON or a path."""
    inside = json.dumps(value, ensure_ascii=False)[1:-1]
    in_place = plain.replace(HARMLESS, value)
    return found in {in_place, plain.replace(HARMLESS, inside), str(Path(in_place))}


BLANK_IS_REFUSED = {"a category": [value for value in HOSTILE if value.strip()]}
CASES = [(place, dialect) for place, (_, dialects) in PLACES.items() for dialect in dialects]


@pytest.mark.parametrize(("place", "dialect"), CASES, ids=lambda each: getattr(each, "name", each))
def test_a_value_stays_one_literal_of_one_statement(place, dialect):
    make, _ = PLACES[place]
    plain = [parsed(statement, dialect) for statement in make(HARMLESS, dialect)]
    shapes, held = [shape(each) for each in plain], [strings(each) for each in plain]
    assert sum(HARMLESS in each for found in held for each in found) >= 1
    for value in BLANK_IS_REFUSED.get(place, HOSTILE):
        statements = [parsed(statement, dialect) for statement in make(value, dialect)]
        assert [shape(each) for each in statements] == shapes, value
        for found, before in zip(map(strings, statements), held, strict=True):
            pairs = zip(found, before, strict=True)
            assert all(is_the_same_but(value, *pair) for pair in pairs), value


def selected(values: list[str]) -> exp.Select:
    return exp.select(*(exp.alias_(text(value), f"v{place}") for place, value in enumerate(values)))


def in_duckdb(values: list[str]) -> list[str]:
    return list(duckdb.sql(DUCKDB.render(selected(values))).fetchall()[0])


def in_bigquery(values: list[str]) -> list[str]:
    return list(Analyzer({}).evaluate(BIGQUERY.render(selected(values)))[0].values())


ENGINES = {"duckdb": in_duckdb, "bigquery": in_bigquery}


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_reads_each_value_as_it_was(engine):
    for value in HOSTILE:
        assert ENGINES[engine]([value]) == [value]
    assert ENGINES[engine](HOSTILE) == HOSTILE


PIECES = st.sampled_from(HOSTILE) | st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.lists(st.lists(PIECES, max_size=6).map("".join), min_size=1, max_size=20)


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=50, deadline=None)
@given(values=TEXTS)
def test_an_engine_reads_any_text_as_it_was(engine, values):
    assert ENGINES[engine](values) == values


def test_nul_is_read_by_googlesql_and_refused_by_duckdb():
    """No file can hold it: the reader refuses control characters."""
    assert in_bigquery(["a\0b'"]) == ["a\0b'"]
    with pytest.raises(duckdb.ParserException, match="unterminated"):
        in_duckdb(["a\0b'"])


# Names of a store, which a contract does not have to like, stand quoted.

NAMES = [name for name in HOSTILE if name and not name.startswith("$")]


def test_a_stores_name_stays_one_name():
    for value, dialect in product(NAMES, DIALECTS.values()):
        named = exp.alias_(duckdb_nodes.quoted(value), value, quoted=True)
        place = exp.Table(
            this=exp.to_identifier(value, quoted=True), db=exp.to_identifier(value, quoted=True)
        )
        found = parsed(exp.select(named).from_(place), dialect)
        assert isinstance(found, exp.Select)
        (column,) = found.selects
        source = found.find(exp.Table)
        assert isinstance(source, exp.Table)
        assert {column.alias, column.this.name, source.name, source.db} == {value}


def test_an_engine_reads_each_name_as_it_was():
    for value in NAMES:
        query = exp.select(exp.alias_(exp.Literal.number(1), value, quoted=True))
        assert duckdb.sql(DUCKDB.render(query)).columns == [value]
        assert list(Analyzer({}).evaluate(BIGQUERY.render(query))[0]) == [value]


# Names of a contract are refused before there is SQL.


UNNAMEABLE = [value for value in HOSTILE if re.search("[^A-Za-z0-9_.-]", value)]


@pytest.mark.parametrize("kind", [Identifier, ResolverName, ColumnRef])
def test_a_hostile_name_is_no_identifier(kind):
    adapter = TypeAdapter(kind)
    assert adapter.validate_python("name_1") == "name_1"
    for value, form in product(UNNAMEABLE, ("{}", "a{}", "{}a", "a{}a", "a.{}", "a.b{}")):
        with pytest.raises(ValidationError):
            adapter.validate_python(form.replace("{}", value))
    for value in ("", "1a", "_a", "x" * 9999, "\u00e9", "\u017f", "\u212a"):
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


def declared(**changes) -> dict:
    columns = [{"name": "id", "type": "integer"}, {"name": "seen", "type": "timestamp"}]
    return {
        "name": "Sales",
        "owner": "someone",
        "main_table": {"name": "sales", "columns": columns},
        "column_mapping": {"user_id": "id", "product_id": "id", "timestamp": "seen"},
        **changes,
    }


def declarations(name: str) -> Iterator[dict]:
    """The places of a file in which a name stands that is later a name in SQL."""
    columns = [{"name": name, "type": "integer"}]
    join = [{"source_column": "id", "target_column": "id"}]
    target = {"type": "table", "name": "people", "columns": declared()["main_table"]["columns"]}
    yield declared(main_table={"name": name, "columns": declared()["main_table"]["columns"]})
    yield declared(main_table={"name": "sales", "columns": [*declared()["main_table"]["columns"], *columns]})
    yield declared(lookups=[{"alias": name, "target": target, "join_conditions": join}])
    yield declared(lookups=[{"alias": "p", "target": {**target, "name": name}, "join_conditions": join}])
    hostile_join = [{"source_column": name, "target_column": name}]
    yield declared(lookups=[{"alias": "p", "target": target, "join_conditions": hostile_join}])
    yield declared(column_mapping={**declared()["column_mapping"], "city": name})
    yield declared(natural_key_columns=[name])
    yield declared(extra_columns=[name])
    yield declared(split_config={"strategy": "random", "train_percent": 80, "seed": name})


def load(declaration: dict) -> Dataset:
    return build(read(json.dumps({"dataset": declaration}, ensure_ascii=False), "file"), Dataset, "dataset")


def test_a_file_with_a_hostile_name_is_refused():
    *named, seeded = declarations("id_2")
    assert all(map(load, named))
    with pytest.raises(ContractError, match="whole number"):
        load(seeded)
    for value in UNNAMEABLE:
        for each in declarations(value):
            with pytest.raises(ContractError):
                load(each)


@pytest.mark.parametrize("grain", ["day", "week", "month", "quarter", "year"])
def test_a_hostile_partition_key_is_no_period(grain):
    cadence = CATALOG.calendars.cadence(grain)
    known = cadence.containing(datetime(2018, 1, 1, tzinfo=UTC))
    for read_key, key in ((cadence.parse, known.id), (cadence.from_key, known.key)):
        assert read_key(key) == known
        wide = "".join(chr(ord(each) + 0xFEE0) if each.isdigit() else each for each in key)
        for value in (
            wide,
            *HOSTILE,
            *(form for each in HOSTILE if each for form in (key + each, each + key)),
        ):
            with pytest.raises(PeriodError):
                read_key(value)


@pytest.mark.parametrize("check", [project_name, table_path])
def test_a_hostile_name_is_none_in_bigquery(check):
    assert check("my-project.sales") if check is table_path else check("my-project")
    for value in UNNAMEABLE:
        for made in (value, f"a{value}", f"my-project.sales.{value}", f"my-project.{value}.sales"):
            with pytest.raises(ValueError, match="is not a"):
                check(made)
