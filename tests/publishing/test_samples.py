"""A sample is the part of a publication that a hash of users or rows selects (BR-138)."""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import md5
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from dataset_assets.checks.results import AuditError
from dataset_assets.compiler.source_columns import source_query
from dataset_assets.contract.model import ColumnType
from dataset_assets.discovery.samples import MaterializedSample, materialize_sample
from dataset_assets.errors import ResolveError, UnsupportedError
from dataset_assets.publishing.as_of_choice import AsOfChoice
from dataset_assets.publishing.leftovers import clean, leftovers, old_samples, remove_samples
from dataset_assets.publishing.run_preview import open_preview
from dataset_assets.rows.encoding import row_text
from dataset_assets.selection.sample import EMPTY, Sample
from dataset_assets.sql.build import column
from tests.engines.engine_fixtures import on_duckdb
from tests.engines.forked_process import Fork
from tests.publishing.shop import ITEMS, KEYED, Shop

FILTERS = (
    (
        "{{date_range: {{type: rolling, months: 2}}, product_filter: {{type: {product}, value: 60}}, "
        "customer_filter: {{type: min_transactions, value: 15}}, fit_on: {fit}}}"
    )
    .replace("{{", "{")
    .replace("}}", "}")
)
LOCAL = pytest.mark.parametrize("store", ["duckdb"], indirect=True)
DAY = timedelta(days=1)


def filtered(product: str, fit: str) -> str:
    filters = FILTERS.replace("{product}", product).replace("{fit}", fit)
    return KEYED.replace("{date_range: {type: rolling, months: 2}}", filters)


def write(
    shop: Shop, share: str = "10%", stem: str = "sales", period: str | None = "2024-02"
) -> MaterializedSample:
    """Materialize a sample as the command does."""
    catalog = shop.catalog
    found = catalog.calendars.cadence("month").parse(period) if period else None
    at = AsOfChoice(found.end if found else shop.now, found)
    sample = EMPTY if share == "0%" else Sample.parse(share)
    return materialize_sample(catalog, shop.target, catalog.entry(stem), at, sample)


def sampled(shop: Shop, share: str = "10%", stem: str = "sales") -> list[dict[str, Any]]:
    """Return the rows of the stored sample of this share, ordered."""
    target = shop.target
    with target.engine.connect() as session:
        (stored,) = [
            each
            for each in target.warehouse.samples(session)
            if (each.record.dataset, each.record.sample) == (stem, share)
        ]
        relation = target.warehouse.sample_rows(stored, session)
        rows = session.rows(exp.select("*").from_(relation.source.copy()))
    return sorted(rows, key=repr)


def is_in(key: str, share: str) -> bool:
    """Return whether the hash of a key is in the share, as documented."""
    bucket = int(md5(f"sample:{key}".encode(), usedforsecurity=False).hexdigest()[:8], 16)
    return bucket < Decimal(share.removesuffix("%")) / 100 * 2**32


def expected(shop: Shop, share: str) -> list[dict[str, Any]]:
    """Return the published rows of the sampled users, without system columns."""
    rows = [{name: value for name, value in row.items() if not name.startswith("_")} for row in shop.rows()]
    return sorted((row for row in rows if is_in(f"s{len(row['user_id'])}:{row['user_id']}", share)), key=repr)


def test_a_sample_is_the_part_of_the_publication_that_belongs_to_sampled_users(shop: Shop) -> None:
    shop.declare(filtered("top_revenue_percent", "train"))
    first = write(shop)
    assert not list((shop.root / "definitions").rglob("*.lock")), "nothing is locked"
    with shop.target.engine.connect() as session:
        assert shop.target.warehouse.version("sales", session) is None, "nothing is published"
        assert list(shop.target.warehouse.leftovers(session)) == []
    shop.publish()
    before = shop.publication("sales", "2024-02")
    assert sampled(shop) == expected(shop, "10%")
    again = write(shop)
    assert again.digest == first.digest
    assert again.row_count == first.row_count == len(sampled(shop)) > 0
    assert again.by == "user"
    assert sum(again.splits.values()) == again.row_count
    assert {each.name for each in again.checks} >= {
        "declared_schema",
        "natural_key_unique",
        "leak",
        "not_null",
    }
    assert not {each.name for each in again.checks} & {"not_empty", "split_not_empty"}
    assert again.column_stats["user_id"].cardinality == len({row["user_id"] for row in sampled(shop)})
    assert shop.publication("sales", "2024-02") == before
    empty = write(shop, "0%")
    assert (empty.row_count, empty.by, sampled(shop, "0%")) == (0, None, [])
    assert set(empty.column_stats) == set(again.column_stats)


