"""The fault of a CSV file, which formats as one sentence with its line."""

from dataclasses import dataclass

from dataset_assets.text.wording import shown


@dataclass
class CsvFault(Exception):  # noqa: N818 - it becomes a Fault
    """Raised for a file that breaks its declared format or contract.

    `line` counts from 1; 0 is the whole file.

    `value` is a text of the file. It is omitted from the sentence if a declared column is sensitive (BR-206).
    """

    line: int
    message: str
    hint: str = ""
    value: str | None = None

    def sentence(self, file: str, *, masked: bool) -> str:
        """Return the sentence for people: `line 5 of orders.csv has 2 values and not 3: '9,9'`."""
        where = f"line {self.line:,} of {file}" if self.line else file
        value = "" if self.value is None or masked else f": {shown(self.value)}"
        return f"{where} {self.message}{value}"
