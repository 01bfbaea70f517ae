"""Tokens of people and programs: made at random, and kept as hashes in a file of `user: sha256` lines."""

import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path
from threading import Lock

from dataset_assets.errors import ContractError, Fault, Position
from dataset_assets.system_errors import system_fault
from dataset_assets.text.atomic_files import replace_text, write_lock

BITS = 256
_LINE = re.compile(r"(?P<user>[^\s:#][^:]*?)\s*:\s*(?P<hash>[0-9a-f]{64})")


def new_token() -> str:
    """Return a new token of 256 random bits."""
    return f"da_{secrets.token_urlsafe(BITS // 8)}"


def token_hash(token: str) -> str:
    """Return the SHA-256 of a token. A random token of this length needs no slow hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def token_line(user: str, token: str) -> str:
    """Return the line of the file for a user's token."""
    return f"{user}: {token_hash(token)}"


def add_token(path: Path, line: str) -> None:
    """Add a line to a file of tokens, which only its owner can read if it is new."""
    with write_lock(path):
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if not text:
            path.touch(mode=0o600)
        replace_text(path, f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{line}\n")


def parse_tokens(path: Path, text: str) -> tuple[tuple[str, str], ...]:
    """Return (user, hash) of each line. Raises ContractError with every line that is something else."""
    found, faults = [], []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match:
            found.append((match["user"], match["hash"]))
        else:  # the line may hold a token, and is not shown
            hint = "`dataset-assets token USER` prints one"
            faults.append(
                Fault("is no line `user: sha256`", hint=hint, position=Position(str(path), number, 1))
            )
    if faults:
        raise ContractError(*faults)
    return tuple(found)


class TokenFile:
    """The tokens of one file, which is read again when it changed. A file that is broken has no tokens."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._stamp: tuple[int, ...] | None = None
        self._tokens: tuple[tuple[str, str], ...] = ()

    def read(self) -> tuple[tuple[str, str], ...]:
        """Return (user, hash) of each token. Raises ContractError if the file cannot be read or is broken."""
        try:
            return parse_tokens(self._path, self._path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            fault = system_fault(error) if isinstance(error, OSError) else Fault(f"{self._path} is not UTF-8")
            raise ContractError(fault) from None

    def user_of(self, hash_: str) -> str | None:
        """Return the user of a token's hash; None if it is nobody's. Takes as long for each hash."""
        found = None
        for user, known in self._current():
            if hmac.compare_digest(known, hash_):
                found = user
        return found

    def _current(self) -> tuple[tuple[str, str], ...]:
        try:
            status = os.stat(self._path)  # noqa: PTH116 - Path.stat builds a path object for each request
            stamp = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        except OSError:
            stamp = ()
        with self._lock:
            if stamp != self._stamp:
                try:
                    self._tokens = self.read()
                except ContractError:
                    self._tokens = ()
                self._stamp = stamp
            return self._tokens
