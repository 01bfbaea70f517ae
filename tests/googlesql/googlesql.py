"""Google's own SQL analyzer and reference evaluator, set up as BigQuery is.

`zetasql` is GoogleSQL compiled to WebAssembly; what it offers is called by its protos.
"""

import ctypes
from collections.abc import Iterable, Mapping, Sequence
from fcntl import LOCK_EX, flock
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from unittest.mock import patch

from wasmtime import Config, SharedMemory
from zetasql.core import WasmClient, wasm_client
from zetasql.wasi import get_wasm_path
from zetasql.wasi._pb2.zetasql.local_service import local_service_pb2 as service
from zetasql.wasi._pb2.zetasql.proto.options_pb2 import (
    AnalyzerOptionsProto,
    LanguageOptionsProto,
    ZetaSQLBuiltinFunctionOptionsProto,
)
from zetasql.wasi._pb2.zetasql.proto.simple_catalog_pb2 import SimpleCatalogProto
from zetasql.wasi._pb2.zetasql.public.options_pb2 import PRODUCT_EXTERNAL, LanguageFeature
from zetasql.wasi._pb2.zetasql.public.simple_table_pb2 import SimpleColumnProto, SimpleTableProto
from zetasql.wasi._pb2.zetasql.resolved_ast.resolved_node_kind_pb2 import ResolvedNodeKind

from tests.googlesql.values import name_of, read, type_of, write

CACHE = Path(__file__).parents[2] / ".pytest_cache" / "googlesql"
FEATURES = (
    "UNPIVOT",
    "ADDITIONAL_STRING_FUNCTIONS",
    "ALLOW_DASHES_IN_TABLE_NAME",
    "ANALYTIC_FUNCTIONS",
    "BIGNUMERIC_TYPE",
    "CAST_DIFFERENT_ARRAY_TYPES",
    "CIVIL_TIME",
    "DATE_ARITHMETICS",
    "DATE_TIME_CONSTRUCTORS",
    "DECIMAL_ALIAS",
    "DISABLE_FLOAT32",
    "DISALLOW_GROUP_BY_FLOAT",
    "EXTENDED_DATE_TIME_SIGNATURES",
    "FORMAT_IN_CAST",
    "FOR_SYSTEM_TIME_AS_OF",
    "GROUP_BY_ARRAY",
    "GROUP_BY_ROLLUP",
    "GROUP_BY_STRUCT",
    "V_1_1_HAVING_IN_AGGREGATE",
    "INTERVAL_TYPE",
    "IS_DISTINCT",
    "JSON_TYPE",
    "LIMIT_IN_AGGREGATE",
    "NAMED_ARGUMENTS",
    "NULLS_FIRST_LAST_IN_ORDER_BY",
    "NULL_HANDLING_MODIFIER_IN_AGGREGATE",
    "NULL_HANDLING_MODIFIER_IN_ANALYTIC",
    "NUMERIC_TYPE",
    "ORDER_BY_IN_AGGREGATE",
    "CREATE_SNAPSHOT_TABLE",
    "PARAMETERIZED_TYPES",
    "QUALIFY",
    "SAFE_FUNCTION_CALL",
    "SELECT_STAR_EXCEPT_REPLACE",
    "TABLESAMPLE",
    "UNPIVOT",
    "WITH_ON_SUBQUERY",
    "WITH_RECURSIVE",
)
"""Language features that BigQuery documents, without those that only other products of Google have."""

STATEMENTS = (
    *("QUERY", "INSERT", "DELETE", "UPDATE", "BEGIN", "COMMIT", "DROP", "ALTER_TABLE"),
    *("CREATE_TABLE_AS_SELECT", "CREATE_SNAPSHOT_TABLE"),
)

Columns = Mapping[str, str]
"""Column name → GoogleSQL type."""
Row = tuple[Any, ...]


class _Client(WasmClient):
    """Client that copies the service's memory in one step; the package copies it byte by byte."""

    def write_bytes(self, ptr: int, data: bytes) -> None:
        ctypes.memmove(self._at(ptr), data, len(data))

    def read_bytes(self, ptr: int, size: int) -> bytes:
        return ctypes.string_at(self._at(ptr), size)

    def _at(self, ptr: int) -> Any:
        assert isinstance(self.memory, SharedMemory)
        return ctypes.byref(self.memory.data_ptr().contents, ptr)


