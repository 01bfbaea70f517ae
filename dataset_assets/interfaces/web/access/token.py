"""The mode `token`: programs send a bearer token, people give theirs on the login page."""

from pathlib import Path
from typing import Literal

from starlette.requests import cookie_parser
from starlette.types import Scope

from dataset_assets.errors import ContractError, Fault
from dataset_assets.interfaces.web.access.attempts import Attempts
from dataset_assets.interfaces.web.access.headers import single_header
from dataset_assets.interfaces.web.access.mode import Mode, Sender
from dataset_assets.interfaces.web.access.people import People
from dataset_assets.interfaces.web.access.refusal import RefusedError
from dataset_assets.interfaces.web.access.sessions import COOKIE, Sessions
from dataset_assets.interfaces.web.access.tokens import TokenFile, token_hash
from dataset_assets.model import Model

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="dataset-assets"'}


class TokenSettings(Model):
    """The file with the hashes of the tokens."""

    mode: Literal["token"] = "token"
    tokens: Path = Path()

    def check(self, host: str, definitions: Path) -> None:  # noqa: ARG002 - as every mode
        """Raise ContractError if the file is missing, broken, or among the definitions, which are in git."""
        if self.tokens == Path():
            hint = "`dataset-assets token USER --file FILE` makes one; name it with --tokens FILE"
            raise ContractError(Fault("the mode token needs a file of tokens", hint=hint))
        if self.tokens.resolve().is_relative_to(definitions.resolve()):
            hint = "keep it where only the server can read it"
            raise ContractError(Fault("the file of tokens is in the definitions folder", hint=hint))
        TokenFile(self.tokens).read()

    def create(self, people: People) -> Mode:
        """Return the mode."""
        return TokenMode(self, people)


class TokenMode:
    """Believes tokens whose hash is in the file, and sessions that such a token began."""

    def __init__(self, settings: TokenSettings, people: People) -> None:
        self._tokens, self._people = TokenFile(settings.tokens), people
        self._sessions, self._attempts = Sessions(), Attempts()

    async def sender(self, scope: Scope) -> Sender:
        """Return whose token or session it is. Raises RefusedError (401) for neither."""
        authorization = single_header(scope, "authorization")
        if authorization:
            scheme, _, token = authorization.partition(" ")
            if scheme.lower() != "bearer":
                raise RefusedError(401, "send the token as `Authorization: Bearer …`", _CHALLENGE)
            return Sender(self._people.identity(await self._user(scope, token.strip())))
        cookie = cookie_parser(single_header(scope, "cookie")).get(COOKIE, "")
        session = self._sessions.read(cookie) if cookie else None
        user = self._tokens.user_of(session.token_hash) if session else None
        if session is None or user is None:
            raise RefusedError(401, "log in, or send a token", _CHALLENGE, login=True)
        return Sender(self._people.identity(user), session.id)

    async def log_in(self, scope: Scope, token: str) -> str:
        """Return the cookie of a new session. Raises RefusedError for a wrong token or an unknown person."""
        self._people.identity(await self._user(scope, token.strip()))
        return self._sessions.begin(token_hash(token.strip()))

    def log_out(self, session: str) -> None:
        """End a session."""
        self._sessions.end(session)

    async def _user(self, scope: Scope, token: str) -> str:
        user = self._tokens.user_of(token_hash(token))
        if user is None:
            await self._attempts.failed((scope.get("client") or ("",))[0])
            raise RefusedError(401, "the token is wrong, or was taken back", _CHALLENGE)
        return user
