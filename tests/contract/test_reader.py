"""The YAML reader (BR-204) and the position of every node, with the parsers of libyaml and PyYAML."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataset_assets.errors import ContractError, Position
from dataset_assets.yaml import reader
from dataset_assets.yaml.reader import MAX_BYTES, MAX_NODES, read, read_file

PARSERS = [yaml.SafeLoader]
if yaml.__with_libyaml__:
    PARSERS.append(yaml.CSafeLoader)

both = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@pytest.fixture(params=PARSERS, autouse=True)
def parser(request, monkeypatch):
    monkeypatch.setattr(reader, "PARSER", request.param)


def faults(text, path="f.yaml"):
    with pytest.raises(ContractError) as caught:
        read(text, path)
    return [str(fault) for fault in caught.value.faults]


def at(document, *loc, key=False):
    position = document.position(loc, key=key)
    return position.line, position.column


def test_scalars_are_the_text_that_they_look_like():
    values = "[yes, 010, 1e3, 2017-07, 1.50, 0x1F, 12:30:00, .inf, =, Null, True, off]"
    assert read(values, "f").data == [*values[1:-1].split(", ")]


def test_only_plain_null_tilde_and_nothing_are_none():
    document = read("a: null\nb: ~\nc:\nd: 'null'\ne: \"~\"\nf: ''\ng: |\n  ~\n", "f")
    assert document.data == {"a": None, "b": None, "c": None, "d": "null", "e": "~", "f": "", "g": "~\n"}


def test_an_empty_text_is_an_empty_document():
    assert read("", "f").data is None
    assert read("# nothing\n", "f").position(()) == Position("f", 1, 1)


def test_keys_are_text():
    assert read("on: 1\nnull: 2\n1: 3\n'<<': 4\n", "f").data == {"on": "1", "null": "2", "1": "3", "<<": "4"}


def test_positions_of_values_and_keys():
    document = read("a:\n  é😀: [ü, {x: 1}]\n  list:\n  - |\n    text\n  - 'b'\nempty:\n", "f")
    assert at(document) == (1, 1)
    assert at(document, "a") == (2, 3)
    assert at(document, "a", key=True) == (1, 1)
    assert at(document, "a", "é😀", 1, "x") == (2, 15)
    assert at(document, "a", "é😀", 1, "x", key=True) == (2, 12)
    assert at(document, "a", "list", 0) == (4, 5)
    assert at(document, "a", "list", 1) == (6, 5)
    assert at(document, "empty") == (7, 7)


def test_a_path_that_does_not_exist_is_at_its_nearest_ancestor():
    document = read("a:\n  b: [1]\n", "f")
    assert at(document, "a", "missing") == (2, 3)
    assert at(document, "a", "missing", "deeper", key=True) == (2, 3)
    assert at(document, "a", "b", 7) == (2, 6)
    assert at(document, "a", "b", -1) == (2, 6)
    assert at(document, "a", "b", "x") == (2, 6)


def test_bytes_and_a_byte_order_mark():
    document = read("\ufeffname: Größe\n".encode(), "f")
    assert document.data == {"name": "Größe"}
    assert at(document, "name") == (1, 7)
    assert read("\ufeffa: 1", "f") == read("a: 1", "f")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1\n", ["f.yaml:1:4: a: `&x` is an anchor; remove it, or quote the text"]),
        ("a: [*x]\n", ["f.yaml:1:5: a[0]: `*x` is an alias; write the value out, or quote the text"]),
        (
            "a: !!str 1\n",
            ["f.yaml:1:4: a: has the tag 'tag:yaml.org,2002:str'; remove it, or quote the text"],
        ),
        ("a: ! 1\n", ["f.yaml:1:4: a: has the tag '!'; remove it, or quote the text"]),
        (
            "a: !!python/name:os.x ''\n",
            ["f.yaml:1:4: a: has the tag 'tag:yaml.org,2002:python/name:os.x'; remove it, or quote the text"],
        ),
        (
            "a:\n  <<: {b: 1}\n",
            ["f.yaml:2:3: a['<<']: `<<` merges mappings, which is not allowed; write the keys out"],
        ),
        (
            "a:\n  b: 1\n  'b': 2\n",
            ["f.yaml:3:3: a.b: the key 'b' is given twice, first on line 2; keep one of them"],
        ),
        ("a: 1\n---\nb: 2\n", ["f.yaml:2:1: a second document begins here; write it to a file of its own"]),
        (
            "%TAG ! tag:x,2000:\n---\na: 1\n",
            ["f.yaml:1:1: directives (`%YAML`, `%TAG`) are not allowed; remove them"],
        ),
        ("%YAML 1.1\n---\na: 1\n", ["f.yaml:1:1: directives (`%YAML`, `%TAG`) are not allowed; remove them"]),
        (
            "? [a]\n: 1\n",
            ["f.yaml:1:3: ['?']: a key must be a plain word, not a list or a mapping; quote the text"],
        ),
        ("a:\n  ? \n  : 1\n", ["f.yaml:2:4: a['']: a key is missing before `:`; write it as `key: value`"]),
        ('a: "\\0"\n', ["f.yaml:1:4: a: holds the control character U+0000; remove it"]),
    ],
)
def test_br_204_surprising_yaml_is_refused(text, expected):
    assert faults(text) == expected


def test_all_faults_at_once_and_those_before_a_syntax_error():
    text = "a: &x 1\nb: *x\na: !t 2\n"
    assert [line.split(":")[1:3] for line in faults(text)] == [["1", "4"], ["2", "4"], ["3", "1"], ["3", "4"]]
    assert [line.split(":")[1:3] for line in faults(text + "c: [1\n")] == [
        ["1", "4"],
        ["2", "4"],
        ["3", "1"],
        ["3", "4"],
        ["5", "1"],
    ]


@pytest.mark.parametrize(
    ("text", "position", "says"),
    [
        ("a:\n\tb: 1\n", "2:1", "tab"),
        ("a:\n  b: 1\n  \tc: 2\n", "3:3", "tab"),
        ("a: 1\nd: [\n", "3:1", "not closed"),
        ("a: b: c\n", "1:5", "quote a text that holds `: `"),
        ("a: 1\n  b: 2\n", "2:4", "indent a key as its neighbours are"),
        ("a: [1, 2\nb: 3\n", "2:2", "a list in [ ] is not closed"),
        ("a: {x: 1\nb: 3\n", "2:2", "a mapping in { } is not closed"),
        ('a: 1\nb: "x\nc: 1\n', "2:4", "a quoted text is not closed"),
        ("a: 'x\n---\n'", "1:4", "a quoted text is not closed"),
        ("a: 'it's'\n", "1:8", "does not belong to the mapping above"),
        ("a: @x\n", "1:4", "must not begin with this character"),
        ("a: *\n", "1:4", "anchors and aliases"),
        ("a: !<x y\n", "1:4", "tags"),
        ("a: !x!y z\n", "1:4", "tags"),
        ("a: 1\nfoo\nb: 1\n", "2:1", "a key has no `:`"),
        ("a: - b\n", "1:4", "list item in the middle"),
        ("- a\nb: 1\n", "2:1", "does not belong to the list above"),
        ("a: ]\n", "1:4", "a value is missing"),
        ("a: |x\n  b\n", "1:5", "begin a text on the lines below"),
        ("%YAML 2.0\n---\na: 1\n", "1:1", "one document"),
        ("a: 1\n... x\n", "2:5", ""),
    ],
)
def test_syntax_in_plain_words(text, position, says):
    (fault,) = faults(text)
    assert fault.startswith(f"f.yaml:{position}: ")
    assert says in fault
    assert not re.search(r"token|scalar|scanning|block end|flow|node", fault)


def test_a_wrong_escape_is_reported():
    (fault,) = faults('a: "C:\\data"\n')
    assert "backslash" in fault
    assert faults('a: "\\UFFFFFFFF"\n')
    assert faults('a: "\\ud800"\n')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\r\nb: x\x00y\n", "f.yaml:2:5: holds the invisible character U+0000; remove it"),
        ("a: é\u2028\n", "f.yaml:1:5: holds the invisible character U+2028; remove it"),
        ("a: \ud800\n", "f.yaml:1:4: holds the invisible character U+D800; remove it"),
        ("a: \x1b[31m\n", "f.yaml:1:4: holds the invisible character U+001B; remove it"),
        ("a:\nb: \ufeff\n", "f.yaml:2:4: holds the invisible character U+FEFF; remove it"),
        ("a: é\n".encode() + b"b: \xff\n", "f.yaml:2:4: byte 0xFF is not UTF-8; save the file as UTF-8"),
        ("a: 1\n".encode("utf-16"), "f.yaml:1:1: byte 0xFF is not UTF-8; save the file as UTF-8"),
        (b"#" * (2 * MAX_BYTES), "f.yaml:1:1: the file is larger than 1024 KiB; split it"),
        ("é" * MAX_BYTES, "f.yaml:1:1: the file is larger than 1024 KiB; split it"),
    ],
)
def test_characters_and_size(text, expected):
    assert faults(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10_000,
        "- " * 10_000,
        "{a: " * 10_000,
        "? " * 10_000,
        "\n".join(" " * n + "a:" for n in range(400)),
    ],
)
def test_deep_nesting_stops_at_the_limit(text):
    (fault,) = [fault for fault in faults(text) if "nested" in fault]
    assert "is nested more than 32 levels deep" in fault


def test_32_levels_are_fine():
    data = read("[" * 32 + "]" * 32, "f").data
    for _ in range(31):
        (data,) = data
    assert data == []


def test_too_many_nodes():
    (fault,) = faults("[" + "a," * MAX_NODES + "]")
    assert f"more than {MAX_NODES} values and keys" in fault


def test_a_billion_laughs_is_not_expanded():
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 30))]
    *first, last = faults("\n".join(lines))
    assert len(first) == 20
    assert f"and {30 + 58 - 20} more faults in this file" in last


def test_files(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_text("a: 1\n", encoding="utf-8")
    assert read_file(file, "shown.yaml") == read("a: 1\n", "shown.yaml")
    assert read_file(file).path == str(file)
    for unreadable in (tmp_path / "none.yaml", tmp_path, Path("a\0b")):
        with pytest.raises(ContractError, match=r"shown\.yaml:1:1: cannot be read: "):
            read_file(unreadable, "shown.yaml")


texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"),
    max_size=8,
)
data = st.recursive(
    texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=15,
)


class Plain(yaml.SafeDumper):
    """No anchors for equal objects."""

    def ignore_aliases(self, data):  # noqa: ARG002
        return True


def check_positions(document, node, loc=()):
    """Check that every position equals that of the tree that PyYAML composes itself."""
    mark = node.start_mark
    assert at(document, *loc) == (mark.line + 1, mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*loc, key.value)
            assert at(document, *inner, key=True) == (key.start_mark.line + 1, key.start_mark.column + 1)
            check_positions(document, value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            check_positions(document, value, (*loc, index))


@both
@given(data=data, flow=st.booleans(), width=st.sampled_from([20, 1000]), unicode=st.booleans())
def test_written_data_is_read_back(data, flow, width, unicode):
    text = yaml.dump(data, Dumper=Plain, default_flow_style=flow, width=width, allow_unicode=unicode)
    # A long key makes the dumper write `? key`, and it ends a lone scalar with `...`: both are YAML.
    document = read(text, "f")
    assert document.data == data
    check_positions(document, yaml.compose(text, Loader=yaml.SafeLoader))


@both
@given(
    st.lists(st.tuples(st.text("abcé😀", min_size=1, max_size=5), st.integers(0, 3)), min_size=1, max_size=6)
)
def test_the_text_at_a_position_is_the_value(items):
    """Independent of any YAML library: the characters at each position are those of key and value."""
    lines = [f"{name}{n}:{' ' * (1 + gap)}[{name}, 'é{name}']" for n, (name, gap) in enumerate(items)]
    document = read("\n".join(lines), "f")
    for n, (name, _) in enumerate(items):
        for loc, key, expected in [
            ((f"{name}{n}",), True, f"{name}{n}:"),
            ((f"{name}{n}",), False, "["),
            ((f"{name}{n}", 0), False, f"{name},"),
            ((f"{name}{n}", 1), False, f"'é{name}'"),
        ]:
            line, column = at(document, *loc, key=key)
            assert lines[line - 1][column - 1 :].startswith(expected)


hostile = st.text(st.sampled_from("ab:-?[]{},&*!|>%@`'\"\\#<~=. \n\t\r\x00\x85\ufeffé0xU"), max_size=60)


@settings(both, max_examples=300)
@given(st.one_of(hostile, st.text(max_size=40), st.binary(max_size=40)))
def test_anything_is_a_document_or_a_fault(text):
    try:
        document = read(text, "f")
    except ContractError as error:
        for fault in error.faults:
            assert fault.position is not None
            assert fault.message
            assert "\n" not in str(fault)
    else:
        assert document.position(()).line >= 1
