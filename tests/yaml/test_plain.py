"""The data of a text is the same whether it is read with positions or without."""

import pytest
import yaml
from hypothesis import given

from dataset_assets.errors import ContractError
from dataset_assets.yaml.plain import NotPlainError, plain_data
from dataset_assets.yaml.positions import PositionReader
from dataset_assets.yaml.reader import read
from tests.yaml.random_yaml import samples

PARSERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]
REFUSED = {
    "an anchor": "a: &x 1\n",
    "an alias": "a: *x\n",
    "a tag": "a: !!int 1\n",
    "a merge": "a: {b: 1}\n<<: {c: 2}\n",
    "a key twice": "a: 1\nb: 2\na: 3\n",
    "no key": "a: 1\n: 2\n",
    "a list as a key": "[a, b]: 1\n",
    "a directive": "%YAML 1.1\n---\na: 1\n",
    "two documents": "a: 1\n---\nb: 2\n",
    "a control character": 'a: "\\x07"\n',
    "too deep": "[" * 40 + "]" * 40,
    "no YAML": "a: [1\n",
}


@pytest.mark.parametrize("parser", PARSERS)
@given(sample=samples())
def test_the_data_is_the_same_as_with_positions(parser, sample):
    text = sample.text
    assert plain_data(text, parser) == PositionReader(text, "f", parser).data() == read(text, "f").data


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_read_with_positions(parser, text):
    with pytest.raises(NotPlainError):
        plain_data(text, parser)
    with pytest.raises(ContractError):
        PositionReader(text, "f", parser).data()


def test_positions_are_those_of_the_text_and_of_a_part_of_it():
    document = read("\ufeff# a\ndataset:\n  name: Sales\n  columns: [{name: k}]\n", "f")
    assert str(document.position(("dataset", "columns", 0, "name"))) == "f:4:20"
    assert str(document.position(("dataset", "name"), key=True)) == "f:3:3"
    part = document.part("dataset", "name")
    assert (part.data, str(part.position(("name",)))) == ({"name": "Sales"}, "f:3:9")
    assert str(document.part("nothing").position(())) == "f:2:1"
