"""Answers are rendered once a second, and again for each catalog."""

from pathlib import Path

import pytest

from dataset_assets.catalog.catalog import Catalog
from dataset_assets.catalog.load_catalog import load_catalog
from dataset_assets.interfaces.web import recent_answers
from dataset_assets.interfaces.web.recent_answers import RecentAnswers


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return load_catalog(tmp_path)


def test_equal_requests_are_rendered_once_a_second(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(recent_answers, "monotonic", lambda: now[0])
    recent, rendered = RecentAnswers(), []

    def ask(key: str) -> bytes:
        return recent.get(key, catalog, lambda: rendered.append(key) or str(len(rendered)).encode())

    assert [ask("a"), ask("b"), ask("a")] == [b"1", b"2", b"1"]
    now[0] += 1.1
    assert [ask("a"), ask("a"), ask("b")] == [b"3", b"3", b"4"]


def test_another_catalog_is_rendered_anew_and_the_old_one_is_let_go(tmp_path: Path) -> None:
    first, second = load_catalog(tmp_path), load_catalog(tmp_path)
    recent = RecentAnswers()
    assert recent.get("a", first, lambda: b"1") == b"1"
    assert recent.get("a", second, lambda: b"2") == b"2"
    assert recent.get("a", second, lambda: b"3") == b"2"
    assert recent._catalog is second
    assert recent.get("a", first, lambda: b"4") == b"4", "a slow request still has the catalog of before"


def test_the_oldest_are_forgotten_first(catalog: Catalog) -> None:
    recent = RecentAnswers()
    for number in range(recent_answers.KEPT + 1):
        recent.get(number, catalog, lambda: b"1")
    assert recent.get(1, catalog, lambda: b"2") == b"1"
    assert recent.get(0, catalog, lambda: b"2") == b"2"
