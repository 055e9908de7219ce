"""Rspamd over HTTP: the question as its worker "normal" takes it, and the profile of outgoing mail.

A message that leaves has no client with a HELO, no SPF and no DMARC to pass yet, and its envelope
is ours. The profile switches off what is about these; it goes with each question, so nothing need
be set up at Rspamd. A rule of its own settings goes before it (docs/rspamd, tag "facteur").
"""

import http.client
import json
import re
from collections.abc import Iterable, Iterator, Sequence

from mailqueue.screening import Finding
from relay import http_answers
from relay.engines import symbols
from relay.engines.exchange import Address, Envelope, NoAnswer, blocks, exchange

MOST_BYTES = 256 * 1024
MOST_HEADERS = 16 * 1024
# It is told no more of a list than it takes to see that it is one.
MOST_RECIPIENTS = 20
_PROFILE = json.dumps(
    {
        "groups_disabled": ["spf", "dkim", "dmarc", "arc", "hfilter"],
        "symbols_disabled": sorted(symbols.OF_ENVELOPE),
    },
    separators=(",", ":"),
)
_PRINTABLE = re.compile(r"[!-~]{1,320}")


class Rspamd:
    """Asks one worker."""

    name = "rspamd"
    # Most of its time it waits for answers of DNS.
    at_once = 32

    def __init__(self, address: Address) -> None:
        self._address = address

    async def ask(self, content: bytes, envelope: Envelope) -> Sequence[Finding]:
        """What it found. Raises NoAnswer or OSError."""
        raw = await self._exchange(_request(content, envelope))
        return symbols.findings(_content(raw))

    async def ping(self) -> None:
        """Raises NoAnswer or OSError unless it answers."""
        raw = await self._exchange([b"GET /ping HTTP/1.1\r\n", b"Connection: close\r\n\r\n"])
        if not _content(raw).startswith(b"pong"):
            raise NoAnswer("it does not answer as Rspamd does")

    async def _exchange(self, question: Iterable[bytes | memoryview]) -> bytes:
        return await exchange(
            self._address, question, http_answers.is_whole, MOST_BYTES + MOST_HEADERS
        )


def _request(content: bytes, envelope: Envelope) -> Iterator[bytes | memoryview]:
    yield "".join(f"{line}\r\n" for line in _head(len(content), envelope)).encode("ascii")
    yield b"\r\n"
    yield from blocks(content)


def _head(size_bytes: int, envelope: Envelope) -> Iterator[str]:
    yield "POST /checkv2 HTTP/1.1"
    yield "Host: rspamd"
    yield "Connection: close"
    yield "Content-Type: application/octet-stream"
    yield f"Content-Length: {size_bytes}"
    yield "MTA-Tag: facteur"
    # It is mail of a user of ours: addresses of clients are no matter, links are.
    fields = [
        ("User", envelope.account),
        ("Queue-Id", envelope.queue_id),
        ("From", envelope.sender),
    ]
    fields += [("Rcpt", address) for address in envelope.recipients[:MOST_RECIPIENTS]]
    for name, value in fields:
        # What is not plain ASCII could end the line, and is of no use to its rules.
        if _PRINTABLE.fullmatch(value):
            yield f"{name}: {value}"
    yield f"Settings: {_PROFILE}"


def _content(raw: bytes) -> bytes:
    try:
        answer = http_answers.read(raw, MOST_BYTES)
    except (http.client.HTTPException, ValueError) as error:
        raise NoAnswer(f"its answer is no HTTP: {type(error).__name__}") from error
    if answer.status != 200:
        raise NoAnswer(f"it answered {answer.status}")
    if answer.is_cut:
        raise NoAnswer("it broke off its answer")
    return answer.content
