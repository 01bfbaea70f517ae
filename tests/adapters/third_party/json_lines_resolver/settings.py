"""Settings of the resolver type `small_json`, which reads tables from files with one JSON object a line."""

from typing import Literal

from typing_extensions import override

from dataset_assets.adapters.resolvers.base import ResolverSettings
from dataset_assets.adapters.shared.context import Location, TargetContext
from dataset_assets.ports.resolver import Resolver


class JsonLinesSettings(ResolverSettings):
    """A table is the file `<table>.jsonl` in `root`."""

    type: Literal["small_json"]
    root: Location

    @override
    def open(self, name: str, context: TargetContext) -> Resolver:
        from json_lines_resolver.resolver import JsonLinesResolver  # noqa: PLC0415 - reading a target loads no engine

        return JsonLinesResolver(name, self, context.path(self.root))
