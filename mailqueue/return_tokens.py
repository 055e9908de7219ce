"""Local parts of addresses that only we can make: whose they are, and until when they count. Pure.

    b+<token>   the return path of one recipient
    c+<token>   answers to a letter about a stop

A token holds a number, the moment it was made and a code that authenticates both (HMAC-SHA256
under a key for its purpose alone, cut to 144 bits). It is base32, for some servers change the case
of what they return (against RFC 5321 §2.4), and fills its letters to the last bit, so that each
token is written in one way. 50 bytes in all; RFC 5321 §4.5.3.1.1 allows 64.

Note: whoever can read a token learns its number, thus about how much mail there was before it.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

_NUMBER_BYTES = 8
_MOMENT_BYTES = 4
_CODE_BYTES = 18
_ALL_BYTES = _NUMBER_BYTES + _MOMENT_BYTES + _CODE_BYTES
# So many letters hold so many bytes, and nothing beside.
_LETTERS = _ALL_BYTES * 8 // 5


class Purpose(StrEnum):
    """What an address is for; its value begins the local part."""

    RETURN = "b"
    CASE = "c"


# Servers give up after five days, and their reports may be slow; a case may wait for its owner.
VALID_FOR = {Purpose.RETURN: timedelta(days=30), Purpose.CASE: timedelta(days=90)}


@dataclass(frozen=True, slots=True)
class Token:
    """What a local part says: what it is for, whose it is, and since when (whole seconds)."""

    purpose: Purpose
    number: int
    made_at: datetime


def written(purpose: Purpose, number: int, now: datetime, secret: str) -> str:
    """The local part for a number, in lower case. Raises OverflowError if it is below 0."""
    plain = number.to_bytes(_NUMBER_BYTES) + int(now.timestamp()).to_bytes(_MOMENT_BYTES)
    token = base64.b32encode(plain + _code(purpose, plain, secret))
    return f"{purpose}+{token.decode('ascii').lower()}"


def read(local_part: str, now: datetime, secrets: Sequence[str]) -> Token | None:
    """What a local part says, in any case; None if we never made it, or it is too old.

    `secrets` are the one that signs now and those that did before.
    """
    if not local_part.isascii():
        return None
    prefix, plus, token = local_part.partition("+")
    if not plus or prefix.lower() not in _PURPOSES or len(token) != _LETTERS:
        return None
    purpose = Purpose(prefix.lower())
    try:
        raw = base64.b32decode(token.upper())
    except binascii.Error:
        return None
    plain, code = raw[:-_CODE_BYTES], raw[-_CODE_BYTES:]
    if not any(hmac.compare_digest(code, _code(purpose, plain, secret)) for secret in secrets):
        return None
    seconds = int.from_bytes(plain[_NUMBER_BYTES:])
    made_at = datetime.fromtimestamp(seconds, UTC)
    if now >= made_at + VALID_FOR[purpose]:
        return None
    return Token(purpose, int.from_bytes(plain[:_NUMBER_BYTES]), made_at)


_PURPOSES = frozenset(purpose.value for purpose in Purpose)


def _code(purpose: Purpose, plain: bytes, secret: str) -> bytes:
    key = hmac.digest(secret.encode(), b"facteur address " + purpose.encode(), "sha256")
    return hmac.digest(key, plain, "sha256")[:_CODE_BYTES]
