"""TLS towards other servers: the handshake, and whether what came out of it is enough.

Owns contexts and verdicts; when TLS begins in a conversation is for `client`.
"""

import asyncio
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.conf import settings

from relay import dane
from relay.routes import Level, Tls


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no TLS with a server, or none that is enough: a part of a sentence."""

    words: str


async def start(
    writer: asyncio.StreamWriter, name: str, tls: Tls, timeout_s: float
) -> str | Refused:
    """Turn a connection to the server `name` into TLS; return what it is, for the log.

    Its words are like "TLSv1.3" or "TLSv1.3-verified". After a refusal the connection is of no use.
    """
    try:
        async with asyncio.timeout(timeout_s):
            await writer.start_tls(
                context(tls.level, settings.TLS_CA_FILE),
                server_hostname=name,
                ssl_handshake_timeout=timeout_s,
            )
    except ssl.SSLCertVerificationError as error:
        return Refused(f"its certificate cannot be trusted: {error.verify_message}")
    except TimeoutError:
        return Refused(f"the TLS handshake took longer than {timeout_s:g} s")
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        return Refused(f"the TLS handshake failed: {why or type(error).__name__}")
    secured = writer.get_extra_info("ssl_object")
    if tls.level is Level.DANE:
        chain = _chain(secured)
        if not dane.vouches(tls.associations, chain, name, datetime.now(UTC)):
            return Refused("no TLSA record vouches for its certificate")
    is_verified = tls.level in {Level.VERIFIED, Level.DANE}
    return f"{secured.version()}-{tls.level}" if is_verified else str(secured.version())


@lru_cache(maxsize=16)
def context(level: Level, ca_file: str = "") -> ssl.SSLContext:
    """The terms of a handshake. `ca_file` has the authorities to trust instead of the system's.

    Raises OSError if the file cannot be read.
    """
    if level is Level.VERIFIED:
        return ssl.create_default_context(cafile=ca_file or None)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if level is Level.OPPORTUNISTIC:
        # Poor TLS beats none, as long as the alternative is the clear (RFC 7435 §3).
        made.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
    return made


def _chain(secured: ssl.SSLObject) -> list[bytes]:
    """The certificates that the server sent, in DER, its own first."""
    # Public since Python 3.13, with the certificates as bytes.
    if hasattr(secured, "get_unverified_chain"):
        return list(secured.get_unverified_chain())
    inner: Any = secured._sslobj  # type: ignore[attr-defined]
    return [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in inner.get_unverified_chain()]
