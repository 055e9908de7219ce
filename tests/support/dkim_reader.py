"""Another's reading of DKIM signatures: dkimpy's, with Ed25519 from `cryptography`.

dkimpy asks PyNaCl for Ed25519, which is not installed; here it finds the few names that it needs.
"""

import base64
from collections.abc import Mapping
from types import SimpleNamespace

import dkim
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class _VerifyKey:
    def __init__(self, text: bytes, encoder: object) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(text))

    def verify(self, data: bytes, signature: bytes) -> None:
        self._key.verify(signature, data)


dkim.nacl = SimpleNamespace(
    signing=SimpleNamespace(VerifyKey=_VerifyKey),
    encoding=SimpleNamespace(Base64Encoder=None),
    exceptions=SimpleNamespace(BadSignatureError=InvalidSignature, ValueError=ValueError),
)


def verified(message: bytes, records: Mapping[str, str]) -> list[bool]:
    """Whether each signature of the message is valid, the topmost first; `records` are the TXT."""

    def text(name: bytes, timeout: int = 5) -> bytes | None:
        found = records.get(name.decode("ascii").removesuffix("."))
        return None if found is None else found.encode("ascii")

    found = []
    for number in range(message.lower().count(b"dkim-signature:")):
        try:
            found.append(bool(dkim.DKIM(message).verify(number, dnsfunc=text)))
        except dkim.ValidationError:
            found.append(False)
    return found
