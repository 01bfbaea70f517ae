"""Names that tests make up, and what stands for them in a statement that is translated once for all tests."""

import re

MADE_UP = re.compile(
    r"\bd[0-9a-f]{12}\b"  # a dataset of BigQuery
    r"|(?<=_)[0-9a-f]{8}(?![0-9a-zA-Z])"  # in the name of a staging table, at its end or not
    r"|\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"  # an id
    r"|(?<='-)[0-9a-f]{12}(?=')"  # what ends the ids that a run gives
)
STAND_IN = re.compile(r"d9700[0-9]{8}|_9800[0-9]{4}|9900[0-9]{4}(?:-9000){3}-900000000000|9600[0-9]{8}")
"""The stand-ins of made-up names. Each has the length and the form of its name, and is in no other.

A statement that has one already is left alone.
"""


class Names:
    """The made-up names of one statement, and what stands for each."""

    def __init__(self):
        self.stand_ins = {}

    def hidden(self, text):
        return MADE_UP.sub(lambda found: self.stand_in(found[0]), text)

    def shown(self, text):
        for name, stand_in in self.stand_ins.items():
            text = text.replace(stand_in, name)
        return text

    def stand_in(self, name):
        number = len(self.stand_ins)
        digits = {13: f"d9700{number:08}", 8: f"9800{number:04}", 12: f"9600{number:08}"}
        uuid = f"9900{number:04}-9000-9000-9000-900000000000"
        return self.stand_ins.setdefault(name, digits.get(len(name), uuid))
