"""Settings of all tests."""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

from tests.bigquery.emulator import Emulator, start
from tests.bigquery.proxy import StrictProxy
from tests.browser.chromium import MISSING, REQUIRED, chromium_path
from tests.engines.engine_fixtures import BENCHES, Bench

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/golden --update-golden` writes the golden SQL anew: read what changed, then commit."""
    parser.addoption("--update-golden", action="store_true", help="write tests/golden/*/*.sql anew")


def pytest_report_header() -> list[str]:
    """Say which tests are not collected because a program is missing."""
    return [] if REQUIRED or chromium_path() else [MISSING]


@pytest.fixture(scope="session")
def emulator() -> Generator[Emulator]:
    """One BigQuery for all tests that ask for it: each works in a `bigquery_dataset` of its own."""
    with start() as started:
        yield started


@pytest.fixture
def bigquery_dataset(emulator: Emulator) -> Generator[str]:
    with emulator.dataset() as name:
        yield name


@pytest.fixture
def proxy(emulator: Emulator) -> Generator[StrictProxy]:
    """BigQuery with its strictness and its faults; `proxy.inject(…)`."""
    with StrictProxy(emulator) as running:
        yield running


@pytest.fixture(params=BENCHES)
def bench(request: pytest.FixtureRequest) -> Generator[Bench]:
    """Rows of the test's own, on each engine."""
    with BENCHES[request.param](request) as opened:
        yield opened
