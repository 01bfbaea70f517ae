"""The mode `iap`: Google's Identity-Aware Proxy signs who sends each request; the signature is verified."""

from pathlib import Path
from typing import Literal

from starlette.concurrency import run_in_threadpool
from starlette.types import Scope

from dataset_assets.adapters.shared.signed_assertions import KEYS, SignedAssertions
from dataset_assets.errors import ContractError, Fault, UnavailableError
from dataset_assets.interfaces.web.access.headers import single_header
from dataset_assets.interfaces.web.access.mode import Mode, Sender
from dataset_assets.interfaces.web.access.people import People
from dataset_assets.interfaces.web.access.refusal import RefusedError
from dataset_assets.model import Model

HEADER = "X-Goog-IAP-JWT-Assertion"


class IapSettings(Model):
    """The audience of the assertions, and the URL or file of the keys that sign them."""

    mode: Literal["iap"] = "iap"
    audience: str = ""
    keys: str = KEYS

    def check(self, host: str, definitions: Path) -> None:  # noqa: ARG002 - as every mode
        """Raise ContractError without an audience: assertions for another server would be accepted."""
        if not self.audience:
            hint = "set --iap-audience to /projects/NUMBER/global/backendServices/ID"
            raise ContractError(Fault("the mode iap needs the audience of the assertions", hint=hint))
        if "://" in self.keys and not self.keys.startswith(("https://", "http://127.0.0.1:")):
            message = "keys that decide who comes in are fetched by https alone"
            raise ContractError(Fault(message, hint="set --iap-keys to an https address or a file"))

    def create(self, people: People) -> Mode:
        """Return the mode."""
        return IapMode(self, people)


class IapMode:
    """Believes valid assertions, and no other header."""

    def __init__(self, settings: IapSettings, people: People) -> None:
        self._people = people
        self._assertions = SignedAssertions(settings.audience, settings.keys)

    async def sender(self, scope: Scope) -> Sender:
        """Return whom the assertion names. Raises RefusedError (401) without a valid one."""
        assertion = single_header(scope, HEADER)
        if not assertion:
            raise RefusedError(401, f"there is no {HEADER}; use the address of Google's proxy")
        try:
            email = await run_in_threadpool(self._assertions.email, assertion)
        except UnavailableError as error:
            raise RefusedError(503, str(error)) from None
        if email is None:
            raise RefusedError(401, f"the {HEADER} is not valid, or has expired")
        return Sender(self._people.identity(email))
