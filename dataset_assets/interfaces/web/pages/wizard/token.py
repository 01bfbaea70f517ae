"""Write the answers so far as one short text, which travels in the form and in the address of the page."""

import json
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping

from dataset_assets.errors import ContractError, Fault
from dataset_assets.lifecycle.wizard.wizard import KEYS

MOST_CHARACTERS = 200_000
"""The size of all answers above which a text is refused, so that none can fill the memory."""


def write_token(answers: Mapping[str, str]) -> str:
    """Return the answers as a text of letters, digits, `-` and `_`; empty without answers."""
    if not answers:
        return ""
    data = json.dumps(dict(answers), ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(zlib.compress(data.encode(), 9)).decode().rstrip("=")


def read_token(token: str) -> Mapping[str, str]:
    """Return the answers of a text. Raises ContractError for a text that `write_token` did not write."""
    if not token:
        return {}
    try:
        packed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        reader = zlib.decompressobj()
        answers = json.loads(reader.decompress(packed, MOST_CHARACTERS).decode())
        complete = reader.eof
    except (ValueError, zlib.error):  # of base64, of UTF-8 and of JSON as well
        answers, complete = None, False
    if not (complete and isinstance(answers, dict) and _are_answers(answers)):
        raise ContractError(Fault("the answers in this address are damaged", hint="start again at /new"))
    return answers


def _are_answers(answers: Mapping[object, object]) -> bool:
    return all(key in KEYS and isinstance(text, str) for key, text in answers.items())
