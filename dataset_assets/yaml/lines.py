"""A text by lines: offsets, columns, and the replacement of parts."""

from dataclasses import dataclass

from dataset_assets.cached_property import cached_property
from dataset_assets.yaml.syntax import LINE_END


@dataclass(frozen=True)
class TextLines:
    """A text whose lines end with any of the three line ends."""

    text: str

    @cached_property
    def newline(self) -> str:
        """The line end of the file."""
        found = LINE_END.search(self.text)
        return found[0] if found else "\n"

    def column(self, at: int) -> int:
        """Return the number of characters before an offset on its line."""
        return at - self.line_start(at)

    def line_start(self, at: int) -> int:
        """Return the offset of the first character of a line."""
        return max(self.text.rfind("\n", 0, at), self.text.rfind("\r", 0, at)) + 1

    def line_end(self, at: int) -> int:
        """Return the offset of the line end after an offset, or of the end of the text."""
        found = LINE_END.search(self.text, at)
        return found.start() if found else len(self.text)

    def after(self, end: int) -> int:
        """Return where the line after a node begins; `end` is the node's end."""
        if self.text[end - 1 : end] in ("\r", "\n"):
            return end
        found = LINE_END.search(self.text, end)
        return found.end() if found else len(self.text)

    def replaced(self, *parts: tuple[int, int, str]) -> str:
        """Return the text with parts (start, end, new text) replaced; equal starts are in this order."""
        text = self.text
        for _, (start, end, new) in sorted(
            enumerate(parts), key=lambda each: (each[1][0], each[0]), reverse=True
        ):
            text = text[:start] + new + text[end:]
        return text
