"""Describe a publication as an OpenLineage event: inputs, output, and the lineage of its columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import NAMESPACE_URL, uuid5

from dataset_assets.contract.model import Dataset
from dataset_assets.contract.scope import Scope
from dataset_assets.interchange.lineage import Influence, Lineage, SourceColumn, lineage_of
from dataset_assets.interchange.publication_facts import PublicationFacts
from dataset_assets.ports.resolver import TableAddress
from dataset_assets.ports.target import Target
from dataset_assets.publishing.output_sources import OUTPUT
from dataset_assets.publishing.recorded_columns import NESTED
from dataset_assets.stats.statistics import ColumnStatistics
from dataset_assets.text.values import without_none

NAMESPACE = "dataset-assets"
"""The namespace of jobs unless the environment has another one."""
PRODUCER = "urn:dataset-assets"
_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_VERSIONS = {
    "ColumnLineageDatasetFacet": "1-2-0",
    "DataQualityMetricsDatasetFacet": "1-0-1",
    "DatasetVersionDatasetFacet": "1-0-1",
    "DatasourceDatasetFacet": "1-0-1",
    "DocumentationDatasetFacet": "1-1-0",
    "JobTypeJobFacet": "2-0-4",
    "NominalTimeRunFacet": "1-0-1",
    "OutputStatisticsOutputDatasetFacet": "1-0-2",
    "OwnershipDatasetFacet": "1-0-1",
    "SchemaDatasetFacet": "1-2-0",
    "SQLJobFacet": "1-1-0",
}
"""The facets that events have, each with the version of its schema."""


@dataclass(frozen=True)
class EventRun:
    """The run that an event is about: its id, when it ended, and the namespace of its jobs."""

    run_id: str
    ended_at: datetime
    namespace: str = NAMESPACE


@dataclass(frozen=True)
class _Event:
    """Writes the parts of the event of one publication."""

    facts: PublicationFacts
    scope: Scope
    target: Target
    run: EventRun

    @property
    def dataset(self) -> Dataset:
        return self.facts.dataset

    @property
    def base(self) -> str | None:
        """The source with the rows of an output of a Project, its dataset; None for a dataset."""
        output = self.facts.record.get(OUTPUT)
        return f"{NESTED}{output['dataset']}" if output else None

    def event(self) -> dict[str, Any]:
        record = self.facts.record
        name = f"{self.run.run_id}:{self.facts.stem}:{record['period']}"
        return {
            "eventType": "COMPLETE",
            "eventTime": self.run.ended_at.isoformat(),
            "producer": PRODUCER,
            "schemaURL": _EVENT,
            "run": {"runId": str(uuid5(NAMESPACE_URL, name)), "facets": self.run_facets()},
            "job": {
                "namespace": self.run.namespace,
                "name": f"datasets.{self.facts.stem}",
                "facets": self.job_facets(),
            },
            "inputs": [*self.inputs()],
            "outputs": [self.output()],
        }

    def run_facets(self) -> dict[str, Any]:
        window = self.facts.record.get("window")
        if not window:
            return {}
        nominal = {"nominalStartTime": window[0], "nominalEndTime": window[1]}
        return {"nominalTime": _facet("NominalTimeRunFacet", nominal)}

    def job_facets(self) -> dict[str, Any]:
        sql, dialect = self.facts.sql, self.target.engine.dialect.name
        kind = {"processingType": "BATCH", "integration": "DATASET_ASSETS", "jobType": "PUBLICATION"}
        facets = {"jobType": _facet("JobTypeJobFacet", kind)}
        if sql:
            facets["sql"] = _facet("SQLJobFacet", {"query": sql, "dialect": dialect})
        return facets

    def inputs(self) -> Iterator[dict[str, Any]]:
        """Yield the tables that were read, with their versions."""
        versions = self._versions()
        for source, columns in self._columns_by_source().items():
            fields = {"fields": [{"name": name} for name in columns]}
            facets = {"schema": _facet("SchemaDatasetFacet", fields)}
            if versions.get(source):
                version = {"datasetVersion": versions[source]}
                facets["version"] = _facet("DatasetVersionDatasetFacet", version)
            address = self.address(source)
            yield {"namespace": address.namespace, "name": address.name, "facets": facets}

    def output(self) -> dict[str, Any]:
        facts, record = self.facts, self.facts.record
        address = published_at(self.target, facts.stem)
        statistics = {"rowCount": facts.rows, "size": record.get("size_bytes")}
        written = without_none(statistics)
        return {
            "namespace": address.namespace,
            "name": address.name,
            "facets": dict(self.output_facets()),
            "outputFacets": {"outputStatistics": _facet("OutputStatisticsOutputDatasetFacet", written)},
        }

    def output_facets(self) -> Iterator[tuple[str, Any]]:
        facts, columns = self.facts, self.facts.columns
        fields = [
            {"name": each.name, "type": each.type.value, "description": each.description or None}
            for each in columns
        ]
        yield "schema", _facet("SchemaDatasetFacet", {"fields": [*map(without_none, fields)]})
        source = {"name": self.target.name, "uri": facts.location}
        yield "dataSource", _facet("DatasourceDatasetFacet", source)
        version = {"datasetVersion": str(facts.table_version)}
        yield "version", _facet("DatasetVersionDatasetFacet", version)
        owner = facts.owner.address if facts.owner else facts.current.owner
        owners = {"owners": [{"name": owner, "type": "OWNER"}]}
        yield "ownership", _facet("OwnershipDatasetFacet", owners)
        if facts.current.description:
            text = {"description": facts.current.description}
            yield "documentation", _facet("DocumentationDatasetFacet", text)
        yield "columnLineage", _facet("ColumnLineageDatasetFacet", self.column_lineage())
        yield "dataQualityMetrics", _facet("DataQualityMetricsDatasetFacet", self.metrics())

    def column_lineage(self) -> dict[str, Any]:
        """Return the facet's fields; sources that influence all rows are those of the whole dataset."""
        found = self.lineage()
        fields = {
            name: {"inputFields": [self._input(each) for each in sources]}
            for name, sources in found.columns.items()
            if sources
        }
        return {"fields": fields, "dataset": [self._input(each) for each in found.rows]}

    def lineage(self) -> Lineage:
        """Return the lineage of the published columns; an output has the columns of its dataset."""
        names = [each.name for each in self.facts.columns]
        if self.base:
            own = {name: (SourceColumn(self.base, name, Influence.IDENTITY),) for name in names}
            return Lineage(own, ())
        found = lineage_of(self.scope)
        kept = {name: sources for name, sources in found.columns.items() if name in names}
        return Lineage(kept, found.rows)

    def metrics(self) -> dict[str, Any]:
        """Return counts of the columns, and bounds of numbers that are not sensitive (BR-206)."""
        columns = {each.name: _metrics(each.statistics) for each in self.facts.columns if each.statistics}
        return {"rowCount": self.facts.rows, "columnMetrics": columns}

    def address(self, source: str) -> TableAddress:
        """Return where a source is stored: a table, or the publication of a nested dataset."""
        if source.startswith(NESTED):
            return published_at(self.target, source.removeprefix(NESTED))
        return self.target.resolver_of(self.dataset, source).address(source)

    def _input(self, each: SourceColumn) -> dict[str, Any]:
        address = self.address(each.source)
        kind = "DIRECT" if each.influence.is_direct else "INDIRECT"
        how = {"type": kind, "subtype": each.influence.value, "masking": False}
        return {
            "namespace": address.namespace,
            "name": address.name,
            "field": each.column,
            "transformations": [how],
        }

    def _columns_by_source(self) -> dict[str, list[str]]:
        """Return the declared columns of each source; those of a nested dataset are its published ones."""
        if self.base:
            return {self.base: [each.name for each in self.facts.columns]}
        return {source.reads: [each.name for each in source.columns] for source in self.scope.sources}

    def _versions(self) -> dict[str, str]:
        """Return the version of each source that was read, by its name in the definition."""
        recorded = self.facts.record["sources"]
        versions = {self.base: recorded.get(self.base, "")} if self.base else {}
        for source in self.scope.sources:
            key = source.reads
            if not source.nested:
                key = f"{self.target.resolver_of(self.dataset, source.table).name}/{source.table}"
            versions[source.reads] = recorded.get(key, "")
        return versions


