"""Sets of nasty files of one table, made from a seed, and in plain Python what reading them must give.

A set holds Parquet files, plain or in hive folders, or a Delta table. Its oracle is a list of rows, or the
columns of which one must be named in the refusal, each with its file.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pyarrow as pa
from deltalake import write_deltalake
from pyarrow import parquet

from dataset_assets.contract.model import ColumnDef, ColumnType

ZONES = ("UTC", "Europe/Berlin", "America/New_York")
REFUSED = object()
"""What the oracle has for a value that no exact value of the declared type is."""

_NAIVE = datetime(2024, 3, 5, 6, 7, 8, 123456)  # noqa: DTZ001 - written without a zone on purpose
_TEXTS = ("a", "", "NULL", "null", "%20", "ü/=#?", "x y", "'\"", "__", "1")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Form:
    """One way to store a declared type: Arrow's type, the stored values, and what each must be read as."""

    arrow: pa.DataType
    values: tuple[tuple[Any, Any], ...]
    is_refused: bool = False


def _same(*values: Any) -> tuple[tuple[Any, Any], ...]:
    return tuple((value, value) for value in values)


def _micros(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _naive(zone: str) -> tuple[tuple[Any, Any], ...]:
    return ((_NAIVE, _NAIVE.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)),)


def _times(zone: str) -> list[Form]:
    instant = _NAIVE.replace(tzinfo=UTC)
    last = _micros(datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC))
    return [
        Form(pa.timestamp("us"), _naive(zone)),
        Form(pa.timestamp("us", "UTC"), _same(instant)),
        Form(pa.timestamp("us", "Asia/Tokyo"), _same(instant)),
        Form(pa.timestamp("ms", "UTC"), _same(instant.replace(microsecond=5000))),
        Form(pa.timestamp("ns", "UTC"), ((_micros(instant) * 1000, instant), (1, REFUSED))),
        Form(pa.timestamp("ns"), ((_micros(instant) * 1000, _naive(zone)[0][1]), (1001, REFUSED))),
        Form(pa.timestamp("us", "UTC"), ((last + 1, REFUSED), (last, _EPOCH + timedelta(microseconds=last)))),
        Form(pa.timestamp("us", "UTC"), ((-62_135_596_800_000_001, REFUSED), (0, _EPOCH))),
        Form(pa.date32(), _same(date(2024, 1, 1)), is_refused=True),
        Form(pa.string(), _same("2024-01-01"), is_refused=True),
    ]


def _forms(zone: str) -> Mapping[ColumnType, Sequence[Form]]:
    big = Decimal(10) ** 29
    return {
        ColumnType.INTEGER: [
            *(Form(kind, _same(0, 1, 100)) for kind in (pa.int8(), pa.int16(), pa.int32(), pa.uint32())),
            Form(pa.int64(), _same(-(2**63), 2**63 - 1, 2**53 + 1)),
            Form(pa.uint64(), ((7, 7), (2**63, REFUSED), (2**64 - 1, REFUSED))),
            Form(pa.string(), _same("7"), is_refused=True),
            Form(pa.float64(), _same(7.0), is_refused=True),
        ],
        ColumnType.DECIMAL: [
            Form(pa.int32(), ((7, Decimal(7)), (-1, Decimal(-1)))),
            Form(pa.uint64(), ((2**64 - 1, Decimal(2**64 - 1)),)),
            Form(pa.decimal128(10, 2), _same(Decimal("12345678.12"), Decimal("-0.01"))),
            Form(pa.decimal128(38, 9), _same(Decimal("9" * 29 + ".5"), Decimal("0.000000001"))),
            Form(pa.decimal128(30, 12), ((Decimal("1.5"), Decimal("1.5")), (Decimal("1e-12"), REFUSED))),
            Form(pa.decimal128(38, 2), ((Decimal("1.25"), Decimal("1.25")), (big, REFUSED))),
            Form(pa.float64(), ((0.5, Decimal("0.5")), (19.75, Decimal("19.75")), (float("nan"), REFUSED))),
            Form(pa.decimal256(60, 2), _same(Decimal("1.50")), is_refused=True),
            Form(pa.string(), _same("1.5"), is_refused=True),
        ],
        ColumnType.STRING: [
            Form(pa.string(), _same(*_TEXTS)),
            Form(pa.large_string(), _same(*_TEXTS)),
            Form(pa.dictionary(pa.int32(), pa.string()), _same(*_TEXTS)),
            Form(pa.int64(), _same(7), is_refused=True),
            Form(pa.binary(), _same(b"a"), is_refused=True),
        ],
        ColumnType.BOOLEAN: [
            Form(pa.bool_(), _same(True, False)),
            Form(pa.int8(), _same(1), is_refused=True),
        ],
        ColumnType.DATE: [
            Form(pa.date32(), _same(date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29))),
            Form(pa.date32(), ((2_932_897, REFUSED), (-719_163, REFUSED), (2**31 - 1, REFUSED))),
            Form(pa.timestamp("us"), _same(_NAIVE), is_refused=True),
        ],
        ColumnType.TIMESTAMP: _times(zone),
    }


