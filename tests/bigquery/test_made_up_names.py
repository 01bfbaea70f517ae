"""The tests' BigQuery knows which names are made up: it translates a statement once for all tests."""

from pathlib import Path

import pytest

from tests.bigquery.proxy import StrictProxy
from tests.bigquery.server.made_up_names import STAND_IN, Names
from tests.engines.store_fixtures import STORES
from tests.publishing.shop import open_shop


def test_two_shops_send_the_same_statements(
    request: pytest.FixtureRequest, proxy: StrictProxy, tmp_path: Path
) -> None:
    first, second = (_statements(request, proxy, tmp_path / name) for name in ("first", "second"))
    assert len(first) > 10
    assert first == second


def test_a_name_is_shown_where_it_was_hidden() -> None:
    names, number = Names(), "0123456789ab"
    uuid = f"00000000-1111-2222-3333-{number}"
    sql = f"FROM `d{number}`.`_moved_01234567_89abcdef_counted`, '-{number}', '{uuid}'"
    hidden = names.hidden(sql)
    assert not any(made_up in hidden for made_up in (number, "01234567", "89abcdef"))
    assert len(STAND_IN.findall(hidden)) == 5
    assert names.shown(hidden) == sql


def _statements(request: pytest.FixtureRequest, proxy: StrictProxy, root: Path) -> list[str]:
    """Publish twice in a new shop, and return what was sent, without the names that were made up for it.

    The record of a publication, which is long and cheap to translate, differs in its digests.
    """
    before = len(proxy.requests)
    with STORES["bigquery"](request, root) as store:
        shop = open_shop(store)
        shop.publish()
        shop.rewrite_sales("SELECT * FROM {sales} WHERE line > 9")
        shop.publish()
    sent = (each.sql for each in proxy.requests[before:] if each.sql)
    return [Names().hidden(sql) for sql in sent if "_publications" not in sql]
