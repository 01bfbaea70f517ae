"""Contract tests of every warehouse: uses, pins, and what retention removes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from dataset_assets.adapters.delta.warehouse import DeltaWarehouse
from dataset_assets.errors import ResolveError
from dataset_assets.ports.retention import Retention, RetentionReport, RetentionRequest
from dataset_assets.ports.uses import PinRequest, Use
from dataset_assets.ports.warehouse import PublicationQuery
from tests.warehouses.warehouse_fixtures import A, OpenWarehouse

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAST_ONE = Retention(publications=1)


def use(run: str = "run-1", version: int = 0, period: str | None = "2026-01", **more: Any) -> Use:
    values: dict[str, Any] = {
        "dataset": "sales",
        "dataset_id": "7c1d2a34-0000-4000-8000-000000000001",
        "version_number": 3,
        "config_sha256": "ab" * 32,
        "period": period,
        "table_version": version,
        "digest": "d" * 32,
        "actual_row_count": 2,
        "actual_unique_users": 1,
        "training_run": run,
        "used_at": NOW,
        "used_by": "it's me",
    }
    return Use(**(values | more))


def publish(opened: OpenWarehouse, numbers: Sequence[int], period: str | None = "2026-01") -> None:
    """Publish one row for each number, which is the row's `a` and the record's `n`."""
    for n in numbers:
        record = {"n": n, "published_at": (NOW + timedelta(seconds=n)).isoformat()}
        opened.publish(f"SELECT {n}::BIGINT AS a", period, (A,), record)


def expire(
    opened: OpenWarehouse,
    retention: Retention = LAST_ONE,
    grace: timedelta = timedelta(0),
    now: datetime | None = None,
    dry_run: bool = False,
) -> RetentionReport:
    at = now or datetime.now(UTC) + timedelta(seconds=1)
    warehouse = opened.warehouse
    if isinstance(warehouse, DeltaWarehouse):
        warehouse = replace(warehouse, retention=retention)
    return warehouse.expire("sales", RetentionRequest(at, grace, dry_run), opened.session)


SECONDS = count()


def request(reason: str = "") -> PinRequest:
    return PinRequest(reason, NOW + timedelta(seconds=next(SECONDS)), "me")


def pin(opened: OpenWarehouse, version: int, period: str | None = "2026-01", reason: str = "kept") -> Any:
    return opened.warehouse.pin("sales", [period], version, request(reason), opened.session)


def unpin(opened: OpenWarehouse, version: int | None, period: str | None = "2026-01") -> Any:
    return opened.warehouse.unpin("sales", [period], version, request(), opened.session)


def test_a_use_is_listed_once_for_each_training_run_and_publication(opened: OpenWarehouse) -> None:
    warehouse, session = opened.warehouse, opened.session
    assert warehouse.uses("sales", session) == []
    assert warehouse.last_uses(["sales"], session) == {}
    publish(opened, [1])
    assert warehouse.uses("sales", session) == []
    first, other = use(), use("run-2", used_at=NOW + timedelta(hours=1), used_by=None)
    assert warehouse.record_uses([first, first, use(period="2026-02")], session) == [
        first,
        use(period="2026-02"),
    ]
    assert warehouse.record_uses([first, other], session) == [other]
    again = first.model_copy(update={"used_at": NOW + timedelta(days=1)})
    assert warehouse.record_uses([again], session) == []
    assert warehouse.uses("sales", session) == [first, use(period="2026-02"), other]
    assert warehouse.uses("others", session) == []
    assert warehouse.last_uses(["sales", "others"], session) == {"sales": other.used_at}


@pytest.mark.parametrize("period", ["2026-01", None])
def test_a_publication_is_identified_by_the_version_that_it_wrote(opened: OpenWarehouse, period) -> None:
    publish(opened, [0, 1], period)
    if period:
        publish(opened, [2], "2026-02")
    session = opened.session
    for version, written in ({0: 0, 1: 1} | ({2: 1} if period else {})).items():
        (found,) = opened.warehouse.recorded("sales", [period], version, session)
        assert (found.period, found.table_version, found.record["n"]) == (period, written, written)
        assert found.expired_at is None
    with pytest.raises(ResolveError, match=r"no version 7"):
        opened.warehouse.recorded("sales", [period], 7, session)


def test_pins_are_listed_with_their_reasons_until_they_are_removed(opened: OpenWarehouse) -> None:
    warehouse, session = opened.warehouse, opened.session
    assert warehouse.pins("sales", session) == []
    publish(opened, [0, 1])
    publish(opened, [2], "2026-02")
    pin(opened, 1)
    (pinned,) = pin(opened, 2, reason="model in production")
    assert (pinned.table_version, pinned.reasons) == (1, ("kept", "model in production"))
    assert pinned.pinned_at >= NOW
    assert pinned.pinned_by == "me"
    pin(opened, 2, "2026-02")
    pin(opened, 0)
    assert [each.table_version for each in warehouse.pins("sales", session)] == [0, 1, 2]
    assert [each.table_version for each in unpin(opened, 0)] == [0]
    assert unpin(opened, 0) == []
    assert [each.table_version for each in unpin(opened, None)] == [1]
    assert [each.period for each in warehouse.pins("sales", session)] == ["2026-02"]
    pin(opened, 1, reason="again")
    assert [each.reasons for each in warehouse.pins("sales", session)] == [("again",), ("kept",)]


def test_a_pinned_publication_is_read_back_after_later_ones(opened: OpenWarehouse) -> None:
    publish(opened, [0])
    publish(opened, [7], "2026-02")
    publish(opened, [1, 2])
    pin(opened, 0)
    pin(opened, 2)
    publish(opened, [3])
    for version, values in {0: [0], 1: [0], 2: [1], 3: [2], 4: [3]}.items():
        assert opened.values("2026-01", version) == values
    expire(opened)
    assert (opened.values("2026-01", 0), opened.values("2026-01", 2)) == ([0], [1])
    assert opened.values("2026-01") == [3]
    assert opened.values("2026-02") == [7]
    query = PublicationQuery("sales", ["2026-01", "2026-02"], 1)
    found = opened.warehouse.publications(query, opened.session)
    assert [each.record["n"] for each in found] == [0, 7]


def test_an_unknown_version_cannot_be_pinned(opened: OpenWarehouse) -> None:
    with pytest.raises(ResolveError):
        pin(opened, 0)
    publish(opened, [0])
    with pytest.raises(ResolveError, match="no version 4"):
        pin(opened, 4)
    assert pin(opened, 0, "2026-02") == []
    assert opened.warehouse.pins("sales", opened.session) == []