@dataclass
class FileSet:
    """A table's files below `root`, its settings in the target, and what must come of them.

    `refused` maps a column to the files of which one must be named; an empty name stands for any.
    """

    root: Path
    resolver: str
    zone: str
    settings: dict[str, Any]
    columns: list[ColumnDef]
    rows: list[dict[str, Any]] = field(default_factory=list)
    refused: dict[str, set[str]] = field(default_factory=dict)

    def table_error(self, column: str, file: str) -> None:
        self.refused.setdefault(column, set()).add(file)


def make(seed: int, root: Path) -> FileSet:
    """Write the set of a seed below `root`."""
    rng = random.Random(seed)
    zone = rng.choice(ZONES)
    kinds = rng.choices(list(ColumnType), k=rng.randint(1, 4))
    columns = [ColumnDef(name="id", type=ColumnType.INTEGER)]
    columns += [ColumnDef(name=f"c{index}", type=kind) for index, kind in enumerate(kinds)]
    settings: dict[str, Any] = {"location": "t"}
    if rng.random() < 0.3:
        settings["missing_columns"] = "null"
    if rng.random() < 0.4:
        settings["columns"] = {"c0": rng.choice(["Order ID", "a.b", "ü", 'q"x', "id2", "C0"])}
    found = FileSet(root, "parquet", zone, settings, columns)
    write = rng.choices([_write_parquet, _write_delta], [3, 1])[0]
    write(rng, found)
    return found


def _nasty(rng: random.Random) -> float:
    """Return how likely a form that must be refused is: most sets must be readable."""
    return rng.choice([0, 0, 0, 0.15])


def _column(
    rng: random.Random, column: ColumnDef, zone: str, count: int, nasty: float
) -> tuple[pa.Array, list[Any], bool]:
    """Return an array, what its values must be read as, and whether the column itself is refused."""
    kind = rng.random()
    if kind < 0.12:
        return pa.nulls(count), [None] * count, False
    forms = [each for each in _forms(zone)[column.type] if nasty or not each.is_refused]
    form = rng.choice([each for each in forms if each.is_refused == (rng.random() < nasty)] or forms)
    if form.is_refused and rng.random() < 0.3:
        return pa.nulls(count, form.arrow), [None] * count, False
    pairs = [pair for pair in form.values if nasty or pair[1] is not REFUSED]
    chosen = [rng.choice([(None, None), *pairs, *pairs]) for _ in range(count)]
    array = pa.array([_scaled(stored, form.arrow) for stored, _ in chosen], form.arrow)
    only_null = array.null_count == count
    return array, [value for _, value in chosen], form.is_refused and not only_null


