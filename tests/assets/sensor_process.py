"""A code location with the datasets and the sensors `sources` and `refresh` alone."""

import dagster as dg

from dataset_assets.adapters.targets.environment import Settings
from dataset_assets.assets.asset_definitions import assets
from dataset_assets.assets.asset_graph import Graph
from dataset_assets.assets.refresh_sensor import refresh_sensor
from dataset_assets.assets.source_sensor import sources
from dataset_assets.assets.target_resource import RESOURCE, TargetBinding, TargetResource
from dataset_assets.catalog.load_catalog import load_catalog
from tests.assets.retailer import NOW


def graph(settings: Settings) -> Graph:
    catalog = load_catalog(settings.definitions)
    target = TargetResource(name=settings.target)
    return Graph(catalog, TargetBinding.of(target, catalog.calendars), NOW)


@dg.definitions
def defs() -> dg.Definitions:
    settings = Settings.from_env()
    found = graph(settings)
    return dg.Definitions(
        list(assets(found)),
        sensors=[sources(found), refresh_sensor(found)],
        resources={RESOURCE: TargetResource(name=settings.target)},
    )
