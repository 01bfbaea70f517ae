"""Write single fields (`id`, `version`, `created_at`, `updated_at`) into the text of a YAML file.

The text is edited at the positions that the reader returns, so that comments and layout do not change.
"""

import copy
import re
from collections.abc import Mapping

from dataset_assets.errors import ContractError, Fault, LockError, Position
from dataset_assets.yaml.reader import Document, read
from dataset_assets.yaml.syntax import LINE_END

_SCALAR = re.compile(
    r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,#{}\[\]"'][^,#{}\[\]\r\n]*?(?=\s*(?:[,#{}\[\]\r\n]|$))"""
)
_BOM = "\ufeff"

Edit = tuple[int, int, str]
"""The start and the end of a part of the text, and the text that replaces it."""


def with_fields(text: str, path: str, root: str, fields: Mapping[str, str]) -> str:
    """Return the text with these fields of the mapping `root`, replaced or added.

    `fields` maps keys to values in YAML's notation; new lines are in this order. Raises LockError if the
    layout is too unusual to edit, and ContractError if the text is not valid YAML.
    """
    bare = text.removeprefix(_BOM)
    document = read(bare, path)
    edits = [
        _replacement(bare, document, root, key, value)
        for key, value in fields.items()
        if key in document.data[root]
    ]
    added = {key: value for key, value in fields.items() if key not in document.data[root]}
    if added:
        edits.append(_insertion(bare, document, root, added))
    for start, end, new in sorted(edits, reverse=True):
        bare = bare[:start] + new + bare[end:]
    _verify(bare, document, root, fields)
    return text[: len(text) - len(text.removeprefix(_BOM))] + bare


def _replacement(text: str, document: Document, root: str, key: str, value: str) -> Edit:
    start = _offset(text, document.position((root, key)))
    if text[start - 1 : start] == ":":
        return start, start, f" {value}"
    scalar = _SCALAR.match(text, start)
    return start, scalar.end() if scalar else start, value


def _insertion(text: str, document: Document, root: str, fields: Mapping[str, str]) -> Edit:
    first = document.position((root,))
    start = _offset(text, first)
    pairs = [f"{key}: {value}" for key, value in fields.items()]
    if text[start : start + 1] == "{":
        return start + 1, start + 1, "".join(f"{pair}, " for pair in pairs)
    end = LINE_END.search(text, _offset(text, document.position((root,), key=True)))
    line, at = (end[0], end.end()) if end else ("\n", start)
    return at, at, "".join(f"{' ' * (first.column - 1)}{pair}{line}" for pair in pairs)


def _verify(text: str, before: Document, root: str, fields: Mapping[str, str]) -> None:
    """Raise LockError unless the text holds the data of `before` with the new fields, and nothing else."""
    expected = copy.deepcopy(before.data)
    expected[root] |= {key: value.strip('"') for key, value in fields.items()}
    try:
        if read(text, before.path).data == expected:
            return
    except ContractError:
        pass
    lines = ", ".join(f"`{key}: {value}`" for key, value in fields.items())
    message, hint = "the layout is too unusual to write the system fields", f"write them by hand: {lines}"
    raise LockError(Fault(message, root, hint, before.position((root,), key=True)))


def _offset(text: str, position: Position) -> int:
    starts = [0, *(end.end() for end in LINE_END.finditer(text))]
    return starts[position.line - 1] + position.column - 1
