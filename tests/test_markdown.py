"""Text of a user stays one code span of Markdown, whatever it holds."""

import re

import pytest

from dataset_assets.text.markdown import code_cell, code_span, escaped, table


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


HOSTILE = ["a|b", "`", "``x`", "line\nbreak", "tab\tand\rreturn", "Größe", "<b>", "x\u202ey"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_row_of_a_table_has_its_cells(name):
    text = table(("name", "about"), [(code_cell(name), escaped(name))])
    assert len(text.splitlines()) == 3
    assert len(re.findall(r"(?<!\\)\|", text.splitlines()[2].replace("\\\\", ""))) == 3


def test_code_is_shown_as_it_is_written():
    assert code_span("a|b_c*") == "`a|b_c*`"
    assert code_cell("a|b_c*") == "`a\\|b_c*`"
    assert code_span("a\r\nb\x1b") == "`a b\\x1b`"
