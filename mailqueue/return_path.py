"""The addresses at the bounce domain: which we give, and whose one is that comes back.

Owns how `return_tokens` meets the settings: the domain, the secret that signs, and those that did
before.
"""

from datetime import datetime

from django.conf import settings

from mailqueue.return_tokens import Purpose, Token, read, written


def of_recipient(recipient_id: int, now: datetime) -> str:
    """Where what comes back of one recipient goes; empty if there is no bounce domain."""
    return _address(Purpose.RETURN, recipient_id, now)


def of_case(change_id: int, now: datetime) -> str:
    """Where answers to a letter about a stop go; empty if nobody listens for them."""
    return _address(Purpose.CASE, change_id, now) if settings.BOUNCE_LISTEN else ""


def whose(address: str, now: datetime) -> Token | None:
    """What an address says that we gave; None for all others."""
    local_part, _, domain = address.rpartition("@")
    if not settings.BOUNCE_DOMAIN or domain.lower() != settings.BOUNCE_DOMAIN:
        return None
    return read(local_part, now, [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS])


def _address(purpose: Purpose, number: int, now: datetime) -> str:
    if not settings.BOUNCE_DOMAIN:
        return ""
    local_part = written(purpose, number, now, settings.SECRET_KEY)
    return f"{local_part}@{settings.BOUNCE_DOMAIN}"
