"""A pin whose rows are copied to another table names it, whatever the clocks of two machines say."""

from datetime import UTC, datetime, timedelta

import pytest

from dataset_assets.adapters.bigquery.erasures import moved_pin
from dataset_assets.ports.uses import PinRequest, current_pins

AT = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize("behind", [timedelta(-1), timedelta(0), timedelta(days=400)])
def test_a_moved_pin_is_the_current_one(behind: timedelta) -> None:
    events = [
        PinRequest(reason, AT + timedelta(seconds=place)).pinned("sales", "2024-02", 3, "_pinned_first")
        for place, reason in enumerate(("model", "audit"))
    ]
    for number in range(3):
        [pin] = current_pins(sorted(events, key=lambda each: each.at))
        note = PinRequest(f"without {number} rows", AT - behind)
        events += moved_pin(pin, f"_pinned_{number}", note)
        [moved] = current_pins(sorted(events, key=lambda each: each.at))
        assert moved.snapshot == f"_pinned_{number}"
        assert set(moved.reasons) >= {"model", "audit", note.reason}