def test_old_samples_are_removed_by_the_time_in_their_record(shop: Shop) -> None:
    write(shop, "0%")
    now = datetime.now(UTC)
    assert list(old_samples(shop.target, now + 6 * DAY)) == []
    (old,) = old_samples(shop.target, now + 8 * DAY)
    assert [each.name for each in old_samples(shop.target, now, every=True)] == [old.name]
    assert abs(old.left_at - now) < timedelta(minutes=1)
    assert list(remove_samples(shop.target, now + 8 * DAY)) == [old]
    assert list(old_samples(shop.target, now, every=True)) == []


@LOCAL
@pytest.mark.parametrize("product", ["top_revenue_percent", "cumulative_revenue_percent"])
@pytest.mark.parametrize("fit", ["all", "train"])
@pytest.mark.parametrize("share", ["3%", "37.5%", "100%"])
def test_filters_keep_in_a_sample_what_they_keep_in_the_publication(shop, product, fit, share):
    shop.declare(filtered(product, fit))
    shop.rewrite_sales("SELECT * REPLACE ('b' || (line // (1 + line % 23)) % 67 AS buyer) FROM {sales}")
    shop.publish()
    kept = {row["user_id"] for row in shop.rows()}
    assert 5 < len(kept) < 60, "the filter keeps some users"
    write(shop, share)
    assert sampled(shop, share) == expected(shop, share)


@LOCAL
def test_appended_rows_leave_the_sampled_rows_where_they_are(shop: Shop) -> None:
    write(shop)
    before = sampled(shop)
    shop.rewrite_sales(
        "SELECT * FROM {sales} UNION ALL "
        "SELECT line + 100000, 'new' || line, item, price, sold_at FROM {sales}"
    )
    write(shop)
    after = sampled(shop)
    assert [row for row in after if not row["user_id"].startswith("new")] == before
    assert len(after) > len(before)


@LOCAL
def test_without_a_user_rows_are_sampled_by_their_key(shop: Shop) -> None:
    shop.declare(ITEMS, "items")
    shop.write("items", "SELECT i AS item, 'kind ' || i % 3 AS kind FROM range(500) AS t(i)")
    found = write(shop, "20%", "items", None)
    assert found.by == "row"
    wanted = [{"item": i, "kind": f"kind {i % 3}"} for i in range(500) if is_in(f"i{i}", "20%")]
    assert sampled(shop, "20%", "items") == sorted(wanted, key=repr)
    assert 50 < len(wanted) < 150


@LOCAL
def test_a_sample_is_independent_of_a_random_split(shop: Shop) -> None:
    shop.declare(
        KEYED.replace("{strategy: time_based, eval_days: 10}", "{strategy: random, train_percent: 50}")
    )
    shop.write("items", "SELECT i AS item, 'kind ' || i % 3 AS kind FROM range(11) AS t(i)")
    found = write(shop, "30%")
    assert 0.35 < found.splits["train"] / found.row_count < 0.65


@LOCAL
def test_a_source_that_is_moved_is_cut_where_it_is_read(shop: Shop) -> None:
    """Unless products are ranked, which needs the rows of all users."""
    for text, is_cut in ((KEYED, True), (filtered("top_revenue_percent", "all"), False)):
        shop.declare(text)
        catalog = shop.catalog
        month = catalog.calendars.cadence("month").parse("2024-02")
        at = AsOfChoice(month.end, month)
        with open_preview(catalog, shop.target, catalog.entry("sales"), at) as whole:
            inputs = whole.sampled(Sample.parse("10%")).sources.inputs
            read = whole.session.rows(source_query(inputs, inputs.scope.main))
        buyers = {row["buyer"] for row in read}
        assert all(is_in(f"s{len(buyer)}:{buyer}", "10%") for buyer in buyers) == is_cut
        assert buyers


