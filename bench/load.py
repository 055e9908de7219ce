"""The other sides of the bench: who hands mail in, and who takes it.

Both are as plain as they can be, so that they cost little beside what is measured; and they are
the same for Facteur and for Postfix.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

SENDER = "site@boutique.example"
# An order confirmation: 2 kB.
MESSAGE = (
    b"From: site@boutique.example\r\nTo: client@example.org\r\nSubject: Votre commande\r\n"
    b"Date: Mon, 2 Mar 2026 10:00:00 +0100\r\nMessage-ID: <1@boutique.example>\r\n\r\n"
    + b"Bonjour, nous avons bien recu votre commande, et vous en remercions.\r\n"
    * 26
)
CONNECTIONS = 10
# Nothing here takes that long, unless it hangs.
PATIENCE_S = 60.0

Address = Path | tuple[str, int]


async def by_xsendmail(address: Address, number: int) -> float:
    """Hand in mails as the sendmail command does; return how long that took, in seconds."""

    async def one(index: int) -> None:
        fields = [secrets.token_hex(16), "/var/www", "-i", "-f", SENDER, "client@example.org"]
        arguments = b"".join(field.encode() + b"\0" for field in fields)
        reader, writer = await _connect(address)
        writer.write(b"XSENDMAIL %d %d\r\n" % (len(arguments), len(MESSAGE)))
        writer.write(arguments + MESSAGE)
        await _expect(reader, b"220")
        await _expect(reader, b"250")
        writer.close()

    return await _measure(one, number)


async def by_smtp(address: Address, number: int) -> float:
    """Hand in mails by SMTP, each over a connection of its own; return the seconds it took."""

    async def one(index: int) -> None:
        reader, writer = await _connect(address)
        await _expect(reader, b"220")
        commands = (
            *(b"EHLO bench.example\r\n", b"MAIL FROM:<%b>\r\n" % SENDER.encode()),
            *(b"RCPT TO:<client@example.org>\r\n", b"DATA\r\n", MESSAGE + b".\r\n", b"QUIT\r\n"),
        )
        codes = (b"250", b"250", b"250", b"354", b"250", b"221")
        for command, code in zip(commands, codes, strict=True):
            writer.write(command)
            await _expect(reader, code)
        writer.close()

    return await _measure(one, number)


class Sink:
    """An SMTP server that takes everything and keeps nothing; it notes when mails came."""

    def __init__(self) -> None:
        self.port = 0
        self._count = 0
        self._wanted = 0
        self._began = self._ended = 0.0
        self._done = asyncio.Event()

    def expect(self, number: int) -> None:
        """Begin anew: wait for so many mails."""
        self._count, self._wanted = 0, number
        self._done.clear()

    async def elapsed(self) -> float:
        """The seconds from the first MAIL FROM to the last final dot, once that has come."""
        async with asyncio.timeout(PATIENCE_S):
            await self._done.wait()
        return self._ended - self._began

    def begins(self) -> None:
        if self._count == 0:
            self._began = time.perf_counter()
            self._count = 1

    def ends(self) -> None:
        self._count += 1
        if self._count > self._wanted:
            self._ended = time.perf_counter()
            self._done.set()


@asynccontextmanager
async def sink() -> AsyncIterator[Sink]:
    """A sink that listens on a port of the loopback while the block runs."""
    new = Sink()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Conversation(new), "127.0.0.1", 0, backlog=128
    )
    new.port = server.sockets[0].getsockname()[1]
    try:
        yield new
    finally:
        server.close()


class _Conversation(asyncio.Protocol):
    def __init__(self, counter: Sink) -> None:
        self._counter = counter
        self._buffer = b""
        self._is_content = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are none by their class.
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(b"220 sink.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        replies: list[bytes] = []
        while True:
            end = b"\r\n.\r\n" if self._is_content else b"\r\n"
            head, found, rest = self._buffer.partition(end)
            if not found:
                break
            self._buffer = rest
            replies.append(self._answer(head))
        if replies:
            self._transport.write(b"".join(replies))

    def _answer(self, command: bytes) -> bytes:
        if self._is_content:
            self._is_content = False
            self._counter.ends()
            return b"250 2.0.0 gone\r\n"
        match command[:4].upper():
            case b"EHLO":
                return b"250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
            case b"MAIL":
                self._counter.begins()
            case b"DATA":
                self._is_content = True
                return b"354 go on\r\n"
            case b"QUIT":
                return b"221 bye\r\n"
        return b"250 2.0.0 fine\r\n"


async def _measure(one: Callable[[int], Awaitable[None]], number: int) -> float:
    """Do `one` so many times, over some connections at once."""
    left = iter(range(number))

    async def work() -> None:
        for index in left:
            await one(index)

    began = time.perf_counter()
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(work() for _ in range(CONNECTIONS)))
    return time.perf_counter() - began


async def _connect(address: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(address, tuple):
        return await asyncio.open_connection(*address)
    return await asyncio.open_unix_connection(str(address))


async def _expect(reader: asyncio.StreamReader, code: bytes) -> None:
    while (line := await reader.readline())[3:4] == b"-":
        pass
    if not line.startswith(code):
        raise RuntimeError(f"expected {code.decode()}, got {line!r}")
