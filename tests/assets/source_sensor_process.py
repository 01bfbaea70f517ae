"""A code location with only source tables and the sensor `sources`."""

import dagster as dg

from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.assets.asset_definitions import table_spec
from dataset_assets.assets.asset_graph import Graph
from dataset_assets.assets.source_sensor import sources
from dataset_assets.assets.target_resource import TargetBinding, TargetResource
from dataset_assets.catalog.load_catalog import load_catalog
from tests.assets.retailer import NOW


def graph(settings: Settings) -> Graph:
    catalog = load_catalog(settings.definitions)
    target = TargetResource(name=settings.target)
    return Graph(catalog, TargetBinding.of(target, catalog.calendars), NOW)


@dg.definitions
def defs() -> dg.Definitions:
    found = graph(Settings.from_env())
    specs = [table_spec(table) for table in found.tables.values()]
    return dg.Definitions(specs, sensors=[sources(found)])
