"""Describe an exported publication as Croissant 1.1 metadata (JSON-LD), which mlcroissant loads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dataset_assets.contract.model import ColumnType
from dataset_assets.interchange.publication_facts import ColumnFacts, PublicationFacts
from dataset_assets.selection.splits import EVAL, NAMES, SPLIT_COLUMN, TEST, TRAIN
from dataset_assets.text.values import without_none

CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
ROWS, SPLITS = "rows", "splits"
"""The ids of the record sets: the rows, and the meanings of the values of `split`."""
_PARQUET = "application/x-parquet"
_TERMS = (
    *(
        "annotation",
        "arrayShape",
        "citeAs",
        "column",
        "containedIn",
        "equivalentProperty",
        "excludes",
        "extract",
    ),
    *("field", "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset"),
    *("jsonPath", "key", "md5", "parentField", "path", "readLines", "recordSet", "references", "regex"),
    *("repeated", "replace", "samplingRate", "sdVersion", "separator", "source", "subField", "transform"),
    *("unArchive", "value"),
)
"""The terms of Croissant's vocabulary that have a short name in its recommended JSON-LD context."""
_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS},
}
_TYPES: Mapping[ColumnType, str] = {
    ColumnType.STRING: "sc:Text",
    ColumnType.INTEGER: "cr:Int64",
    ColumnType.DECIMAL: "sc:Float",
    ColumnType.BOOLEAN: "sc:Boolean",
    ColumnType.DATE: "sc:Date",
    ColumnType.TIMESTAMP: "sc:DateTime",
}
"""Croissant has no decimals: who loads one gets the nearest float."""
_SPLITS = {TRAIN: "cr:TrainingSplit", EVAL: "cr:ValidationSplit", TEST: "cr:TestSplit"}


@dataclass(frozen=True)
class ExportedFile:
    """A Parquet file with the rows of a publication: its name beside the metadata, size and SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Terms:
    """The URLs of a dataset's license and page, which a project's files do not have."""

    license: str | None = None
    url: str | None = None


def croissant(
    facts: PublicationFacts, columns: tuple[ColumnFacts, ...], file: ExportedFile, terms: Terms
) -> dict[str, Any]:
    """Return the metadata of a publication whose `columns` were exported to a file."""
    return {
        "@context": dict(_CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        **_about(facts, terms),
        **_provenance(facts),
        "distribution": [_file_object(file)],
        "recordSet": [*_splits(facts, columns), _rows(facts, columns, file)],
    }


def _about(facts: PublicationFacts, terms: Terms) -> dict[str, Any]:
    dataset, record = facts.current, facts.record
    period = f" {record['period']}" if record["period"] else ""
    about = {
        "name": facts.stem,
        "alternateName": f"{dataset.name}{period}",
        "description": dataset.description or f"{dataset.name}{period}",
        "url": terms.url or f"urn:uuid:{record['dataset_id']}",
        "license": terms.license,
        "creator": _owner(facts),
        "datePublished": record["published_at"],
        "version": f"{record['version']}.{facts.table_version}.0",
        "keywords": [dataset.ml_model] if dataset.ml_model else None,
        "identifier": record["digest"],
        "citeAs": f"{facts.stem}{period}, version {record['version']}, digest {record['digest']}",
        "temporalCoverage": "/".join(record["window"]) if record.get("window") else None,
        "isLiveDataset": False,
    }
    return without_none(about)


def _owner(facts: PublicationFacts) -> dict[str, Any]:
    owner, name = facts.owner, facts.current.owner
    if owner and owner.email:
        return {"@type": "sc:Person", "name": name, "email": owner.email}
    return {"@type": "sc:Organization", "name": owner.team if owner and owner.team else name}


def _provenance(facts: PublicationFacts) -> dict[str, Any]:
    """Return the sources with their versions, and the run that published the rows."""
    record = facts.record
    return {
        "prov:wasDerivedFrom": [
            {"@type": "prov:Entity", "prov:label": name, "version": version or "unknown"}
            for name, version in record["sources"].items()
        ],
        "prov:wasGeneratedBy": {
            "@type": "prov:Activity",
            "prov:label": f"run {record['run_id']}",
            "prov:endedAtTime": record["published_at"],
        },
    }


def _file_object(file: ExportedFile) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.name,
        "name": file.name,
        "contentUrl": file.name,
        "contentSize": f"{file.size} B",
        "encodingFormat": _PARQUET,
        "sha256": file.sha256,
    }


def _rows(facts: PublicationFacts, columns: tuple[ColumnFacts, ...], file: ExportedFile) -> dict[str, Any]:
    names = {each.name.lower(): each.name for each in columns}
    key = [names.get(name.lower()) for name in facts.dataset.natural_key_columns]
    has_key = key and all(key) and not facts.dataset.main_table.bitemporal
    return {
        "@type": "cr:RecordSet",
        "@id": ROWS,
        "name": ROWS,
        "description": f"{facts.rows} rows",
        **({"key": [{"@id": f"{ROWS}/{name}"} for name in key]} if has_key else {}),
        "field": [_field(each, file) for each in columns],
    }


def _field(column: ColumnFacts, file: ExportedFile) -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": f"{ROWS}/{column.name}",
        "name": column.name,
        "description": _description(column),
        "dataType": _TYPES[column.type],
        "source": {"fileObject": {"@id": file.name}, "extract": {"column": column.name}},
    }
    if column.name == SPLIT_COLUMN:
        field["references"] = {"field": {"@id": f"{SPLITS}/value"}}
    return field


def _description(column: ColumnFacts) -> str:
    """Return the description of a column with its source and statistics, without sensitive values."""
    source = f"Read from {column.source}.{column.source_column}" if column.source else ""
    parts = [column.description.rstrip("."), source]
    found = column.statistics
    if column.sensitive:
        parts.append("Sensitive")
    if found:
        parts.append(f"{found.cardinality} distinct values, {found.null_count} NULLs")
        if not column.sensitive and found.min is not None:
            parts.append(f"From {found.min} to {found.max}")
    return ". ".join(filter(None, parts))


def _splits(facts: PublicationFacts, columns: tuple[ColumnFacts, ...]) -> Iterator[dict[str, Any]]:
    """Yield the record set with the meanings of the values of `split`, if the rows have that column."""
    if not facts.dataset.split_config or all(each.name != SPLIT_COLUMN for each in columns):
        return
    fields = (("name", "sc:Text"), ("value", "cr:Int64"), ("url", ["sc:URL", "cr:Split"]))
    yield {
        "@type": "cr:RecordSet",
        "@id": SPLITS,
        "name": SPLITS,
        "dataType": "cr:Split",
        "key": {"@id": f"{SPLITS}/value"},
        "field": [
            {"@type": "cr:Field", "@id": f"{SPLITS}/{name}", "name": name, "dataType": kind}
            for name, kind in fields
        ],
        "data": [
            {f"{SPLITS}/name": NAMES[value], f"{SPLITS}/value": value, f"{SPLITS}/url": url}
            for value, url in _SPLITS.items()
            if value in facts.dataset.split_config.values
        ],
    }
