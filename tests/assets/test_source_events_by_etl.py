"""ETL reports its tables through Dagster's HTTP endpoints, as docs/refresh.md describes it."""

import os
import socket
import subprocess
import sys
import time
import warnings
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import dagster as dg
import pytest

from dataset_assets.assets.asset_keys import table_key
from dataset_assets.ports.resolver import TableState
from tests.assets.test_source_sensor import Daemon, products

PATIENCE = 120


class Automation:
    """Dagster's automation, with an asset that reads each table: which of its partitions it requests."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        months = dg.TimeWindowPartitionsDefinition(
            start="2024-01", end="2024-06", fmt="%Y-%m", cron_schedule="0 0 1 * *"
        )
        changed = dg.AutomationCondition.any_deps_match(dg.AutomationCondition.data_version_changed())
        tables = {"orders": months, "products": None}
        specs = [dg.AssetSpec(table_key("shop", name), partitions_def=of) for name, of in tables.items()]
        readers = [
            dg.AssetSpec(
                name, deps=[table_key("shop", name)], partitions_def=of, automation_condition=changed
            )
            for name, of in tables.items()
        ]

        @dg.multi_asset(specs=readers, can_subset=True)
        def read(): ...

        self.definitions = dg.Definitions([*specs, read])
        self.instance = instance
        self.cursor = None
        self.requested = Counter[str | None]()

    def tick(self) -> None:
        """As the daemon does it every 30 seconds."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)
            found = dg.evaluate_automation_conditions(
                self.definitions,
                self.instance,
                asset_selection=dg.AssetSelection.assets("orders", "products"),
                cursor=self.cursor,
            )
        self.cursor = found.cursor
        self.requested.update(found.get_requested_partitions(dg.AssetKey("orders")))
        self.requested.update(found.get_requested_partitions(dg.AssetKey("products")))


@pytest.fixture
def webserver(home) -> Generator[str]:
    """Its address. No code location is needed for the endpoints."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "workspace.yaml").write_text("load_from: []\n")
    command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port)]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=home, env=os.environ, stdout=log, stderr=log)
        try:
            yield _when_ready(f"http://127.0.0.1:{port}", server, home / "log")
        finally:
            server.terminate()
            server.wait(PATIENCE)


def _when_ready(address: str, server: subprocess.Popen, log: Path) -> str:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            urlopen(f"{address}/server_info", timeout=5).close()
        except URLError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        else:
            return address


def post(address: str, kind: str, table: str, **values: str) -> None:
    """`curl -X POST "<address>/report_asset_<kind>/<table>?<values>"`."""
    url = f"{address}/report_asset_{kind}/{table}?{urlencode(values)}"
    with urlopen(Request(url, method="POST"), timeout=PATIENCE) as answer:
        assert answer.status == 200


def report(address: str, table: str, **values: str) -> None:
    for kind in ("materialization", "observation"):
        post(address, kind, table, **values)


def test_etl_reports_by_itself(retailer, home, webserver, monkeypatch):
    with dg.DagsterInstance.from_config(str(home)) as instance:
        polling, automation = Daemon(retailer, instance), Automation(instance)
        resolver = polling.resolver
        polling.tick()
        automation.tick()

        retailer.orders(2, {1: "somebody else"})
        version = resolver.pieces("orders")["2024-02"].version
        report(webserver, "shop/orders", partition="2024-02", data_version=version)
        automation.tick()
        assert automation.requested == {"2024-02": 1}
        assert polling.tick() == [], "it says the same"

        retailer.orders(3, {1: "somebody else"})
        report(webserver, "shop/orders", partition="2024-03", data_version="a version of its own")
        automation.tick()
        assert polling.tick() == ["orders 2024-03"], "it says otherwise, so that there were two changes"
        automation.tick()
        assert automation.requested == {"2024-02": 1, "2024-03": 2}

        monkeypatch.setattr(resolver, "state", lambda _: TableState("", None, None, "a view of something"))
        products(retailer, "a")
        for load in ("load-1", "load-1", "load-2"):
            report(webserver, "shop/products", data_version=load)
            automation.tick()
            assert polling.tick() == [], "it cannot tell"
        assert automation.requested == {"2024-02": 1, "2024-03": 2, None: 2}
