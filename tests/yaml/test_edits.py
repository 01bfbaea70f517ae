"""Edits change the value that they name, and not one byte of what stands beside it.

`DATASET_ASSETS_PROVE=1 pytest tests/yaml` tries twenty times as many texts.
"""

import os
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataset_assets.errors import ContractError
from dataset_assets.yaml.edits import Edit, Order, Path, RemoveValue, SetValue, edited
from dataset_assets.yaml.reader import read
from tests.yaml.random_yaml import KEYS, Sample, samples, values

MANY = 2000 if os.environ.get("DATASET_ASSETS_PROVE") else 100


def paths(data: Any, path: Path = ()) -> list[Path]:
    """Return the paths of all values below the root."""
    steps = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for step, value in steps for found in ((*path, step), *paths(value, (*path, step)))]


def at(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


@settings(max_examples=MANY)
@given(samples())
def test_samples_are_read_as_their_data(sample: Sample) -> None:
    assert read(sample.text, "x.yaml").data == sample.data


@settings(max_examples=MANY)
@given(samples(), st.data())
def test_a_scalar_is_set(sample: Sample, data: st.DataObject) -> None:
    places = [path for path in paths(sample.data) if not isinstance(at(sample.data, path), dict | list)]
    if not places:
        return
    path = data.draw(st.sampled_from(places))
    value = data.draw(values.filter(lambda value: not isinstance(value, dict | list)))
    new = edited(sample.text, "x.yaml", [SetValue(path, value)])
    assert at(read(new, "x.yaml").data, path) == value
    assert lost_comments(sample, new) == []
    assert_changed_in_one_place(sample.text, new, most=len(str(at(sample.data, path)).split("\n")))


@settings(max_examples=MANY)
@given(samples(), st.sampled_from(KEYS), values, st.data())
def test_a_key_is_added(sample: Sample, key: str, value: Any, data: st.DataObject) -> None:
    places = [(), *(path for path in paths(sample.data) if isinstance(at(sample.data, path), dict))]
    parent = data.draw(
        st.sampled_from([path for path in places if key not in at(sample.data, path)] or [None])
    )
    if parent is None:
        return
    new = edited(sample.text, "x.yaml", [SetValue((*parent, key), value)])
    assert at(read(new, "x.yaml").data, parent) == {**at(sample.data, parent), key: value}
    assert lost_comments(sample, new) == []
    assert_changed_in_one_place(sample.text, new, most=2)


@settings(max_examples=MANY)
@given(samples(), values, st.data())
def test_an_item_is_appended(sample: Sample, value: Any, data: st.DataObject) -> None:
    places = [path for path in paths(sample.data) if isinstance(at(sample.data, path), list)]
    if not places:
        return
    parent = data.draw(st.sampled_from(places))
    items = at(sample.data, parent)
    new = edited(sample.text, "x.yaml", [SetValue((*parent, len(items)), value)])
    assert at(read(new, "x.yaml").data, parent) == [*items, value]
    assert lost_comments(sample, new) == []
    assert_changed_in_one_place(sample.text, new, most=2)


@settings(max_examples=MANY)
@given(samples(), st.data())
def test_a_value_is_removed(sample: Sample, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths(sample.data)))
    new = edited(sample.text, "x.yaml", [RemoveValue(path)])
    parent = at(sample.data, path[:-1])
    expected = (
        {key: item for key, item in parent.items() if key != path[-1]}
        if isinstance(parent, dict)
        else [item for number, item in enumerate(parent) if number != path[-1]]
    )
    assert at(read(new, "x.yaml").data, path[:-1]) == expected
    assert_subsequence(sample.text, new)


