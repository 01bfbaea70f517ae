"""Tests that a file's fingerprint changes with its content, even if its size and times are equal."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dataset_assets.adapters.shared.fingerprint import (
    COARSE_GRAIN,
    GRAIN,
    SECOND,
    Fingerprint,
    fingerprints,
)


def _in_place(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"2")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replaced(path: Path) -> None:
    before, new = path.stat(), path.with_name("new")
    new.write_bytes(b"2")
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(path)


def _linked(path: Path) -> None:
    before, new = path.stat(), path.with_name("new")
    new.write_bytes(b"2")
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    path.unlink()
    path.symlink_to(new)


def _restored(path: Path) -> None:
    """Replace a file by one with the old modification time, as tar and `cp -p` do."""
    copy = path.with_name("copy")
    shutil.copy2(path, copy)
    path.unlink()
    shutil.copy2(copy, path)


def _through_another_name(path: Path) -> None:
    other = path.with_name("other")
    os.link(path, other)
    _in_place(other)


def _truncated_and_filled(path: Path) -> None:
    before = path.stat()
    os.truncate(path, 0)
    os.truncate(path, before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


CHANGES = (_in_place, _replaced, _linked, _restored, _through_another_name, _truncated_and_filled)


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_shows_although_size_and_time_are_as_they_were(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1")
    for _ in range(20):
        before, stat = fingerprints([path])[path], path.stat()
        change(path)
        assert (path.stat().st_size, path.stat().st_mtime_ns) == (stat.st_size, stat.st_mtime_ns)
        assert fingerprints([path])[path] != before
        for other in tmp_path.iterdir():
            if other != path and not path.is_symlink():
                other.unlink()


def test_a_file_that_is_left_alone_stays_the_same(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1")
    before = fingerprints([path])
    path.read_bytes()
    assert fingerprints([path]) == before
    assert not before[path].content, "nothing was read for it"


@pytest.mark.parametrize(("changed", "grain"), [(7 * SECOND + 5, GRAIN), (7 * SECOND, COARSE_GRAIN)])
def test_a_file_that_was_written_just_now_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: int, grain: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1")
    real, now, waited = Fingerprint.of(path), [changed + 1], list[float]()
    monkeypatch.setattr(Fingerprint, "of", lambda _: replace(real, changed=changed))

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        now[0] += round(seconds * SECOND)

    found = fingerprints([path], clock=lambda: now[0], sleep=sleep)
    assert waited == [(grain - 1) / SECOND]
    assert found[path] == replace(real, changed=changed), "its time tells from now on"


def test_times_in_the_future_tell_nothing_so_the_content_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"1")
    real = Fingerprint.of(path)
    monkeypatch.setattr(Fingerprint, "of", lambda _: real)
    hour_before = real.changed - 3600 * SECOND

    def no_sleep(seconds: float) -> None:
        raise AssertionError(f"waited for {seconds} seconds")

    def found() -> Fingerprint:
        return fingerprints([path], clock=lambda: hour_before, sleep=no_sleep)[path]

    before = found()
    assert found() == before
    path.write_bytes(b"2")
    assert found() != before


def test_a_file_that_is_written_on_and_on_is_not_waited_for_without_end(tmp_path: Path) -> None:
    path, waited = tmp_path / "file", list[float]()
    path.write_bytes(b"1")

    def write(seconds: float) -> None:
        waited.append(seconds)
        path.write_bytes(b"2" * len(waited))

    found = fingerprints([path], clock=lambda: path.stat().st_ctime_ns + 1, sleep=write)
    assert len(waited) == 3
    assert found[path].content
