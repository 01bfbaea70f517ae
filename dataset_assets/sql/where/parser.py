"""Parse a `where` to its syntax tree by recursive descent, with every fault of the text.

where      = and {OR and}
and        = not {AND not}
not        = NOT not | ( where ) | predicate
predicate  = operand [comparison operand | [NOT] IN ( constant {, constant} ) | [NOT] LIKE text
             | [NOT] BETWEEN operand AND operand | IS [NOT] NULL]
operand    = column | label ( text ) | constant
constant   = text | [-] number | TRUE | FALSE | DATE text | TIMESTAMP text
"""

from collections.abc import Callable

from dataset_assets.errors import Fault
from dataset_assets.sql.where import literals
from dataset_assets.sql.where.cursor import Cursor, UnexpectedError
from dataset_assets.sql.where.syntax import (
    AllOf,
    AnyOf,
    Between,
    ColumnName,
    Comparison,
    Condition,
    IsNull,
    Label,
    Like,
    Literal,
    Not,
    OneOf,
    Operand,
    Predicate,
    Truth,
    Value,
)
from dataset_assets.sql.where.tokens import Kind, Token, position, tokenize
from dataset_assets.text.wording import shown

MOST_DEPTH = 50
"""How deeply parentheses and NOT can be nested."""
MOST_CHARACTERS, MOST_TOKENS = 200_000, 20_000
"""How long a text can be, and how many words, constants and signs it can have."""
RESERVED = frozenset({"AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "IS", "NULL", "TRUE", "FALSE"})
"""Words that are no column; a column of that name is written in double quotes."""
_OPERATORS = {"=": "=", "<>": "<>", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_OPERAND = "a column or a constant"


def parse(text: str) -> tuple[Condition | None, list[Fault]]:
    """Return the syntax tree of a text, None without one complete predicate, and all faults.

    After a faulty predicate the parser goes on behind the next AND or OR.
    """
    if len(text) > MOST_CHARACTERS:
        return None, [_too_long(f"{MOST_CHARACTERS:,} characters")]
    tokens = tokenize(text)
    if tokens.faults:
        return None, list(tokens.faults)
    if len(tokens.every) == 1:
        return None, [Fault("the text is empty", hint="TRUE means every row", position=position("", 0))]
    if len(tokens.every) > MOST_TOKENS:
        return None, [_too_long(f"{MOST_TOKENS:,} words, constants and signs")]
    parser = _Parser(Cursor(text, tokens.every))
    return parser.parsed(), parser.faults


def _too_long(limit: str) -> Fault:
    return Fault(f"the text has more than {limit}", hint="make it shorter", position=position("", 0))


class _Parser:
    """The parser of one text. `faults` are those of the predicates up to now."""

    def __init__(self, cursor: Cursor) -> None:
        self.faults: list[Fault] = []
        self._cursor = cursor
        self._depth = 0

    def parsed(self) -> Condition | None:
        """Return the condition of the whole text."""
        try:
            condition = self._any()
            if self._cursor.next.kind is not Kind.END:
                raise self._cursor.unexpected("AND, OR or the end")
        except UnexpectedError as error:
            self.faults.append(error.fault)
            return None
        return condition

    def _any(self) -> Condition | None:
        return self._joined("OR", lambda: self._joined("AND", self._not, AllOf), AnyOf)

    def _joined(
        self,
        word: str,
        part: Callable[[], Condition | None],
        of: Callable[[tuple[Condition, ...]], Condition],
    ) -> Condition | None:
        """Return one or more conditions with a word between them; None if all have faults."""
        parts = [part()]
        while self._cursor.takes(word):
            parts.append(part())
        sound = tuple(each for each in parts if each is not None)
        return of(sound) if len(sound) > 1 else next(iter(sound), None)

    def _not(self) -> Condition | None:
        if self._cursor.next.upper not in {"NOT", "("}:
            return self._recovering()
        if self._depth >= MOST_DEPTH:
            message = f"there are more than {MOST_DEPTH} nested parentheses and NOT"
            raise self._cursor.fault(self._cursor.next, message, "nest less deeply")
        self._depth += 1
        negated = self._cursor.take().upper == "NOT"
        inner = self._not() if negated else self._any()
        if not negated:
            self._cursor.expect(")", "AND, OR or `)`")
        self._depth -= 1
        return Not(inner) if negated and inner is not None else inner

    def _recovering(self) -> Condition | None:
        """Return the next predicate; None, after its fault was noted and the rest of it skipped."""
        first = self._cursor.place
        try:
            predicate = self._predicate()
            if not self._cursor.ends_predicate:
                begun = "a comparison, " if isinstance(predicate, Truth) else ""
                raise self._cursor.unexpected(f"{begun}AND, OR or the end")
        except UnexpectedError as error:
            self.faults.append(error.fault)
            self._cursor.skip_predicate(first)
            return None
        return predicate

    def _predicate(self) -> Condition:
        operand = self._operand()
        if self._cursor.next.upper in _OPERATORS:
            operator = _OPERATORS[self._cursor.take().upper]
            return Comparison(operand, operator, self._operand())
        if self._cursor.takes("IS"):
            negated = self._cursor.takes("NOT")
            self._cursor.expect("NULL", "NULL")
            return Not(IsNull(operand)) if negated else IsNull(operand)
        if self._cursor.takes("NOT"):
            return Not(self._of_word(operand))
        has_word = self._cursor.next.upper in {"IN", "BETWEEN", "LIKE"}
        return self._of_word(operand) if has_word else Truth(operand)

    def _of_word(self, operand: Operand) -> Predicate:
        """Return the predicate that IN, BETWEEN or LIKE begins."""
        if self._cursor.takes("IN"):
            return OneOf(operand, self._options())
        if self._cursor.takes("BETWEEN"):
            low = self._operand()
            self._cursor.expect("AND", "AND")
            return Between(operand, low, self._operand())
        self._cursor.expect("LIKE", "IN, BETWEEN or LIKE")
        token = self._cursor.next
        return Like(operand, Literal("string", self._text(), token.start))

    def _options(self) -> tuple[Literal, ...]:
        self._cursor.expect("(", "`(`")
        options = [self._constant("a constant")]
        while self._cursor.takes(","):
            options.append(self._constant("a constant"))
        self._cursor.expect(")", "`,` or `)`")
        return tuple(options)

    def _operand(self) -> Operand:
        token, after = self._cursor.next, self._cursor.after
        if token.kind is Kind.QUOTED:
            return ColumnName(self._cursor.take().value, token.start)
        is_typed = after.kind is Kind.TEXT and token.upper in {"DATE", "TIMESTAMP"}
        if token.kind is not Kind.WORD or token.upper in RESERVED or is_typed:
            return self._constant(_OPERAND)
        if after.upper != "(":
            return ColumnName(self._cursor.take().written, token.start)
        if token.upper != "LABEL":
            message, hint = f"there is no function {shown(token.written)}", "the only one is label('key')"
            raise self._cursor.fault(token, message, hint)
        self._cursor.place += 2
        label = Label(self._text(), token.start)
        self._cursor.expect(")", "`)`")
        return label

    def _constant(self, expected: str) -> Literal:
        token, after = self._cursor.next, self._cursor.after
        if token.kind is Kind.TEXT:
            return Literal("string", self._text(), token.start)
        if token.upper in {"TRUE", "FALSE"}:
            return Literal("boolean", self._cursor.take().upper == "TRUE", token.start)
        if token.upper in {"DATE", "TIMESTAMP"} and after.kind is Kind.TEXT:
            self._cursor.take()
            read = literals.day if token.upper == "DATE" else literals.instant
            return self._read(token, read, self._text())
        if token.upper == "NULL":
            hint = "write `IS NULL` or `IS NOT NULL`: nothing equals NULL"
            raise self._cursor.fault(token, "NULL is not a value to compare with", hint)
        sign = "-" if self._cursor.takes("-") else ""
        if self._cursor.next.kind is not Kind.NUMBER:
            raise self._cursor.unexpected("a number" if sign else expected)
        return self._read(token, literals.number, f"{sign}{self._cursor.take().written}")

    def _read(self, token: Token, read: Callable[[str], tuple[str, Value]], written: str) -> Literal:
        try:
            return Literal(*read(written), token.start)
        except literals.LiteralError as error:
            raise self._cursor.fault(token, f"{shown(written)}: {error.message}", error.hint) from None

    def _text(self) -> str:
        if self._cursor.next.kind is not Kind.TEXT:
            raise self._cursor.unexpected("a text in single quotes")
        return self._cursor.take().value