@settings(max_examples=MANY)
@given(samples(), values, st.data())
def test_a_value_becomes_another(sample: Sample, value: Any, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(paths(sample.data)))
    new = edited(sample.text, "x.yaml", [SetValue(path, value)])
    assert at(read(new, "x.yaml").data, path) == value
    others = {each: at(sample.data, each) for each in paths(sample.data) if each[0] != path[0]}
    assert all(at(read(new, "x.yaml").data, each) == item for each, item in others.items())


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        ("a: 1  # one\n", SetValue(("a",), "2"), "a: 2  # one\n"),
        ("a: '1'\n", SetValue(("a",), "it's"), "a: 'it''s'\n"),
        ("a:  # one\nb: 2\n", SetValue(("a",), "1"), "a: 1  # one\nb: 2\n"),
        ("a: {b: 1}\n", SetValue(("a", "c"), ["x", "y"]), "a: {b: 1, c: [x, y]}\n"),
        ("a:\n  b: 1  # b\n# end\n", SetValue(("a", "c", "d"), "2"), "a:\n  b: 1  # b\n  c: {d: 2}\n# end\n"),
        ("a:\n- 1\n- 2  # two\n- 3\n", SetValue(("a",), ["1", "3"]), "a:\n- 1\n- 3\n"),
        ("a:\n  - {n: x}  # x\n", SetValue(("a", 1), {"n": "y"}), "a:\n  - {n: x}  # x\n  - {n: y}\n"),
        ("a:\n  - n: x\n    m: 1\n", SetValue(("a", 1), {"n": "y"}), "a:\n  - n: x\n    m: 1\n  - n: y\n"),
        ("a: [x, y, z]\n", RemoveValue(("a", 1)), "a: [x, z]\n"),
        ("a: [x, y]\n", RemoveValue(("a", 1)), "a: [x]\n"),
        ("a:\n  b: 1\n", RemoveValue(("a", "b")), "a: {}\n"),
        ("# top\na: 1  # one\n# of b\nb: 2\n", RemoveValue(("a",)), "# top\n# of b\nb: 2\n"),
        ("a: |\n  x\n  y\nb: 1\n", SetValue(("a",), "p\nq\n"), "a: |\n  p\n  q\nb: 1\n"),
    ],
)
def test_the_text_that_a_person_would_write(before: str, edit: Edit, after: str) -> None:
    assert edited(before, "x.yaml", [edit]) == after


def test_a_new_key_stands_where_it_usually_does() -> None:
    text = "a:\n  x: 1\n  z: 3\n"
    order: Order = {("a",): ("x", "y", "z")}
    assert edited(text, "x.yaml", [SetValue(("a", "y"), "2")], order) == "a:\n  x: 1\n  y: 2\n  z: 3\n"


@pytest.mark.parametrize(
    ("text", "edit", "told"),
    [
        ("a:\n  - |\n    x", SetValue(("a", 1), "y"), r"unusual to edit; write it by hand: `a\[1\]: y`"),
        ("a: 1\n", SetValue(("a", "b"), "y"), "x.yaml:1:4: a.b: does not exist in the file"),
        ("a: [1]\n", SetValue(("a", 2), "y"), r"a\[2\]: does not exist"),
        ("a: [1]\n", RemoveValue(("b", "c")), "b: does not exist"),
        ("a: [1\n", RemoveValue(("a",)), "is not closed"),
    ],
)
def test_what_cannot_be_edited_is_told(text: str, edit: Edit, told: str) -> None:
    with pytest.raises(ContractError, match=told):
        edited(text, "x.yaml", [edit])


def lost_comments(sample: Sample, new: str) -> list[str]:
    return [comment for comment in sample.comments if comment not in new]


def assert_changed_in_one_place(old: str, new: str, most: int) -> None:
    """At most so many lines of the old text changed, all of them side by side."""
    before, after = re.split(r"(?<=\n)", old), re.split(r"(?<=\n)", new)
    while before and after and before[0] == after[0]:
        del before[0], after[0]
    while before and after and before[-1] == after[-1]:
        del before[-1], after[-1]
    assert len(before) <= most + 1


def assert_subsequence(old: str, new: str) -> None:
    """Nothing was written but an empty collection: all other characters are old ones in their order."""
    rest = iter(re.sub(r"[\[\]{}\s]", "", old))
    assert all(character in rest for character in re.sub(r"[\[\]{}\s]", "", new))
