"""Random datasets are equal on DuckDB and BigQuery: rows, every `_row_id`, digest, statistics, checks.

`DATASET_ASSETS_CASES=300 pytest tests/agreement` tries more of them.
"""

import json
import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, event, given, settings

from dataset_assets.publishing.prepared_run import Request
from dataset_assets.sql.dialect import BIGQUERY, DUCKDB
from tests.agreement.parity import EnginePair, engine_pair, prepared_run, selected
from tests.agreement.random_cases import CALENDARS, NESTED, PEOPLE, STEM, Case, cases, columns
from tests.bigquery.emulator import Emulator
from tests.googlesql.session import InDuckDB, InGoogleSQL, relation

CASES = int(os.environ.get("DATASET_ASSETS_CASES", "8"))
SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
"""Hypothesis phases without shrinking, which would take minutes."""
EVALUATED = 30
"""The most rows for Google's evaluator, whose joins are quadratic."""
NOW = datetime(2021, 6, 1, tzinfo=UTC)


def declare(pair: EnginePair, case: Case) -> None:
    definitions = pair.root / "definitions"
    definitions.mkdir(exist_ok=True)
    (definitions / "users.yaml").write_text("users: {ada: {email: ada@example.org}}\n")
    (definitions / "periods.yaml").write_text(json.dumps({"calendars": CALENDARS}))
    pair.declare(STEM, case.definition)
    if case.nested:
        people = {"name": "people", "columns": columns(case.shapes["people"])}
        pair.declare(NESTED, {**PEOPLE, "main_table": people})


def prepare(pair: EnginePair, case: Case) -> None:
    declare(pair, case)
    for name, rows in case.rows.items():
        pair.load(name, case.table(name, rows))


def request(pair: EnginePair, case: Case, number: int, stem: str = STEM) -> Request:
    """Return the request of the `number`th publication, by another run a second after the one before."""
    run_id, now = str(uuid.UUID(int=number)), NOW + timedelta(seconds=number)
    period = case.period.id if case.period and stem == STEM else None
    return pair.request(stem, period, run_id, now, as_of=case.as_of)


@settings(SLOW, max_examples=CASES)
@given(case=cases(nested=False))
def test_the_rows_that_are_selected(emulator: Emulator, case: Case):
    with engine_pair(emulator, case.zone) as pair:
        prepare(pair, case)
        ours, theirs = pair.select(request(pair, case, 1))
    event("rows" if ours.rows else "no rows")
    assert ours == theirs
    assert not ours.faults


@settings(SLOW, max_examples=max(CASES // 3, 1))
@given(case=cases(nested=False))
def test_the_rows_that_google_s_evaluator_selects(case: Case):
    """Google's evaluator also finds errors that DuckDB and the emulator, which runs on it, share."""
    contents = {name: rows[:EVALUATED] for name, rows in case.rows.items()}
    relations = {name: relation(case.shapes, name, case.zone) for name in contents}
    with TemporaryDirectory() as folder:
        pair = EnginePair(Path(folder), ())
        declare(pair, case)
        work = prepared_run(pair.catalog, request(pair, case, 1), relations)
    ours = selected(InDuckDB(case.shapes, contents), DUCKDB, work)
    theirs = selected(InGoogleSQL(case.shapes, contents), BIGQUERY, work)
    assert ours == theirs


@settings(SLOW, max_examples=max(CASES // 4, 1))
@given(case=cases(nested=True))
def test_publications_and_their_refreshes(emulator: Emulator, case: Case):
    with engine_pair(emulator, case.zone) as pair:
        prepare(pair, case)
        if case.nested:
            ours, theirs = pair.publish(request(pair, case, 1, NESTED))
            assert ours == theirs
        for number in (2, 3):
            ours, theirs = pair.publish(request(pair, case, number))
            event(f"publication {number - 1}: {'a check stops it' if ours.faults else 'published'}")
            assert ours == theirs
            pair.load("sales", case.table("sales", case.later))