def _scaled(value: Any, kind: pa.DataType) -> Any:
    """Return a decimal with the places of its type, without which Arrow may refuse it."""
    if not isinstance(value, Decimal):
        return value
    with localcontext() as context:
        context.prec = 76
        return value.quantize(Decimal(1).scaleb(-kind.scale))


def _table(
    rng: random.Random, found: FileSet, ids: range, name: str, left_out: frozenset[str]
) -> tuple[pa.Table, list[dict[str, Any]]]:
    """Return the rows of a file, and what they must be read as; what is refused is noted."""
    nasty = _nasty(rng)
    rows: list[dict[str, Any]] = [{"id": each} for each in ids]
    arrays: list[tuple[str, pa.Array]] = [(_spelling(rng, found, "id"), pa.array(list(ids), pa.int64()))]
    for column in found.columns[1:]:
        if column.name in left_out:
            continue
        physical = found.settings.get("columns", {}).get(column.name, column.name)
        if rng.random() < nasty / 2:
            if found.settings.get("missing_columns") != "null":
                found.table_error(column.name, name)
            for row in rows:
                row[column.name] = None
            continue
        array, values, is_refused = _column(rng, column, found.zone, len(ids), nasty)
        if is_refused:
            found.table_error(column.name, name)
        for row, value in zip(rows, values, strict=True):
            row[column.name] = value
            if value is REFUSED:
                found.table_error(column.name, name)
        arrays.append((_spelling(rng, found, physical), array))
    arrays += _extras(rng, found, arrays, len(ids))
    rng.shuffle(arrays)
    return pa.Table.from_arrays([array for _, array in arrays], [each for each, _ in arrays]), rows


def _spelling(rng: random.Random, found: FileSet, name: str) -> str:
    is_plain = found.resolver == "parquet" and name.isascii() and name.isalnum()
    return name.upper() if is_plain and rng.random() < 0.1 else name


def _extras(
    rng: random.Random, found: FileSet, arrays: Sequence[tuple[str, pa.Array]], count: int
) -> list[tuple[str, pa.Array]]:
    """Return columns that nobody asked for: of any type, and duplicates of a column that is there exactly."""
    extras: list[tuple[str, pa.Array]] = []
    if rng.random() < 0.3:
        kind = rng.choice([pa.int64(), pa.string(), pa.struct([("a", pa.int64())]), pa.list_(pa.int8())])
        extras.append(
            (rng.choice(["extra", "filename", "source_file", "files", "path"]), pa.nulls(count, kind))
        )
    exact = [name for name, _ in arrays if name == "id"]
    if exact and found.resolver == "parquet" and rng.random() < 0.15:
        extras.append((rng.choice(["ID", "Id"]), pa.array(["duplicate"] * count)))
    return extras


def _write_parquet(rng: random.Random, found: FileSet) -> None:
    folder = found.root / "t"
    levels = rng.choice([0, 0, 1, 2])
    partitions = _partition_columns(rng, found, levels)
    start = 0
    for index in range(rng.randint(1, 5)):
        count = rng.choice([0, 1, 2, 3])
        values = {column.name: rng.choice(_PATH_VALUES[column.type]) for column in partitions}
        names = [found.settings.get("columns", {}).get(name, name) for name in values]
        parts = [
            f"{quote(name, safe='')}={written}"
            for name, (written, _) in zip(names, values.values(), strict=True)
        ]
        path = folder.joinpath(*parts, *(["sub"] if rng.random() < 0.2 else []), f"{index}.parquet")
        path.parent.mkdir(parents=True, exist_ok=True)
        table, rows = _table(rng, found, range(start, start + count), path.name, frozenset(values))
        parquet.write_table(
            table, path, row_group_size=rng.choice([1, 100]), write_statistics=rng.random() < 0.7
        )
        for row in rows:
            row |= {name: _read(found, value) for name, (_, value) in values.items()}
        found.rows += rows
        start += count
    _litter(rng, folder)


