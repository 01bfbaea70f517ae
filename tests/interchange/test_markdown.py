"""No name of a user changes the layout of a card: not in a code span, not in a cell of a table."""

import re

import pytest

from dataset_assets.text.markdown import code_cell, code_span, escaped, table

HOSTILE = ["a|b", "`", "``x`", "line\nbreak", "tab\tand\rreturn", "Größe", "<b>", "x\u202ey"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_row_of_a_table_has_its_cells(name):
    text = table(("name", "about"), [(code_cell(name), escaped(name))])
    assert len(text.splitlines()) == 3
    assert len(re.findall(r"(?<!\\)\|", text.splitlines()[2].replace("\\\\", ""))) == 3


def test_code_is_shown_as_it_is_written():
    assert code_span("a|b_c*") == "` a|b_c* `"
    assert code_cell("a|b_c*") == "` a\\|b_c* `"
    assert code_span("a\r\nb\x1b") == "` a b\\x1b `"