def _cached() -> Config:
    """wasmtime's own cache, keyed by its version and the module's bytes, safe for many processes.

    To compile the module takes a minute of CPU and 1 GB, to read it 0.3 s.
    """
    config = Config()
    with NamedTemporaryFile("w", suffix=".toml") as settings:
        settings.write(f"[cache]\ndirectory = '{CACHE}'\n")
        settings.flush()
        config.cache = settings.name
    return config


@cache
def _client() -> _Client:
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock, patch.object(wasm_client, "Config", _cached):
        flock(lock, LOCK_EX)  # of two processes that begin at once, one compiles and the other reads
        return _Client(str(get_wasm_path()))


def _language() -> LanguageOptionsProto:
    return LanguageOptionsProto(
        product_mode=PRODUCT_EXTERNAL,
        enabled_language_features=[LanguageFeature.Value(f"FEATURE_{name}") for name in FEATURES],
        supported_statement_kinds=[ResolvedNodeKind.Value(f"RESOLVED_{name}_STMT") for name in STATEMENTS],
    )


class Analyzer:
    """GoogleSQL over a catalog of tables, each name → its columns; dots part projects and datasets.

    What does not resolve is a ServerError.
    """

    def __init__(self, tables: Mapping[str, Columns]) -> None:
        self._tables = tables
        language = _language()
        self._options = AnalyzerOptionsProto(language_options=language, default_timezone="UTC")
        functions = ZetaSQLBuiltinFunctionOptionsProto(language_options=language)
        self._catalog = SimpleCatalogProto(name="catalog", builtin_function_options=functions)
        for name, columns in tables.items():
            *outer, last = name.split(".")
            _within(self._catalog, outer).table.append(_table(last, columns))

    def resolve(self, sql: str) -> Any:
        """Return the resolved form of one statement."""
        request = service.AnalyzeRequest(
            options=self._options, simple_catalog=self._catalog, sql_statement=sql
        )
        answer = _client().call_grpc_func("ZetaSqlLocalService_Analyze", request, service.AnalyzeResponse)
        return answer.resolved_statement

    def analyze(self, sql: str) -> list[tuple[str, str]]:
        """Return the (name, GoogleSQL type) of each column of a query, in order."""
        columns = self.resolve(sql).resolved_query_stmt_node.output_column_list
        return [(column.name, name_of(column.column.type)) for column in columns]

    def evaluate(self, sql: str, tables: Mapping[str, Sequence[Row]] | None = None) -> list[dict[str, Any]]:
        """Return the query's rows over the tables' rows; use at most 300 rows because joins are quadratic."""
        request = service.EvaluateQueryRequest(
            sql=sql,
            options=self._options,
            simple_catalog=self._catalog,
            table_content={name: self._content(name, rows) for name, rows in (tables or {}).items()},
        )
        method = "ZetaSqlLocalService_EvaluateQuery"
        answer = _client().call_grpc_func(method, request, service.EvaluateQueryResponse)
        columns = answer.prepared.columns
        return [
            {column.name: read(cell, column.type) for column, cell in zip(columns, row.cell, strict=True)}
            for row in answer.content.table_data.row
        ]

    def _content(self, name: str, rows: Iterable[Row]) -> service.TableContent:
        types = [type_of(each) for each in self._tables[name].values()]
        written = [
            service.TableData.Row(cell=[write(value, each) for value, each in zip(row, types, strict=True)])
            for row in rows
        ]
        return service.TableContent(table_data=service.TableData(row=written))


def _within(catalog: SimpleCatalogProto, path: Sequence[str]) -> SimpleCatalogProto:
    """Return the catalog at the path, creating it if it does not exist."""
    for name in path:
        found = next((each for each in catalog.catalog if each.name == name), None)
        catalog = catalog.catalog.add(name=name) if found is None else found
    return catalog


def _table(name: str, columns: Columns) -> SimpleTableProto:
    shown = [SimpleColumnProto(name=column, type=type_of(each)) for column, each in columns.items()]
    return SimpleTableProto(name=name, column=shown)
