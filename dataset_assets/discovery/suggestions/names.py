"""Split the names of tables and columns into words, and decide what a name refers to.

`CustomerID`, `customer_id` and `customerid` have the same words: `customer`, `id`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from dataset_assets.discovery.suggestions import vocabulary as words_of

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@cache
def words(name: str) -> tuple[str, ...]:
    """Return the words of a name in lower case and in the singular, as far as the vocabulary has them."""
    return tuple(word for part in _PARTS.findall(name) for word in _split(part.lower()))


def _split(part: str) -> Iterator[str]:
    """Yield the words of a part; one that is two known words without a border is split in two."""
    whole = _singular(part)
    if whole in words_of.KNOWN:
        yield whole
        return
    for at in range(len(part) - 2, 1, -1):
        first, second = _singular(part[:at]), _singular(part[at:])
        if first in words_of.KNOWN and second in words_of.KNOWN:
            yield from (first, second)
            return
    yield whole


def _singular(word: str) -> str:
    """Return the first form that the vocabulary has; a word that it lacks only loses a final `s`."""
    forms = [word]
    if word.endswith("s") and not word.endswith("ss"):
        forms += [word[:-1], word.removesuffix("es")]
        forms += [f"{word[:-3]}y"] if word.endswith("ies") else []
    known = next((form for form in forms if form in words_of.KNOWN), None)
    return known or (forms[1] if len(forms) > 1 and len(word) > 3 else word)


@dataclass(frozen=True)
class Name:
    """A name and its words. `subject` lacks the words that only say that the values are identifiers."""

    text: str

    @property
    def words(self) -> tuple[str, ...]:
        """All words of the name."""
        return words(self.text)

    @property
    def subject(self) -> tuple[str, ...]:
        """The words that say what is identified or measured: `customer` in `customer_unique_id`."""
        every = self.words
        return tuple(
            word
            for place, word in enumerate(every)
            if word not in words_of.IDENTIFIER | words_of.QUALIFIER
            and not (word in words_of.NUMBER and place > 0 and place == len(every) - 1)
        )

    @property
    def head(self) -> str:
        """The last word of the subject, which says what kind of thing it is; empty if there is none."""
        return self.subject[-1] if self.subject else ""

    @property
    def identifies(self) -> bool:
        """Whether the name says that the values are identifiers."""
        every = self.words
        return bool(words_of.IDENTIFIER & set(every)) or (
            len(every) > 1 and every[-1] in words_of.NUMBER and every[0] not in words_of.COUNT
        )

    @property
    def is_flag(self) -> bool:
        """Whether the name is of a yes or no."""
        return self.words[:1] != () and self.words[0] in words_of.FLAG

    @property
    def numbers_rows(self) -> bool:
        """Whether the name says that the values number the rows of a file, so that they mean nothing."""
        return (
            bool(self.words)
            and set(self.words) <= words_of.ROW | words_of.NUMBER | {"id", "name"}
            and self.has(words_of.ROW)
        )

    def has(self, vocabulary: frozenset[str]) -> bool:
        """Return whether one of the words is in the vocabulary."""
        return bool(vocabulary & set(self.words))


def common_prefix(names: Sequence[str]) -> str:
    """Return what all names of a table's columns begin with, such as `l_`; empty if it is a known word."""
    first = {name.partition("_")[0] for name in names if "_" in name}
    word = next(iter(first)) if len(first) == 1 else ""
    shared = len(names) > 2 and all("_" in name.strip("_") for name in names)
    return f"{word}_" if shared and word and not set(words(word)) & words_of.KNOWN else ""


def same_subject(one: str, other: str) -> bool:
    """Return whether two column names say the same: `productid` and `Product_ID`."""
    return one.lower() == other.lower() or words(one) == words(other)
