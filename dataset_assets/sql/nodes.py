"""SQL nodes for operations that both engines have, with different syntax, and sqlglot has not.

The tables in `sql/dialect.py` define how each engine renders them.
"""

from sqlglot import exp


class Joined(exp.Expression, exp.Func):
    """The concatenation of texts that are not NULL, in one call instead of sqlglot's slow chain of `||`."""

    _sql_names = ["CONCAT"]
    arg_types = {"expressions": True}
    is_var_len_args = True


class DecimalText(exp.Expression, exp.Func):
    """A decimal as text with all nine decimal places."""

    arg_types = {"this": True}


class FloatAsDecimal(exp.Cast):
    """A 64-bit float as the decimal that its shortest text names, to nine places, halves away from zero.

    The shortest text is the one with the fewest digits that reads back as the same float (BR-103).
    """


class SingleAsDouble(exp.Expression, exp.Func):
    """A 32-bit float as the 64-bit float that its shortest text names: 0.1, not 0.10000000149.

    A 64-bit float is left as it is by an engine that has no others.
    """

    arg_types = {"this": True}


class AsOfJoin(exp.Join):
    """A LEFT JOIN with the latest of the rows that match: the one with the greatest `time` up to `row_time`.

    `this` is the query of the rows that are joined under the name `alias`. They match by the equalities `on`,
    whose columns in `this` are the `keys`, and at most one has the same keys and `time`. `next` is a free
    name for a column. NULL in a key or a time matches nothing.
    """

    arg_types = {
        **exp.Join.arg_types,
        "alias": True,
        "keys": True,
        "time": True,
        "row_time": True,
        "next": True,
    }


class MicrosecondsSince(exp.Expression, exp.Func):
    """The number of microseconds from the instant `start` to the instant `this`."""

    arg_types = {"this": True, "start": True}


class UtcTime(exp.Expression, exp.Func):
    """The instant that a date with a time of day names in UTC."""

    arg_types = {"this": True}


class ClockTime(exp.Expression, exp.Func):
    """The instant at which a zone's clock shows this time, the first where it is set back (BR-128)."""

    arg_types = {"this": True, "zone": True}


class Fingerprint(exp.Expression, exp.Func):
    """The MD5 of a text, in the form that the engine splits fastest into FingerprintPart."""

    arg_types = {"this": True}


class FingerprintPart(exp.Expression, exp.Func):
    """60 bits of a fingerprint as an exact number that can be summed; `part` is 0 or 1."""

    arg_types = {"this": True, "part": True}


class RowHash(exp.Expression, exp.Func):
    """A hash of a row of at least 64 bits, equal for equal rows, as the engine computes it fastest.

    `expressions` are the values, `this` is their canonical text. Engines have different hashes, so a hash is
    only compared with others of the same query.
    """

    arg_types = {"this": True, "expressions": True}


class SaltedHash(exp.Expression, exp.Func):
    """The SHA-256 of a text as 64 hexadecimal digits."""

    arg_types = {"this": True}


class FirstBy(exp.Expression, exp.AggFunc):
    """An array of the `count` values with the smallest keys, in their order; values and keys are not NULL.

    No engine sorts or stores the other values, unlike a window with ROW_NUMBER.
    """

    arg_types = {"this": True, "key": True, "count": True}


class LabelValue(exp.Expression, exp.Func):
    """The value of the label `key` in a column of labels; NULL if the row has no such label (BR-119)."""

    arg_types = {"this": True, "key": True}


class ChangedLabels(exp.Expression, exp.Func):
    """A column of labels without those whose key is in the tuple `keys`, and with the array `added` (BR-119).

    The labels are sorted by key.
    """

    arg_types = {"this": True, "keys": True, "added": True}


class LabelsText(exp.Expression, exp.Func):
    """All labels of a row as a text, JSON in the order of their keys (BR-119)."""

    arg_types = {"this": True}


class CreateSnapshot(exp.Expression):
    """A statement that creates a read-only copy of a table as it was at an instant, unless it exists.

    `this` is the new table, `source` the table, `at` the instant. sqlglot has no statement for it.
    """

    arg_types = {"this": True, "source": True, "at": True}
