"""Fixtures of the tests of Dagster assets."""

from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest

from tests.assets.automation_fixtures import Automated, Make, made
from tests.assets.catalogs import NOW, TABLES
from tests.assets.retailer import Retailer, open_retailer


@pytest.fixture
def retailer(tmp_path) -> Retailer:
    return open_retailer(tmp_path)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    (path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(path))
    return path


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def found(*texts: str, published: bool = True, now: datetime = NOW) -> Automated:
        return made(tmp_path, TABLES, now, *texts, published=published)

    return found
