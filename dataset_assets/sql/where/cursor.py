"""Read the tokens of a `where` one after another, and report the ones that are not expected."""

from dataset_assets.errors import Fault
from dataset_assets.sql.where.tokens import Kind, Token, position
from dataset_assets.text.wording import shown


class UnexpectedError(Exception):
    """A token that cannot stand where it is; the parser catches it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault)
        self.fault = fault


class Cursor:
    """A place in the tokens of a text; the last token is the end, which is never passed."""

    def __init__(self, text: str, tokens: tuple[Token, ...]) -> None:
        self.place = 0
        self._text, self._tokens = text, tokens

    @property
    def next(self) -> Token:
        """The token that is read next."""
        return self._tokens[self.place]

    @property
    def after(self) -> Token:
        """The token after the next one."""
        return self._tokens[min(self.place + 1, len(self._tokens) - 1)]

    @property
    def ends_predicate(self) -> bool:
        """Whether the next token can follow a complete predicate."""
        return self.next.kind is Kind.END or self.next.upper in {"AND", "OR", ")"}

    def take(self) -> Token:
        """Return the next token and move behind it."""
        token = self.next
        self.place = min(self.place + 1, len(self._tokens) - 1)
        return token

    def takes(self, word: str) -> bool:
        """Return whether the next token is this keyword or sign, and if so move behind it."""
        found = self.next.upper == word
        self.place += found
        return found

    def expect(self, word: str, expected: str) -> None:
        """Move behind this keyword or sign. Raises UnexpectedError if another token is next."""
        if not self.takes(word):
            raise self.unexpected(expected)

    def skip_predicate(self, first: int) -> None:
        """Move to the AND, OR or parenthesis after the faulty predicate that begins at the token `first`."""
        depth = betweens = 0
        for place in range(first, len(self._tokens)):
            word = self._tokens[place].upper
            depth += (word == "(") - (word == ")")
            betweens += word == "BETWEEN"
            if word == "AND" and betweens:
                betweens -= 1
            elif depth < 0 or (depth == 0 and word in {"AND", "OR"} and place >= self.place):
                self.place = place
                return
        self.place = len(self._tokens) - 1

    def unexpected(self, expected: str) -> UnexpectedError:
        """Return the error for the next token, with what is expected instead."""
        found = "the end" if self.next.kind is Kind.END else shown(self.next.written)
        return self.fault(self.next, f"{found} is not expected here", f"expected is {expected}")

    def fault(self, token: Token, message: str, hint: str) -> UnexpectedError:
        """Return the error for a token."""
        return UnexpectedError(Fault(message, hint=hint, position=position(self._text, token.start)))
