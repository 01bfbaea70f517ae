"""Validate Croissant metadata with mlcroissant, and load the records that it describes.

The argument is the path of the metadata.
"""

import json
import logging
import sys

from mlcroissant import Dataset

logging.disable(logging.CRITICAL)
dataset = Dataset(jsonld=sys.argv[1])
metadata = dataset.metadata
records = [
    {name: value.decode() if isinstance(value, bytes) else str(value) for name, value in record.items()}
    for record in dataset.records("rows")
]
answer = {
    "conforms_to": metadata.ctx.conforms_to.value,
    "is_latest": metadata.ctx.is_latest_version(),
    "version": metadata.version,
    "errors": sorted(metadata.issues.errors),
    "warnings": sorted(metadata.issues.warnings),
    "splits": metadata.record_sets[0].data,
    "records": records,
}
sys.stdout.write(json.dumps(answer, default=str) + "\n")
