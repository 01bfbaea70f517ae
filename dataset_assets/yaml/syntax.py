"""Word the syntax errors of YAML, and forbidden characters, as plain sentences (BR-204)."""

import re
from dataclasses import dataclass

import yaml

from dataset_assets.errors import Fault, Position

LINE_END = re.compile(r"\r\n|\r|\n")
_FORBIDDEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]",
)
_FORBIDDEN_VALUE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def place(text: str, index: int, path: str) -> Position:
    """Return the position of the character at `index`."""
    ends = [end.end() for end in LINE_END.finditer(text, 0, index)]
    return Position(path, len(ends) + 1, index - (ends[-1] if ends else 0) + 1)


def decode(data: bytes, path: str) -> str | Fault:
    """Return the bytes of a file as text, or a fault for the first byte that is not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        wrong = f"byte 0x{data[error.start]:02X} is not UTF-8"
        return Fault(wrong, hint="save the file as UTF-8", position=place(before, len(before), path))


def forbidden_character(text: str, path: str) -> Fault | None:
    """Return a fault for the first character that is invisible or an unusual line end."""
    match = _FORBIDDEN.search(text)
    if not match:
        return None
    message = f"holds the invisible character U+{ord(match[0]):04X}"
    return Fault(message, hint="remove it", position=place(text, match.start(), path))


def forbidden_escape(value: str) -> str | None:
    """Return the first control character that an escape put into a quoted text, as `U+0000`; else None."""
    match = _FORBIDDEN_VALUE.search(value)
    return f"U+{ord(match[0]):04X}" if match else None


@dataclass(frozen=True)
class _Problem:
    """A pattern of the messages of the two scanners (libyaml's and PyYAML's own), and our message instead.

    If `at_start` is true, the fault is reported where the broken part begins, not where the scanner stopped.
    """

    pattern: str
    message: str
    hint: str = ""
    at_start: bool = False


_PROBLEMS = (
    _Problem(
        r"quoted scalar.*(end of stream|document (indicator|separator))",
        "a quoted text is not closed",
        "end it with the same quotation mark",
        at_start=True,
    ),
    _Problem(
        r"(unknown|Unicode character) escape|escape sequence",
        "a text in double quotes holds a backslash that begins no valid escape",
        r"write `\\` for a backslash, or use single quotes",
    ),
    _Problem(r"',' or ']'", "a list in [ ] is not closed, or lacks a comma", "write it as [a, b]"),
    _Problem(r"',' or '}'", "a mapping in { } is not closed, or lacks a comma", "write it as {a: 1, b: 2}"),
    _Problem(
        r"mapping values are not allowed|unexpected ':'",
        "`:` is not expected here",
        "quote a text that holds `: `, and indent a key as its neighbours are",
    ),
    _Problem(
        r"sequence entries are not allowed",
        "`-` begins a list item in the middle of a line",
        "begin the list on a line of its own, or write it as [a, b]",
    ),
    _Problem(
        r"mapping keys are not allowed", "`?` is not expected here", "quote a text that begins with `?`"
    ),
    _Problem(r"could not find expected ':'", "a key has no `:` after it", "write it as `key: value`", True),
    _Problem(
        r"cannot start any token",
        "a text must not begin with this character",
        "quote the text",
    ),
    _Problem(
        r"(an|the) (alias|anchor)\b",
        "`&` and `*` are for anchors and aliases, which are not allowed",
        "quote a text that begins with `&` or `*`",
        at_start=True,
    ),
    _Problem(
        r"block mapping",
        "this does not belong to the mapping above it",
        "indent it as its neighbours are; quote a text that holds quotation marks or brackets",
    ),
    _Problem(r"block collection", "this does not belong to the list above it", "begin each item with `- `"),
    _Problem(
        r"node content",
        "a value is missing before this, or a bracket is not closed",
        "write it, or quote this text",
    ),
    _Problem(
        r"block scalar",
        "`|` and `>` begin a text on the lines below; this does not belong behind them",
        "quote the text to write it on one line",
    ),
    _Problem(r"\btag\b", "`!` is for tags, which are not allowed", "quote a text that begins with `!`", True),
    _Problem(
        r"directive|YAML document|<document start>",
        "this is not part of the one document that a file holds",
        "remove lines that begin with `%`, and `---` or `...` in the middle",
    ),
)
_TAB = _Problem("", "the line is indented with a tab", "indent with spaces")
_UNKNOWN = _Problem("", "this is not valid YAML", "check indentation, quotation marks and brackets")


def syntax_fault(error: Exception, text: str, path: str, reached: Position) -> Fault:
    """Return the fault for a syntax error. `reached` is the position of the last event that was parsed."""
    mark = start = None
    scanner_message = ""
    if isinstance(error, yaml.MarkedYAMLError):
        mark, start = error.problem_mark, error.context_mark
        scanner_message = f"{error.context or ''}: {error.problem or ''}"
    problem = next((known for known in _PROBLEMS if re.search(known.pattern, scanner_message)), _UNKNOWN)
    mark = (start if problem.at_start else mark) or mark
    position = Position(path, mark.line + 1, mark.column + 1) if mark else reached
    lines = LINE_END.split(text)
    line = lines[min(position.line, len(lines)) - 1]
    tab = line.find("\t", 0, len(line) - len(line.lstrip()))
    if tab >= 0:
        problem, position = _TAB, Position(path, position.line, tab + 1)
    return Fault(problem.message, hint=problem.hint, position=position)
