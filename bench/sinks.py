"""Who takes mail: an SMTP server that answers at once, or after as long as a far one takes.

Keeps nothing, and is the same for Facteur and for Postfix.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from bench.load import PATIENCE_S


class Sink:
    """Counts what comes in on all its addresses, and notes when."""

    def __init__(self, hosts: tuple[str, ...], latency_s: float) -> None:
        self.hosts = hosts
        self.port = 0
        self.latency_s = latency_s
        self.open_now = self.most_open = 0
        self._count = 0
        self._wanted = 0
        self._began = self._ended = 0.0
        self._done = asyncio.Event()

    def expect(self, number: int) -> None:
        """Begin anew: wait for so many mails."""
        self._count, self._wanted, self._began = 0, number, 0.0
        self.most_open = self.open_now
        self._done.clear()

    async def elapsed(self) -> float:
        """The seconds from the first MAIL FROM to the last final dot, once that has come."""
        async with asyncio.timeout(PATIENCE_S):
            await self._done.wait()
        return self._ended - self._began

    def begins(self) -> None:
        if not self._began:
            self._began = time.perf_counter()

    def ends(self) -> None:
        self._count += 1
        if self._count == self._wanted:
            self._ended = time.perf_counter()
            self._done.set()


@asynccontextmanager
async def sink(
    hosts: tuple[str, ...] = ("127.0.0.1",), latency_s: float = 0
) -> AsyncIterator[Sink]:
    """A sink that listens on one port of these hosts of the loopback while the block runs."""
    new = Sink(hosts, latency_s)
    loop = asyncio.get_running_loop()
    servers = []
    try:
        for host in hosts:
            server = await loop.create_server(
                lambda: _Conversation(new), host, new.port, backlog=256
            )
            servers.append(server)
            new.port = server.sockets[0].getsockname()[1]
        yield new
    finally:
        for server in servers:
            server.close()


class _Conversation(asyncio.Protocol):
    def __init__(self, counter: Sink) -> None:
        self._counter = counter
        self._buffer = bytearray()
        self._is_content = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are none by their class.
        self._transport = cast("asyncio.Transport", transport)
        self._counter.open_now += 1
        self._counter.most_open = max(self._counter.most_open, self._counter.open_now)
        self._say(b"220 sink.example ESMTP\r\n")

    def connection_lost(self, error: Exception | None) -> None:
        self._counter.open_now -= 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        replies: list[bytes] = []
        while True:
            end = b"\r\n.\r\n" if self._is_content else b"\r\n"
            place = self._buffer.find(end)
            if place < 0:
                break
            head = bytes(self._buffer[:4])
            del self._buffer[: place + len(end)]
            replies.append(self._answer(head))
        if replies:
            self._say(b"".join(replies))

    def _say(self, words: bytes) -> None:
        if self._counter.latency_s:
            # A round trip: what came in together is answered together.
            asyncio.get_running_loop().call_later(self._counter.latency_s, self._write, words)
        else:
            self._write(words)

    def _write(self, words: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(words)
            if words.endswith(b"221 bye\r\n"):
                self._transport.close()

    def _answer(self, command: bytes) -> bytes:
        if self._is_content:
            self._is_content = False
            self._counter.ends()
            return b"250 2.0.0 gone\r\n"
        match command.upper():
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
