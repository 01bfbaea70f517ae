"""Runs on BigQuery publish the same rows whether user names equal internal names or not.

`DATASET_ASSETS_PROVE=1 pytest tests/names/test_on_bigquery.py` runs twelve turns, else one; a turn fills all
positions at once.
"""

import json
import os
import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import pyarrow as pa
import pytest

from dataset_assets.publishing.materialize import materialize
from tests.agreement.parity import engine_pair, published
from tests.agreement.row_values import KINDS
from tests.bigquery.emulator import Emulator
from tests.names.renamed import AS_OF, VARIANTS, Renamed
from tests.names.test_internal_names import turns

TURNS = 12 if os.environ.get("DATASET_ASSETS_PROVE") else 1
ID = "01a2001c-5bae-7b91-b4bb-a18b13ce1100"


def table(renamed: Renamed, name: str) -> pa.Table:
    """A table of the dataset as Arrow; of the sales the key is the row's number, so that it is there once."""
    columns = renamed.shapes[name].items()
    rows = renamed.contents[name]
    if name == renamed.called("main"):
        rows = [(number, *row[1:]) for number, row in enumerate(rows)]
    return pa.table(
        {each: pa.array([row[at] for row in rows], KINDS[kind]) for at, (each, kind) in enumerate(columns)}
    )


def found(emulator: Emulator, renamed: Renamed) -> Any:
    """Return rows, counts and checks of two publications without names."""
    told = []
    with engine_pair(emulator) as pair:
        (pair.root / "definitions" / "users.yaml").write_text("users: {someone: {email: ada@example.org}}\n")
        stem = renamed.called("stem")
        pair.declare(stem, {"id": ID, **json.loads(renamed.dataset.model_dump_json(exclude_unset=True))})
        for name in renamed.shapes:
            pair.load(name, table(renamed, name))
        for number in (1, 2):
            now = AS_OF + timedelta(seconds=number)
            request = pair.request(stem, None, str(uuid.UUID(int=number)), now, as_of=AS_OF, reread=True)
            made = materialize(pair.catalog, pair.targets[1], request, lambda _: None)
            rows = published(pair.targets[1], request, lambda session, query: session.rows(query))
            statistics = [each.model_dump() for each in made.statistics.columns.values()]
            checks = [(each.name, each.passed) for each in made.checks]
            without_table = [{name: row[name] for name in row if name != "_source_table"} for row in rows]
            told.append((renamed.neutral(without_table), made.counts, statistics, checks))
    return told


@pytest.mark.parametrize("variant", [*VARIANTS] if TURNS > 1 else ["filtered"])
def test_what_is_published_does_not_depend_on_names(emulator: Emulator, variant: str):
    of_variant = [each for each, _ in turns() if each.variant == variant]
    every = of_variant[:: len(of_variant) // (TURNS // len(VARIANTS) or 1)]
    run = partial(found, emulator)
    expected = run(Renamed(variant))
    assert [renamed for renamed in every if run(renamed) != expected] == []
