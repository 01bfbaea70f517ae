"""The answer of `materialize --sample` and `--empty`."""

from dataset_assets.discovery.samples import MaterializedSample
from dataset_assets.model import Model


class SamplesAnswer(Model):
    """The samples that were written, one for each Period."""

    samples: tuple[MaterializedSample, ...]