@LOCAL
def test_a_failed_check_leaves_no_sample(shop: Shop) -> None:
    shop.rewrite_sales("SELECT * REPLACE (1 AS line) FROM {sales}")
    with pytest.raises(AuditError, match="natural key"):
        write(shop)
    assert list(old_samples(shop.target, shop.now, every=True)) == []


@LOCAL
def test_empty_finds_faults_of_columns_and_types_and_reads_no_row(shop: Shop) -> None:
    shop.rewrite_sales("SELECT * REPLACE (error('a row was read') AS price) FROM {sales} WHERE FALSE")
    assert write(shop, "0%").row_count == 0
    shop.write(
        "sales", "SELECT 1 AS line, 2 AS buyer, 3 AS item, 4.0 AS price, TIMESTAMP '2024-02-02' AS sold_at"
    )
    with pytest.raises(ResolveError, match="buyer"):
        write(shop, "0%")


def work(tell: Callable[[str], None], shop: Shop, share: str) -> None:
    tell(write(shop, share).digest)


@LOCAL
def test_a_killed_run_leaves_the_sample_before_it_and_nothing_that_is_read(shop: Shop) -> None:
    shop.write(
        "sales",
        "SELECT i AS line, 'b' || i % 997 AS buyer, i % 11 AS item, 1.0 AS price, "
        "TIMESTAMP '2024-02-01' + i * INTERVAL 5 SECOND AS sold_at FROM range(400000) AS t(i)",
    )
    began = time.perf_counter()
    (digest,) = Fork.begun(work, shop, "90%").result()
    whole, moments = time.perf_counter() - began, random.Random(5)
    for _ in range(4):
        process = Fork.begun(work, shop, "90%")
        time.sleep(moments.uniform(0.3, 1.0) * whole)
        process.kill()
        assert write(shop, "90%").digest == digest
        with shop.target.engine.connect() as session:
            assert len(shop.target.warehouse.samples(session)) == 1
            assert shop.target.warehouse.version("sales", session) is None
    list(clean(shop.target, datetime.now(UTC) + DAY))
    assert list(leftovers(shop.target, datetime.now(UTC) + DAY)) == []


@LOCAL
def test_files_that_killed_runs_left_are_leftovers(shop: Shop) -> None:
    write(shop)
    (file,) = (shop.root / "warehouse" / "_samples").rglob("*.parquet")
    part = file.with_suffix(".killed.part")
    part.write_bytes(b"PAR1")
    later = datetime.now(UTC) + DAY
    assert [each.name for each in leftovers(shop.target, later)] == [
        part.relative_to(shop.root / "warehouse").as_posix()
    ]
    assert len(list(clean(shop.target, later))) == 1
    assert not part.exists()
    assert file.exists()


@pytest.mark.parametrize(
    "share", ["abc", "0%", "0.0%", "200%", "100.1%", "-1%", "1", "1 %", "1e0%", "", "%", "0.00001%"]
)
def test_what_is_no_share_is_refused(share: str) -> None:
    with pytest.raises(UnsupportedError):
        Sample.parse(share)


SHARES = st.decimals("0.01", "100", places=2)


@given(st.lists(st.text(max_size=8), unique=True, max_size=40), st.text(max_size=8), SHARES, SHARES)
@settings(max_examples=60, deadline=None)
def test_membership_follows_from_the_key_alone(keys, added, one, other):
    """Whatever other rows there are; a smaller sample is part of a greater one."""
    small, great = sorted((one, other))
    keys = [each.replace("\x00", "") for each in keys]

    def members(texts: list[str], share: Decimal) -> set[str]:
        bench_rows = bench.hold({"key": ColumnType.STRING}, [(each,) for each in texts])
        condition = Sample.parse(f"{share:f}%").contains(row_text([(column("key"), ColumnType.STRING)]))
        query = exp.select("key").from_(bench_rows.copy())
        return {row["key"] for row in bench.rows(query.where(condition) if condition else query)}

    with on_duckdb() as bench:
        chosen = members(keys, small)
        assert chosen == {
            each for each in keys if is_in(f"s{len(each)}:{each}", f"{small:f}%") or small == 100
        }
        assert chosen == members([*keys, f"new {added}".replace("\x00", "")], small) & set(keys)
        assert chosen <= members(keys, great)
