"""Text of a user stays one code span of Markdown, whatever it holds."""

import re

import pytest

from dataset_assets.text.markdown import code_span


@pytest.mark.parametrize("text", ["sales", "a`b", "`a`", " padded ", "a ", "``", "two\nlines"])
def test_a_code_span_shows_the_text(text):
    found = re.fullmatch(r"(`+)(.*?[^`])\1", code_span(text))
    assert found is not None
    shown = found[2]
    if shown.startswith(" ") and shown.endswith(" ") and shown.strip():
        shown = shown[1:-1]
    assert shown.strip() == text.replace("\n", " ").strip()
    assert text.strip() != text or shown == text.replace("\n", " ")


def test_a_plain_text_has_no_spaces_around_it():
    assert code_span("sales") == "`sales`"
