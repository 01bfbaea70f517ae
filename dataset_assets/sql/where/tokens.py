"""Split the text of a `where` into tokens with their positions.

A character that begins no token is a fault.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import NamedTuple

from dataset_assets.errors import Fault, Position
from dataset_assets.text.wording import shown

NAME_OF_TEXT = "where"
"""The name of the text in the position of a fault, where other faults have the name of a file."""


class Kind(StrEnum):
    """The kinds of tokens."""

    WORD = "word"
    QUOTED = "quoted"
    TEXT = "text"
    NUMBER = "number"
    SYMBOL = "symbol"
    END = "end"


class Token(NamedTuple):
    """A token as it is written. `start` is the index of its first character."""

    kind: Kind
    written: str
    start: int

    @property
    def upper(self) -> str:
        """The token in upper case, to compare it with keywords; a quoted name is not a keyword."""
        return "" if self.kind in {Kind.QUOTED, Kind.TEXT} else self.written.upper()

    @property
    def value(self) -> str:
        """The characters between the quotes of a text or name, of which doubled quotes are one."""
        quote = self.written[0]
        return self.written[1:-1].replace(quote * 2, quote)


@dataclass(frozen=True)
class Tokens:
    """The tokens of a text, the last of which is its end, and the faults of what is not a token."""

    every: tuple[Token, ...]
    faults: tuple[Fault, ...]


_PATTERN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<text>'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")*")
    |(?P<number>[0-9]+(?:\.[0-9]+)?(?![A-Za-z0-9_.]))
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<symbol><=|>=|<>|!=|=(?!=)|[<>(),]|-(?!-))""",
    re.VERBOSE,
)
_BROKEN = (
    (re.compile(r"'[^']*\Z"), "the text {} has no end", "close it with a single quote"),
    (re.compile(r'"[^"]*\Z'), "the quoted name {} has no end", "close it with a double quote"),
    (re.compile(r"--[^\n]*|/\*.*?(?:\*/|\Z)|\#[^\n]*", re.DOTALL), "{} is a comment", "leave it out"),
    (re.compile(r"[0-9][A-Za-z0-9_.]*|\.[0-9]+"), "{} is not a number", "write digits only, as in 1500.25"),
    (re.compile(r"[\u2018\u2019\u201c\u201d\u00b4\u2032]"), "{} is not a quote", "write texts as 'text'"),
    (re.compile(r"`[^`]*`?"), "{} is not a name", 'write the name without quotes, or as "name"'),
    (re.compile(r"==+"), "{} is not a comparison", "write ="),
    (re.compile(r";"), "{} is not part of a `where`", "a `where` is one condition"),
    (
        re.compile(r"[^\w\s'\"=<>(),;-]+|.", re.DOTALL),
        "{} has no meaning here",
        "docs/where.md says what can be written",
    ),
)
"""Patterns of text that is not a token, each with the message and the hint of its fault.

The first pattern that matches decides; the last one always matches.
"""


def position(text: str, index: int) -> Position:
    """Return the line and the column of a character, both from 1."""
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    line = bisect_right(starts, index, hi=len(starts) - 1)
    return Position(NAME_OF_TEXT, line, index - starts[line - 1] + 1)


def tokenize(text: str) -> Tokens:
    """Return all tokens of a text; characters that begin no token are left out and reported."""
    tokens, faults = list[Token](), list[Fault]()
    for kind, written, start in _pieces(text):
        if kind is None:
            faults.append(_fault(text, start, written))
        else:
            tokens.append(Token(kind, written, start))
            faults.extend(_bad_characters(text, tokens[-1]))
    return Tokens((*tokens, Token(Kind.END, "", len(text))), tuple(faults))


def _pieces(text: str) -> Iterator[tuple[Kind | None, str, int]]:
    """Yield each token and each text that is none, whose kind is None."""
    place = 0
    while place < len(text):
        match = _PATTERN.match(text, place)
        if match is None:
            broken = next(filter(None, (pattern.match(text, place) for pattern, *_ in _BROKEN)))
            yield None, broken[0], place
            place = broken.end()
            continue
        if match.lastgroup != "space":
            yield Kind(str(match.lastgroup)), match[0], place
        place = match.end()


def _fault(text: str, start: int, written: str) -> Fault:
    _, message, hint = next(each for each in _BROKEN if each[0].match(text, start))
    return Fault(message.format(shown(written)), hint=hint, position=position(text, start))


def _bad_characters(text: str, token: Token) -> Iterator[Fault]:
    """Report the characters that no text of a column can hold: NUL, and halves of surrogate pairs."""
    for index, char in enumerate(token.written):
        if char == "\0" or "\ud800" <= char <= "\udfff":
            message = f"a text of a column has no character {shown(char)}"
            yield Fault(message, hint="leave it out", position=position(text, token.start + index))
            return
