"""Tests that random Parquet files are read exactly, or rejected with the names of column and file."""

import os
import re

import pytest
from sqlglot import exp

from dataset_assets.adapters.resolvers.delta import DeltaSettings
from dataset_assets.adapters.resolvers.parquet import ParquetSettings
from dataset_assets.adapters.shared.context import TargetContext
from dataset_assets.compiler.typing import as_declared, mismatches
from dataset_assets.contract.scope import Source
from dataset_assets.errors import DatasetAssetsError, raise_all
from dataset_assets.periods.cadence import Calendars
from dataset_assets.ports.resolver import TableRequest
from tests.adapters.nasty_files import FileSet, make

PROVE = bool(os.environ.get("DATASET_ASSETS_PROVE"))
SETS, IN_A_TEST = (1000, 25) if PROVE else (60, 10)
KINDS = {"parquet": ParquetSettings, "delta": DeltaSettings}


def declared_query(found: FileSet, session) -> exp.Query:
    """Return the query that reads the set as a run does: resolved, judged and cast to the declared types."""
    settings = {"type": found.resolver, "root": "root", "zone": found.zone, "tables": {"t": found.settings}}
    kind = KINDS[found.resolver].model_validate(settings)
    resolver = kind.open("shop", TargetContext(found.root.parent, Calendars()))
    columns = tuple(found.columns)
    relation = resolver.resolve(TableRequest("t", columns), session)
    source = Source("t", columns, table="t")
    raise_all(DatasetAssetsError, mismatches(source, relation))
    values = [
        exp.alias_(as_declared(source, relation, each, "t"), each.name, quoted=True) for each in columns
    ]
    return exp.select(*values).from_(exp.alias_(relation.source.copy(), "t", table=True))


def read(found: FileSet, session) -> list[dict]:
    """Return the rows of the set, ordered by id."""
    return sorted(session.rows(declared_query(found, session)), key=lambda row: row["id"])


def judge(seed: int, found: FileSet, session) -> bool:
    """Return whether the set was read. Fails the test for a wrong value, or a refusal without its file."""
    try:
        rows = read(found, session)
    except DatasetAssetsError as error:
        told = "; ".join(map(str, error.faults))
        named = {each for each, files in found.refused.items() if re.search(rf"\bt\.{each}\b", told)}
        assert named, f"seed {seed}: {told}, expected {found.refused}"
        assert any(file in told for each in named for file in found.refused[each]), f"seed {seed}: {told}"
        return False
    assert not found.refused, f"seed {seed}: read, though {found.refused} must be refused"
    assert rows == found.rows, f"seed {seed}"
    return True


@pytest.mark.parametrize("first", range(0, SETS, IN_A_TEST))
def test_a_set_is_read_exactly_or_refused_with_its_file(tmp_path, session, first):
    outcomes = []
    for seed in range(first, first + IN_A_TEST):
        root = tmp_path / str(seed) / "root"
        root.mkdir(parents=True)
        outcomes.append(judge(seed, make(seed, root), session))
    assert any(outcomes), "some sets can be read"
