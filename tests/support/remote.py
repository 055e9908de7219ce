"""The remote MX of the tests: an SMTP server on a loopback port that does what it is told.

It speaks SMTP by itself, byte by byte, and shares no code with ours or with aiosmtpd, so that what
it recorded is what was on the wire. It runs in a thread: tests may block, or be asynchronous.

    with remote(Script(recipients={"gone@example.org": "550 5.1.1 user unknown"})) as mx:
        ...
        assert mx.messages[0].content == b"..."

A step is the word of a command (`EHLO`, `STARTTLS`, `AUTH`, `MAIL`, `RCPT`, `DATA`, `RSET`),
`greeting`, `handshake` (of TLS), `content` (while it is read) or `dot` (after it).
"""

import asyncio
import base64
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

EXTENSIONS = ("PIPELINING", "SIZE 20000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


@dataclass
class Script:
    """What the server does. It may be changed between messages."""

    extensions: tuple[str, ...] = EXTENSIONS
    # Replies in place of the usual ones, by step; line ends are added, unless they are bytes.
    replies: dict[str, str | bytes] = field(default_factory=dict)
    # Replies at RCPT, by address.
    recipients: dict[str, str] = field(default_factory=dict)
    # Replies after the final dot, by the first recipient of the message.
    contents: dict[str, str] = field(default_factory=dict)
    # The steps at which it closes the connection, or falls silent for ever.
    drops: set[str] = field(default_factory=set)
    stalls: set[str] = field(default_factory=set)
    # Messages of a connection after which it closes it.
    closes_after: int | None = None
    latency_s: float = 0
    # With one it offers STARTTLS, or begins with TLS.
    tls: ssl.SSLContext | None = None
    is_implicit: bool = False
    # Said in the clear, together with the answer to STARTTLS.
    injects: bytes = b""
    # The ways of AUTH that it offers, and under TLS only, if so.
    mechanisms: str = ""
    login: tuple[str, str] = ("", "")


@dataclass
class Received:
    """A message that was answered with 2yz: its envelope, and its bytes without the dots."""

    mail: str
    sender: str
    recipients: list[str]
    content: bytes
    # The client went on to another message on this connection: it knows that this one arrived.
    is_known: bool = False


class Remote:
    """The server, and what it has seen: `messages`, `commands` and the number of `connections`."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.port = 0
        self.messages: list[Received] = []
        self.commands: list[str] = []
        # The names that clients asked for when TLS began, and the users that logged in.
        self.asked_for: list[str | None] = []
        self.users: list[str] = []
        self.host = "127.0.0.1"
        self.connections = 0
        self.open_now = 0
        self.most_open = 0
        # Set when somebody waits at a step that stalls.
        self.stalled = threading.Event()

    @property
    def address(self) -> tuple[str, int]:
        return self.host, self.port

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_now -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = mail = ""
        accepted: list[str] = []
        last: Received | None = None
        done = 0
        is_secure = False
        if self.script.is_implicit:
            await self._secure(writer)
            is_secure = True
        await self._answer(writer, "greeting", "220 remote.test ESMTP")
        while True:
            command = (await reader.readuntil(b"\r\n"))[:-2].decode("utf-8")
            self.commands.append(command)
            verb = command.partition(" ")[0].upper()
            if verb == "QUIT":
                return
            if verb in {"EHLO", "HELO"}:
                lines = ["remote.test"]
                if verb == "EHLO":
                    lines += self._offered(is_secure=is_secure)
                signs = ["-"] * (len(lines) - 1) + [" "]
                usual = "\r\n".join(f"250{s}{line}" for s, line in zip(signs, lines, strict=True))
                await self._answer(writer, verb, usual)
            elif verb == "STARTTLS" and self.script.tls:
                await self._misbehave(verb)
                reply = self.script.replies.get(verb, "220 2.0.0 go on")
                writer.write(f"{reply}\r\n".encode() + self.script.injects)  # type: ignore[str-bytes-safe]
                if str(reply).startswith("220"):
                    await self._secure(writer)
                    is_secure = True
            elif verb == "AUTH":
                user, password = await self._login(command, reader, writer)
                usual = "235 2.7.0 welcome"
                if (user, password) != self.script.login:
                    usual = "535 5.7.8 wrong name or password"
                if await self._answer(writer, verb, usual):
                    self.users.append(user)
            elif verb == "MAIL":
                if last is not None:
                    last.is_known = True
                if await self._answer(writer, verb, "250 2.1.0 fine"):
                    mail, sender, accepted = command, _path(command), []
            elif verb == "RCPT":
                usual = self.script.recipients.get(_path(command), "250 2.1.5 fine")
                if await self._answer(writer, verb, usual):
                    accepted.append(_path(command))
            elif verb == "DATA":
                usual = "354 go on" if accepted else "554 5.5.1 no valid recipients"
                await self._answer(writer, verb, usual)
                if not (accepted or self.script.replies.get("DATA", "").startswith("354")):  # type: ignore[arg-type]
                    continue
                await self._misbehave("content")
                content = await _content(reader)
                usual = self.script.contents.get(next(iter(accepted), ""), "250 2.0.0 kept")
                if await self._answer(writer, "dot", usual):
                    last = Received(mail, sender, accepted, content)
                    self.messages.append(last)
                accepted = []
                done += 1
                if done == self.script.closes_after:
                    return
            elif verb == "RSET":
                accepted = []
                await self._answer(writer, verb, "250 2.0.0 fine")
            else:
                await self._answer(writer, verb, "500 5.5.2 what?")

    def _offered(self, *, is_secure: bool) -> list[str]:
        offered = [*self.script.extensions]
        if self.script.tls and not is_secure:
            offered.append("STARTTLS")
        if self.script.mechanisms:
            offered.append(f"AUTH {self.script.mechanisms}")
        return offered

    async def _secure(self, writer: asyncio.StreamWriter) -> None:
        await self._misbehave("handshake")
        assert self.script.tls is not None
        asked_for: list[str | None] = []

        def note(_secured: object, name: str | None, _context: object) -> None:
            asked_for.append(name)

        self.script.tls.sni_callback = note
        try:
            await writer.start_tls(self.script.tls)
        except ssl.SSLError as error:
            # Whoever does not trust us says so, and goes.
            raise ConnectionResetError from error
        self.asked_for += asked_for

    @staticmethod
    async def _login(
        command: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[str, str]:
        _, mechanism, *initial = command.split()
        if mechanism == "PLAIN":
            _, user, password = base64.b64decode(initial[0]).decode().split("\0")
            return user, password
        given = []
        for asked in (b"Username:", b"Password:"):
            writer.write(b"334 " + base64.b64encode(asked) + b"\r\n")
            given.append(base64.b64decode(await reader.readuntil(b"\r\n")).decode())
        return given[0], given[1]

    async def _answer(self, writer: asyncio.StreamWriter, step: str, usual: str) -> bool:
        """Reply as the script has it; return whether the client may go on."""
        await self._misbehave(step)
        reply = self.script.replies.get(step, usual)
        raw = reply if isinstance(reply, bytes) else f"{reply}\r\n".encode()
        await asyncio.sleep(self.script.latency_s)
        writer.write(raw)
        await writer.drain()
        return raw[:1] in {b"2", b"3"}

    async def _misbehave(self, step: str) -> None:
        if step in self.script.stalls:
            self.stalled.set()
            # Not an event: a task that only an event knows is garbage.
            await asyncio.sleep(3600)
        if step in self.script.drops:
            raise ConnectionResetError


@contextmanager
def remote(
    script: Script | None = None,
    kind: type[Remote] = Remote,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[Remote]:
    """A remote MX that runs while the block does."""
    server = kind(script or Script())
    server.host = host
    ready = threading.Event()
    loop = asyncio.new_event_loop()

    async def run(stop: asyncio.Event) -> None:
        listener = await asyncio.start_server(server.serve, host, port, limit=2**20)
        server.port = listener.sockets[0].getsockname()[1]
        ready.set()
        await stop.wait()
        listener.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    stop = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(run(stop)), daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
        loop.close()


def _path(command: str) -> str:
    """What stands between the angle brackets."""
    return command[command.index("<") + 1 : command.rindex(">")]


async def _content(reader: asyncio.StreamReader) -> bytes:
    """The content up to the final dot, with the dots that were added for the way taken off."""
    lines: list[bytes] = []
    while (line := await reader.readuntil(b"\r\n")) != b".\r\n":
        lines.append(line.removeprefix(b"."))
    return b"".join(lines)
