"""Secrets at rest: what is sealed here cannot be read in a copy of the database.

Sealed with the newest secret key of the house, opened with any of them (`SECRET_KEY_FALLBACKS`).
Each purpose has keys of its own: what was sealed for one cannot be passed off as another's.
"""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings


def seal(secret: str, purpose: str) -> str:
    """The secret as it may be kept, in ASCII."""
    return _boxes(purpose).encrypt(secret.encode()).decode()


def opened(sealed: str, purpose: str) -> str | None:
    """The secret, or None if none of the house's keys opens it."""
    try:
        return _boxes(purpose).decrypt(sealed.encode()).decode()
    except (InvalidToken, UnicodeError):
        return None


def _boxes(purpose: str) -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_key(secret, purpose)) for secret in keys])


def _key(secret: str, purpose: str) -> bytes:
    # The secret is random and long: one round is enough. The prefix keeps this key to this use.
    return base64.urlsafe_b64encode(hashlib.sha256(f"{purpose} {secret}".encode()).digest())
