"""Who hands mail in: as cheap as it can be, for it shares the processors with what is measured.

Plain protocols without streams or tasks for each line, the same for Facteur and for Postfix.
"""

import asyncio
import secrets
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import cast

SENDER = b"site@boutique.example"
RECIPIENT = b"client@example.org"
# Nothing here takes that long, unless it hangs.
PATIENCE_S = 120.0

_HEAD = (
    b"From: site@boutique.example\r\nTo: client@example.org\r\nSubject: Votre commande\r\n"
    b"Date: Mon, 2 Mar 2026 10:00:00 +0100\r\nMessage-ID: <1@boutique.example>\r\n\r\n"
)

Address = Path | tuple[str, int]
# What to send, and the code of the reply that lets the conversation go on.
Steps = Iterator[tuple[bytes, bytes]]


def message_of(size_bytes: int) -> bytes:
    """A message of about that size, that compresses like an order confirmation with a picture."""
    lines = [_HEAD]
    left = size_bytes - len(_HEAD)
    while left > 0:
        # Half words, half what looks like chance.
        lines.append(b"Bonjour, nous avons bien recu votre commande " + _noise() + b"\r\n")
        left -= len(lines[-1])
    return b"".join(lines)


def _noise() -> bytes:
    return secrets.token_hex(16).encode()


async def by_smtp(
    address: Address,
    mails: int,
    connections: int,
    message: bytes,
    recipient: bytes = RECIPIENT,
    *,
    are_kept: bool = False,
) -> float:
    """Hand in mails by SMTP; return the seconds it took.

    Each over a connection of its own, unless connections `are_kept`.
    """

    def converse(take: Callable[[], bool]) -> Steps:
        yield b"", b"220"
        yield b"EHLO bench.example\r\n", b"250"
        while True:
            yield b"MAIL FROM:<%b>\r\n" % SENDER, b"250"
            yield b"RCPT TO:<%b>\r\n" % recipient, b"250"
            yield b"DATA\r\n", b"354"
            yield message + b".\r\n", b"250"
            if not are_kept or not take():
                break
        yield b"QUIT\r\n", b"221"

    return await _measure(address, mails, connections, converse)


async def by_xsendmail(
    address: Address,
    mails: int,
    connections: int,
    message: bytes,
    recipients: tuple[bytes, ...] = (RECIPIENT,),
) -> float:
    """Hand in mails as the sendmail command does; return the seconds it took."""

    def converse(take: Callable[[], bool]) -> Steps:
        number = secrets.token_hex(16).encode()
        fields = [number, b"/var/www", b"-i", b"-f", SENDER, *recipients]
        arguments = b"".join(field + b"\0" for field in fields)
        head = b"XSENDMAIL %d %d\r\n" % (len(arguments), len(message))
        # It does not wait for the greeting either.
        yield head + arguments + message, b"220"
        yield b"", b"250"

    return await _measure(address, mails, connections, converse)


class _Caller(asyncio.Protocol):
    """One conversation: each reply lets the next step out."""

    def __init__(self, steps: Steps) -> None:
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._steps = steps
        self._expected = b""
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are none by their class.
        self._transport = cast("asyncio.Transport", transport)
        self._go_on()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while not self.ended.done():
            line, found, rest = self._buffer.partition(b"\n")
            if not found:
                return
            self._buffer = rest
            if line[3:4] == b"-":
                continue
            if not line.startswith(self._expected):
                self._end(RuntimeError(f"expected {self._expected.decode()}, got {line!r}"))
                return
            self._go_on()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(error or RuntimeError("it hung up"))

    def _go_on(self) -> None:
        step = next(self._steps, None)
        if step is None:
            self._end(None)
            return
        words, self._expected = step
        if words:
            self._transport.write(words)

    def _end(self, error: Exception | None) -> None:
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)
        self._transport.close()


async def _measure(
    address: Address,
    mails: int,
    connections: int,
    converse: Callable[[Callable[[], bool]], Steps],
) -> float:
    """Hold conversations over so many connections at once until all mails are handed in."""
    loop = asyncio.get_running_loop()
    left = iter(range(mails))

    def take() -> bool:
        return next(left, None) is not None

    async def work() -> None:
        while take():
            make = partial(_Caller, converse(take))
            if isinstance(address, tuple):
                _, caller = await loop.create_connection(make, *address)
            else:
                _, caller = await loop.create_unix_connection(make, str(address))
            await caller.ended

    began = time.perf_counter()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(work() for _ in range(connections)))
    return time.perf_counter() - began
