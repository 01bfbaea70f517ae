"""A code location with sources and the sensor that polls them, and nothing else."""

import dagster as dg

from dataset_assets.assets.factory import table_spec
from dataset_assets.assets.plan import Graph
from dataset_assets.assets.polling import sources
from dataset_assets.assets.resource import Placement
from dataset_assets.contract.catalog import load_catalog
from definitions import ConfiguredTarget
from resources.settings import Settings
from tests.assets.retailer import NOW


def graph(settings: Settings) -> Graph:
    catalog = load_catalog(settings.definitions)
    target = ConfiguredTarget(name=settings.target)
    return Graph(catalog, Placement.of(target, catalog.calendars), NOW)


@dg.definitions
def defs() -> dg.Definitions:
    found = graph(Settings.from_env())
    specs = [table_spec(table) for table in found.tables.values()]
    return dg.Definitions(specs, sensors=[sources(found)])
