"""Random YAML texts with comments, in every layout that people write, together with their data."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import strategies as st

WORDS = (
    "city",
    "purchases",
    "a b",
    "Größe",
    "x-1",
    "yes",
    "010",
    "1e3",
    "2017-01-01",
    "a.b",
    "it's",
    "80",
    "-5",
)
QUOTED = (
    "",
    "null",
    "a: b",
    "# no comment",
    "- x",
    "{a}",
    "[1",
    "a, b",
    "~",
    " padded ",
    '"',
    "\t",
    "*x",
    "a #b",
)
KEYS = ("name", "type", "value", "columns", "city", "a b", "k1", "k2", "k3", "dash-ed")

texts = st.sampled_from(WORDS + QUOTED)
values = st.recursive(
    st.none() | texts | st.just("line one\nline two\n"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)
mappings = st.dictionaries(st.sampled_from(KEYS), values, min_size=1, max_size=5)


@dataclass
class Writer:
    """Writes data as text; `random` chooses among layouts, `comments` are those written so far.

    Comments are indented by at most `most_indent`: below a block scalar they could belong to its text.
    """

    random: Random
    newline: str
    most_indent: int
    comments: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def chance(self, one_in: int) -> bool:
        return self.random.randint(1, one_in) == one_in

    def comment(self) -> str:
        text = f"# c{len(self.comments)} 'ü: - ["
        self.comments.append(text)
        return text

    def line(self, text: str) -> None:
        if self.chance(6):
            self.lines.append(" " * self.random.randint(0, self.most_indent) + self.comment())
        if self.chance(8):
            self.lines.append("")
        self.lines.append(f"{text}  {self.comment()}" if self.chance(5) else text)

    def mapping(self, data: dict, column: int, first: str = "") -> None:
        for key, value in data.items():
            self.value(f"{first or ' ' * column}{self.scalar(key)}:", value, column)
            first = ""

    def sequence(self, data: list, column: int, first: str = "") -> None:
        for value in data:
            head = f"{first or ' ' * column}-"
            first = ""
            if isinstance(value, dict) and value and self.chance(2):
                self.mapping(value, column + 2, f"{head} ")
            elif isinstance(value, list) and value and self.chance(3):
                self.sequence(value, column + 2, f"{head} ")
            else:
                self.value(head, value, column)

    def value(self, head: str, value: Any, column: int) -> None:
        if isinstance(value, dict | list) and value and not self.chance(3):
            self.line(head)
            step = self.random.choice((2, 2, 4))
            if isinstance(value, dict):
                self.mapping(value, column + step)
            else:
                under_key = head.endswith(":") and self.chance(3)
                self.sequence(value, column if under_key else column + step)
        elif isinstance(value, dict | list):
            self.line(f"{head} {self.flow(value)}")
        elif isinstance(value, str) and "\n" in value:
            body = value.split("\n")[:-1]
            remark = f" {self.comment()}" if self.chance(5) else ""
            self.lines += [f"{head} |{remark}", *(" " * (column + 2) + each for each in body)]
        elif value is None and self.chance(2):
            self.line(head)
        else:
            self.line(f"{head} {self.scalar(value)}")

    def scalar(self, value: str | None) -> str:
        if value is None:
            return "null"
        if value in WORDS + KEYS and self.chance(2):
            return value
        if '"' in value or "\t" in value or (value.isprintable() and self.chance(3)):
            return (
                "'" + value.replace("'", "''") + "'"
                if "\n" not in value
                else '"' + value.replace("\n", "\\n") + '"'
            )
        return '"' + value.replace("\n", "\\n") + '"'

    def flow(self, value: Any) -> str:
        if isinstance(value, dict):
            parts = [f"{self.scalar(key)}: {self.flow(item)}" for key, item in value.items()]
            return self.brackets("{", parts, "}")
        if isinstance(value, list):
            return self.brackets("[", [self.flow(item) for item in value], "]")
        return self.scalar(value)

    def brackets(self, begin: str, parts: list[str], end: str) -> str:
        space = " " if self.chance(4) else ""
        if not parts:
            return begin + end
        if self.chance(4):
            indent = self.newline + " " * 12
            lines = "".join(
                f"{indent}{part},{f'  {self.comment()}' if self.chance(3) else ''}" for part in parts[:-1]
            )
            last = f"{indent}{parts[-1]}{',' if self.chance(3) else ''}"
            return f"{begin}{lines}{last}{self.newline}{' ' * 11}{end}"
        return f"{begin}{space}{', '.join(parts)}{',' if self.chance(6) else ''}{space}{end}"


@dataclass(frozen=True)
class Sample:
    text: str
    data: dict
    comments: tuple[str, ...]


@st.composite
def samples(draw: Any) -> Sample:
    """Draw a text with its data and its comments."""
    data = draw(mappings)
    newline = draw(st.sampled_from(("\n", "\n", "\r\n")))
    writer = Writer(Random(draw(st.integers(0, 1 << 32))), newline, 0 if "line two" in str(data) else 6)
    writer.mapping(data, 0)
    end = (
        draw(st.sampled_from((writer.newline, "")))
        if not writer.lines[-1].endswith("two")
        else writer.newline
    )
    return Sample(writer.newline.join(writer.lines) + end, data, tuple(writer.comments))
