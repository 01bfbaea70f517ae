"""Tests that random CSV files are read exactly, or rejected with the name of the invalid file."""

import os
import random
from collections import Counter

import pytest

from dataset_assets.adapters.resolvers.csv import CsvSettings
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.contract.model import ColumnDef
from dataset_assets.errors import DatasetAssetsError
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.resolver import TableRequest
from tests.adapters.conftest import rows_of
from tests.adapters.nasty_csv import KINDS

SETS = 1000 if os.environ.get("DATASET_ASSETS_PROVE") else 60


def located(found, folder, session):
    """Write the set below `folder` and return its relation and its declared columns."""
    (folder / "root" / "t").mkdir(parents=True)
    for name, content in found.files.items():
        (folder / "root" / "t" / name).write_bytes(content)
    tables = {"t": {"location": "t", **found.settings}}
    settings = CsvSettings.model_validate({"type": "csv", "root": "root", "tables": tables})
    columns = tuple(ColumnDef.model_validate(column) for column in found.columns)
    resolver = settings.open("r", TargetContext(folder, Calendars()))
    return resolver.resolve(TableRequest("t", columns), session), columns


@pytest.mark.parametrize("seed", range(SETS))
@pytest.mark.parametrize("kind", KINDS)
def test_a_set_is_read_right_or_refused(kind, seed, tmp_path, session):
    found = KINDS[kind](random.Random(seed))

    def read():
        relation, _ = located(found, tmp_path, session)
        return relation.row_count, Counter(tuple(row.values()) for row in rows_of(session, relation))

    if not any(found.files.values()):  # empty files are nobody's
        with pytest.raises(DatasetAssetsError, match=r"has no \.csv file in it"):
            read()
    elif found.refused:
        with pytest.raises(DatasetAssetsError) as failure:
            read()
        assert f"t/{found.refused}" in str(failure.value), found.story
    else:
        assert read() == (len(found.rows), Counter(found.rows))
