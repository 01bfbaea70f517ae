"""Google's analyzer accepts every statement of complete runs of random datasets.

The statements of stage, row metadata, statistics, checks, publishing and a refresh are recorded
while the emulator runs it. `DATASET_ASSETS_PROVE=1 pytest tests/agreement/test_statements.py` tries 50.
"""

import os
from contextlib import suppress

from hypothesis import HealthCheck, Phase, given, settings

from dataset_assets.errors import DatasetAssetsError
from dataset_assets.publishing.materialize import materialize
from tests.agreement.parity import engine_pair
from tests.agreement.random_cases import STEM, Case, cases
from tests.agreement.test_random import NESTED, prepare, request
from tests.bigquery.emulator import Emulator
from tests.googlesql.statements import recorded

CASES = 50 if os.environ.get("DATASET_ASSETS_PROVE") else 1
SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])


@settings(SLOW, max_examples=CASES)
@given(case=cases(nested=True))
def test_every_statement_of_a_run_is_understood(emulator: Emulator, case: Case):
    with engine_pair(emulator, case.zone) as pair:
        prepare(pair, case)
        _, on_bigquery = pair.targets
        stems = [NESTED, STEM, STEM] if case.nested else [STEM, STEM]
        with recorded() as statements:
            for number, stem in enumerate(stems, 1):
                with suppress(DatasetAssetsError):  # a check stopped it: its statements count all the same
                    materialize(pair.catalog, on_bigquery, request(pair, case, number, stem), lambda _: None)
                if stem == STEM:
                    pair.load("sales", case.table("sales", case.later))
    assert statements.sent
    assert statements.refused() == []
