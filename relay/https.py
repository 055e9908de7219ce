"""One small document over HTTPS, from addresses that were chosen before: for MTA-STS policies.

Owns the request and its bounds: time, bytes, no redirects. Nothing that a server does raises.
"""

import asyncio
import http.client
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from relay import http_answers

# Of the answer with its headers, beside the document's own bound.
MOST_HEADERS = 16_384
BLOCK = 16_384
_REQUEST = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Facteur\r\nAccept: text/plain\r\n"
    "Connection: close\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class NotFetched:
    """Why there is no document: a part of a sentence."""

    words: str


async def fetch(
    host: str,
    port: int,
    path: str,
    addresses: Sequence[str],
    context: ssl.SSLContext,
    *,
    most_bytes: int,
    timeout_s: float,
) -> bytes | NotFetched:
    """The document `https://host/path` as text/plain, from the first address that connects.

    The certificate must be for `host`, as `context` demands. All of it takes at most `timeout_s`.
    """
    why = NotFetched(f"{host} has no address")
    try:
        async with asyncio.timeout(timeout_s):
            for address in addresses:
                try:
                    raw = await _exchange(host, port, path, address, context, most_bytes)
                except ssl.SSLCertVerificationError as error:
                    why = NotFetched(
                        f"the certificate of {host} is not trusted: {error.verify_message}"
                    )
                except OSError as error:
                    words = error.strerror or str(error) or type(error).__name__
                    why = NotFetched(f"{host} cannot be reached: {words}")
                else:
                    return _document(raw, host, most_bytes)
    except TimeoutError:
        return NotFetched(f"{host} did not answer within {timeout_s:g} s")
    return why


async def _exchange(
    host: str, port: int, path: str, address: str, context: ssl.SSLContext, most_bytes: int
) -> bytes:
    """All that the server says, up to the bounds and a little more. Raises OSError."""
    reader, writer = await asyncio.open_connection(address, port, ssl=context, server_hostname=host)
    try:
        writer.write(_REQUEST.format(path=path, host=host).encode("ascii"))
        raw = bytearray()
        while len(raw) <= most_bytes + MOST_HEADERS and (block := await reader.read(BLOCK)):
            raw += block
        return bytes(raw)
    finally:
        writer.transport.abort()


def _document(raw: bytes, host: str, most_bytes: int) -> bytes | NotFetched:
    try:
        answer = http_answers.read(raw, most_bytes)
    except (http.client.HTTPException, ValueError) as error:
        return NotFetched(f"{host} answered with what is no HTTP: {type(error).__name__}")
    if answer.status != 200:
        # A redirect is no policy either (RFC 8461 §3.3).
        return NotFetched(f"{host} answered {answer.status}")
    if answer.kind != "text/plain":
        return NotFetched(f"{host} answered with {answer.kind[:80]!r}, not text/plain")
    if len(answer.content) > most_bytes:
        return NotFetched(f"{host} has more than {most_bytes} bytes")
    if answer.is_cut:
        return NotFetched(f"{host} broke off its answer")
    return answer.content