def run_event(facts: PublicationFacts, scope: Scope, target: Target, run: EventRun) -> dict[str, Any]:
    """Return the COMPLETE event of the run that published these rows, or found them unchanged (BR-145).

    `scope` has the sources of the definition that was published. No value of a sensitive column is in it.
    """
    return _Event(facts, scope, target, run).event()


def recorded_run(facts: PublicationFacts) -> EventRun:
    """Return the run that a publication's record names."""
    record = facts.record
    return EventRun(str(record["run_id"]), datetime.fromisoformat(record["published_at"]))


def published_at(target: Target, stem: str) -> TableAddress:
    """Return where the publications of a dataset are stored."""
    warehouse = target.warehouse
    place = urlsplit(warehouse.location(stem))
    if place.scheme == "file":
        return TableAddress("file", unquote(place.path))
    return TableAddress(place.scheme, warehouse.table_name(stem))


def _facet(schema: str, values: Mapping[str, Any]) -> dict[str, Any]:
    url = f"{_SPEC}/facets/{_VERSIONS[schema]}/{schema}.json#/$defs/{schema}"
    return {"_producer": PRODUCER, "_schemaURL": url, **values}


def _metrics(found: ColumnStatistics) -> dict[str, Any]:
    bounds = {"min": found.min, "max": found.max} if found.type in {"integer", "decimal"} else {}
    numbers = {name: float(value) for name, value in without_none(bounds).items()}
    return {"nullCount": found.null_count, "distinctCount": found.cardinality, **numbers}