def _partition_columns(rng: random.Random, found: FileSet, levels: int) -> list[ColumnDef]:
    return rng.sample(found.columns[1:], min(levels, len(found.columns) - 1))


_PATH_VALUES: Mapping[ColumnType, Sequence[tuple[str, Any]]] = {
    ColumnType.STRING: [(quote(each, safe=""), each) for each in _TEXTS]
    + [("__HIVE_DEFAULT_PARTITION__", None)],
    ColumnType.INTEGER: [("7", 7), ("-1", -1), ("01", 1), ("__HIVE_DEFAULT_PARTITION__", None)],
    ColumnType.DECIMAL: [("1.50", Decimal("1.5")), ("7", Decimal(7))],
    ColumnType.BOOLEAN: [("true", True), ("False", False)],
    ColumnType.DATE: [("2024-01-31", date(2024, 1, 31)), ("__HIVE_DEFAULT_PARTITION__", None)],
    ColumnType.TIMESTAMP: [
        (quote(str(_NAIVE)), _NAIVE),
        (quote("2024-03-05T06:07:08Z"), datetime(2024, 3, 5, 6, 7, 8, tzinfo=UTC)),
    ],
}


def _read(found: FileSet, value: Any) -> Any:
    """Return a value of a path as it must be read: a naive time is of the resolver's zone."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=ZoneInfo(found.zone)).astimezone(UTC)
    return value


def _litter(rng: random.Random, folder: Path) -> None:
    """Write files that the resolver has to ignore."""
    litter: list[Callable[[], Any]] = [
        lambda: (folder / ".hidden.parquet").write_bytes(b"half"),
        lambda: (folder / "_set_aside.parquet").write_bytes(b"half"),
        (folder / "empty.parquet").touch,
        lambda: (folder / "notes.txt").write_text("notes"),
        lambda: ((folder / "_tmp").mkdir(), (folder / "_tmp" / "x.parquet").write_bytes(b"half")),
    ]
    for write in litter:
        if rng.random() < 0.3:
            write()


def _write_delta(rng: random.Random, found: FileSet) -> None:
    """Write a Delta table of one schema, maybe partitioned, in one commit or with its rows removed again."""
    found.resolver = "delta"
    found.settings["location"] = rng.choice(["t", "my t", "t=1", "tä#"])
    found.settings.pop("columns", None)
    column = found.columns[1]
    values = {
        ColumnType.STRING: ["a", "NULL", "%20", "ü/=#?", None, "", "__HIVE_DEFAULT_PARTITION__x"],
        ColumnType.INTEGER: [1, -5, None],
        ColumnType.DECIMAL: [Decimal("1.50"), None],
        ColumnType.BOOLEAN: [True, False, None],
        ColumnType.DATE: [date(2024, 1, 31), None],
        ColumnType.TIMESTAMP: [_NAIVE.replace(tzinfo=UTC), None],
    }[column.type]
    kinds = {
        ColumnType.STRING: pa.string(),
        ColumnType.INTEGER: pa.int64(),
        ColumnType.DECIMAL: pa.decimal128(10, 2),
        ColumnType.BOOLEAN: pa.bool_(),
        ColumnType.DATE: pa.date32(),
        ColumnType.TIMESTAMP: pa.timestamp("us", "UTC"),
    }
    found.columns = found.columns[:2]
    count = rng.randint(0, 5)
    chosen = [rng.choice(values) for _ in range(count)]
    table = pa.table({"id": pa.array(range(count), pa.int64()), "c0": pa.array(chosen, kinds[column.type])})
    is_partitioned = rng.random() < 0.7
    folder = (found.root / found.settings["location"]).as_uri()
    write_deltalake(folder, table, partition_by=["c0"] if is_partitioned else None)
    # The Delta protocol: an empty text of a partition is NULL.
    read = [None if is_partitioned and value == "" else value for value in chosen]
    found.rows = [{"id": index, "c0": value} for index, value in enumerate(read)]
