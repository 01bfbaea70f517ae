"""Convert types and values to GoogleSQL's protos and back.

The service's Python layer loses TIMESTAMPs on the way, so the protos are read as they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from sqlglot import exp
from zetasql.wasi._pb2.zetasql.public.type_pb2 import (
    ArrayTypeProto,
    StructFieldProto,
    StructTypeProto,
    TypeKind,
    TypeProto,
)
from zetasql.wasi._pb2.zetasql.public.value_pb2 import ValueProto

_EXACT = Context(prec=80)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOCK = (26, 22, 17, 12, 6, 0)
"""Where in a DATETIME the bits of year, month, day, hour, minute and second begin."""


def _numeric(value: Decimal) -> bytes:
    whole = int(value.scaleb(9, _EXACT))
    return whole.to_bytes(whole.bit_length() // 8 + 1, "little", signed=True)


def _decimal(value: bytes) -> Decimal:
    return Decimal(int.from_bytes(value, "little", signed=True)).scaleb(-9, _EXACT)


def _timestamp(value: datetime) -> dict[str, int]:
    seconds, rest = divmod(value - _EPOCH, timedelta(seconds=1))
    return {"seconds": seconds, "nanos": rest // timedelta(microseconds=1) * 1000}


def _instant(value: Any) -> datetime:
    return _EPOCH + timedelta(seconds=value.seconds, microseconds=value.nanos // 1000)


def _datetime(value: datetime) -> dict[str, int]:
    bits = sum(part << first for part, first in zip(value.timetuple(), _CLOCK, strict=False))
    return {"bit_field_datetime_seconds": bits, "nanos": value.microsecond * 1000}


def _clock(value: ValueProto.Datetime) -> datetime:
    ends = (40, *_CLOCK)
    bits = value.bit_field_datetime_seconds
    parts = [bits % (1 << end) >> first for end, first in zip(ends, _CLOCK, strict=False)]
    year, month, day, hour, minute, second = parts
    return datetime(year, month, day, hour, minute, second, value.nanos // 1000)  # noqa: DTZ001


@dataclass(frozen=True)
class Scalar:
    """One type: its kind, its field in the proto of a value, and the conversions from and to Python."""

    kind: TypeKind
    field: str
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


SCALARS: Mapping[str, Scalar] = {
    "STRING": Scalar(TypeKind.TYPE_STRING, "string_value", str, str),
    "BYTES": Scalar(TypeKind.TYPE_BYTES, "bytes_value", bytes, bytes),
    "INT64": Scalar(TypeKind.TYPE_INT64, "int64_value", int, int),
    "FLOAT64": Scalar(TypeKind.TYPE_DOUBLE, "double_value", float, float),
    "NUMERIC": Scalar(TypeKind.TYPE_NUMERIC, "numeric_value", _numeric, _decimal),
    "BOOL": Scalar(TypeKind.TYPE_BOOL, "bool_value", bool, bool),
    "DATE": Scalar(
        TypeKind.TYPE_DATE,
        "date_value",
        lambda value: (value - _EPOCH.date()).days,
        lambda days: _EPOCH.date() + timedelta(days=days),
    ),
    "TIMESTAMP": Scalar(TypeKind.TYPE_TIMESTAMP, "timestamp_value", _timestamp, _instant),
    "DATETIME": Scalar(TypeKind.TYPE_DATETIME, "datetime_value", _datetime, _clock),
}
_NAMES = {scalar.kind: name for name, scalar in SCALARS.items()}


def type_of(name: str) -> TypeProto:
    """Return the type with this GoogleSQL name."""
    return _built(exp.DataType.build(name, dialect="bigquery"))


def _built(built: exp.DataType) -> TypeProto:
    if built.this is exp.DataType.Type.ARRAY:
        inner = ArrayTypeProto(element_type=_built(built.expressions[0]))
        return TypeProto(type_kind=TypeKind.TYPE_ARRAY, array_type=inner)
    if built.this is exp.DataType.Type.STRUCT:
        fields = [
            StructFieldProto(field_name=field.name, field_type=_built(field.args["kind"]))
            for field in built.expressions
        ]
        return TypeProto(type_kind=TypeKind.TYPE_STRUCT, struct_type=StructTypeProto(field=fields))
    return TypeProto(type_kind=SCALARS[built.sql("bigquery")].kind)


def name_of(proto: TypeProto) -> str:
    """Return the GoogleSQL name of a type."""
    if proto.type_kind == TypeKind.TYPE_ARRAY:
        return f"ARRAY<{name_of(proto.array_type.element_type)}>"
    if proto.type_kind == TypeKind.TYPE_STRUCT:
        fields = (f"{field.field_name} {name_of(field.field_type)}" for field in proto.struct_type.field)
        return f"STRUCT<{', '.join(fields)}>"
    return _NAMES.get(proto.type_kind) or TypeKind.Name(proto.type_kind)


def write(value: Any, proto: TypeProto) -> ValueProto:
    """Convert a Python value to a value of this type; structs are dicts."""
    if value is None:
        return ValueProto()
    if proto.type_kind == TypeKind.TYPE_ARRAY:
        element = proto.array_type.element_type
        return ValueProto(array_value=ValueProto.Array(element=[write(each, element) for each in value]))
    if proto.type_kind == TypeKind.TYPE_STRUCT:
        fields = [write(value[each.field_name], each.field_type) for each in proto.struct_type.field]
        return ValueProto(struct_value=ValueProto.Struct(field=fields))
    scalar = SCALARS[_NAMES[proto.type_kind]]
    return ValueProto(**{scalar.field: scalar.write(value)})


def read(value: ValueProto, proto: TypeProto) -> Any:
    """Convert a value of this type to a Python value; instants are in UTC."""
    if value.WhichOneof("value") is None:
        return None
    if proto.type_kind == TypeKind.TYPE_ARRAY:
        return [read(each, proto.array_type.element_type) for each in value.array_value.element]
    if proto.type_kind == TypeKind.TYPE_STRUCT:
        fields = zip(proto.struct_type.field, value.struct_value.field, strict=True)
        return {field.field_name: read(each, field.field_type) for field, each in fields}
    scalar = SCALARS[_NAMES[proto.type_kind]]
    return scalar.read(getattr(value, scalar.field))
