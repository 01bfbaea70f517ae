"""Each mutant of the SQL of bitemporal tables is found by the tests of histories and cases.

`DATASET_ASSETS_PROVE=1` tries all of them; the first few of each module otherwise.
"""

import os
from types import ModuleType

import pytest

from dataset_assets.errors import DatasetAssetsError
from tests.engines.engine_fixtures import Bench, on_duckdb
from tests.rows import test_bitemporal_cases
from tests.rows.bitemporal_mutants import MUTANTS, Mutant, applied
from tests.rows.bitemporal_table import BitemporalTable
from tests.rows.test_bitemporal_histories import play

SHARE = None if os.environ.get("DATASET_ASSETS_PROVE") else 1
TRIED = [(module, mutant) for module, mutants in MUTANTS.items() for mutant in mutants[:SHARE]]
CASES = [case for name, case in vars(test_bitemporal_cases).items() if name.startswith("test_")]
"""Most take an engine, some open their own."""


@pytest.mark.parametrize(("module", "mutant"), TRIED, ids=[f"{m.__name__}: {each[1]}" for m, each in TRIED])
def test_a_mutant_is_found(module: ModuleType, mutant: Mutant) -> None:
    with on_duckdb() as bench, applied(module, mutant):
        assert _is_found(bench)


def _is_found(bench: Bench) -> bool:
    try:
        play(BitemporalTable(bench), 0)
        for case in CASES:
            case(*[bench] if "bench" in case.__annotations__ else [])
        for seed in range(1, 6):
            play(BitemporalTable(bench), seed)
    except (AssertionError, DatasetAssetsError):
        return True
    return False
