"""Settings of all tests."""

import os

import pytest
from hypothesis import settings

settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`pytest tests/golden --update-golden` writes the golden SQL anew: read what changed, then commit."""
    parser.addoption("--update-golden", action="store_true", help="write tests/golden/*/*.sql anew")
