"""One SMTP conversation: messages in, outcomes out.

Owns the dialogue with the other side, over TCP or a Unix socket: extensions, pipelining,
time-outs, and what each reply means. Which server, how many at once and what is written down is
for `delivery`.

Nothing that a peer does raises: each recipient gets an `Outcome`. What we do not recognise is
temporary, and so is every trouble of the connection: only a reply that begins with 5, about this
sender, recipient or content, is permanent.

Replies come from strangers. They are read up to a bound, and kept without control characters.

Note: 8-bit content goes out as it is to a server that does not announce 8BITMIME; nearly all take
it, and re-encoding would break signatures (Exim and qmail do the same).
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mailqueue.outcomes import Outcome, Result
from relay.mx import Route

# RFC 5321 §4.5.3.1.5 has 512 octets; four times that is what strange servers may need.
LONGEST_LINE = 2048
# Our bounds for one reply: lines read, and characters kept.
MOST_LINES = 128
LONGEST_REPLY = 2000
# Bytes handed to the connection at once.
BLOCK = 65_536
# After the code of a reply: a status as RFC 3463 §2 has it, and a blank or nothing.
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:\s+|$)", re.ASCII)
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait at each step, in seconds: RFC 5321 §4.5.3.2; `connect_s` is Postfix's."""

    connect_s: float = 30
    greeting_s: float = 300
    hello_s: float = 300
    mail_s: float = 300
    rcpt_s: float = 300
    data_s: float = 120
    block_s: float = 180
    final_s: float = 600


PATIENT = Timeouts()


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message for some recipients of one server; `content` as `queue.content_of` has it."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side said: three digits and its words, one line for all, cleaned."""

    code: int
    words: str
    status: str

    def __str__(self) -> str:
        return f"{self.code} {self.words}".rstrip()

    @property
    def is_positive(self) -> bool:
        """Whether the command was carried out (2yz)."""
        return self.code // 100 == 2


class _Broken(Exception):
    """The conversation cannot go on, for reasons of this status; it never leaves this module."""

    def __init__(self, status: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.words = words


def reply_of(lines: Sequence[bytes]) -> Reply | None:
    """The reply that these lines make, or None if they are none: foreign bytes never raise.

    Lines that repeat the status code of the first lose it. A status that is malformed, or of
    another class than the code, is left to the words; the code's own class stands in for it.
    """
    codes: set[bytes] = set()
    texts: list[str] = []
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        codes.add(match[1])
        texts.append(_clean((match[3] or b"").decode("utf-8", "replace")))
    if len(codes) != 1:
        return None
    code = int(codes.pop())
    first = _STATUS.match(texts[0])
    if first is None or first[1] != str(code // 100):
        return Reply(code, " ".join(filter(None, texts))[:LONGEST_REPLY], f"{code // 100}.0.0")
    status = f"{first[1]}.{int(first[2])}.{int(first[3])}"
    texts[1:] = [text.removeprefix(first[0].strip()).strip() for text in texts[1:]]
    return Reply(code, " ".join(filter(None, texts))[:LONGEST_REPLY], status)


def dot_stuffed(content: bytes) -> bytes:
    """The content as DATA sends it, up to and with the final dot (RFC 5321 §4.5.2)."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n"


async def connect(route: Route, name: str, timeouts: Timeouts = PATIENT) -> "Connection | Outcome":
    """Open a conversation, in which we are called `name`; or say why that cannot be done now.

    The outcome is always temporary: no message is to blame.
    """
    try:
        async with asyncio.timeout(timeouts.connect_s):
            if isinstance(route.address, tuple):
                streams = await asyncio.open_connection(*route.address, limit=LONGEST_LINE)
            else:
                path = str(route.address)
                streams = await asyncio.open_unix_connection(path, limit=LONGEST_LINE)
    except TimeoutError:
        words = f"cannot connect to {route}: no answer within {timeouts.connect_s:g} s"
        return Outcome(Result.DEFERRED, words, "4.4.1", route.name)
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        words = f"cannot connect to {route}: {_clean(why)}"
        return Outcome(Result.DEFERRED, words, "4.4.1", route.name)
    connection = Connection(route, *streams, timeouts)
    try:
        await connection.greet(name)
    except _Broken as broken:
        connection.abort()
        return Outcome(Result.DEFERRED, broken.words, broken.status, route.name)
    except BaseException:
        connection.abort()
        raise
    return connection


class Connection:
    """A conversation after its greeting; made by `connect`, used by one task at a time."""

    def __init__(
        self,
        route: Route,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        timeouts: Timeouts,
    ) -> None:
        self.route = route
        # Messages that got as far as an answer here.
        self.messages = 0
        # False: it is closed, or must be.
        self.is_usable = True
        # The whole message may be with the peer, and its answer is not with us yet.
        self.is_past_dot = False
        # The peer had closed it, or did so at MAIL FROM, after earlier messages: nobody saw this
        # one, so it is no try; a new connection may carry it at once.
        self.is_stale = False
        # It was closed because the peer let a time-out pass.
        self.is_silent = False
        self._reader = reader
        self._writer = writer
        self._timeouts = timeouts
        self._extensions: dict[str, str] = {}
        self._needs_reset = False

    async def greet(self, name: str) -> None:
        """Hear the greeting and introduce ourselves; TLS would begin between two such EHLOs."""
        greeting = await self._reply("the greeting", self._timeouts.greeting_s)
        if not greeting.is_positive:
            # The server's or the route's trouble, whatever the code says: not the message's.
            raise _Broken(f"4{greeting.status[1:]}", str(greeting))
        await self._hello(name)

    async def deliver(self, envelope: Envelope) -> list[Outcome]:
        """Hand over one message; the outcomes stand in the order of the recipients."""
        outcomes = self._refused_here(envelope)
        wanted = [address for address in envelope.recipients if address not in outcomes]
        if wanted:
            try:
                await self._transact(envelope, wanted, outcomes)
                self.messages += 1
            except _Broken as broken:
                self.abort()
                lost = Outcome(Result.DEFERRED, broken.words, broken.status, self.route.name)
                for address in wanted:
                    outcomes.setdefault(address, lost)
            finally:
                self.is_past_dot = False
        return [outcomes[address] for address in envelope.recipients]

    def quit(self) -> None:
        """Say good-bye and close, without waiting for an answer."""
        if self.is_usable:
            self._writer.write(b"QUIT\r\n")
        self.is_usable = False
        self._writer.close()

    def abort(self) -> None:
        """Close at once: a message whose final dot was not sent is not the peer's."""
        self.is_usable = False
        self._writer.transport.abort()

    async def _hello(self, name: str) -> None:
        self._write(f"EHLO {name}\r\n".encode("ascii", "replace"))
        lines = await self._lines("EHLO", self._timeouts.hello_s)
        reply = self._understood(lines, "EHLO")
        if reply.is_positive:
            self._extensions = _extensions(lines)
            return
        # A server that knows no extensions (RFC 5321 §3.2).
        self._write(f"HELO {name}\r\n".encode("ascii", "replace"))
        reply = await self._reply("HELO", self._timeouts.hello_s)
        if not reply.is_positive:
            raise _Broken(f"4{reply.status[1:]}", str(reply))

    def _refused_here(self, envelope: Envelope) -> dict[str, Outcome]:
        """What can be told without asking the peer: recipients that it cannot take."""
        limit = self._extensions.get("SIZE", "")
        size = len(envelope.content)
        refused: dict[str, Outcome] = {}
        for address in envelope.recipients:
            if not _is_sendable(address):
                refused[address] = self._failed("5.1.3", "the address cannot be sent by SMTP")
            elif not _is_sendable(envelope.sender):
                refused[address] = self._failed("5.1.7", "the sender cannot be sent by SMTP")
            elif not (address + envelope.sender).isascii() and "SMTPUTF8" not in self._extensions:
                words = "the address has other than ASCII characters; the server takes none"
                refused[address] = self._failed("5.6.7", words)
            elif limit.isascii() and limit.isdigit() and 0 < int(limit[:18]) < size:
                words = f"the message has {size} bytes; the server takes {int(limit[:18])}"
                refused[address] = self._failed("5.3.4", words)
        return refused

    async def _transact(
        self, envelope: Envelope, wanted: list[str], outcomes: dict[str, Outcome]
    ) -> None:
        """MAIL, RCPT, DATA, content; fills in `outcomes` as they become known."""
        reset = [b"RSET\r\n"] if self._needs_reset else []
        commands = [
            *reset,
            self._mail(envelope, wanted),
            *(f"RCPT TO:<{address}>\r\n".encode() for address in wanted),
            b"DATA\r\n",
        ]
        is_pipelined = "PIPELINING" in self._extensions
        if is_pipelined:
            self._write(b"".join(commands))
        say = iter(commands)

        async def ask(step: str, timeout_s: float) -> Reply:
            command = next(say)
            if not is_pipelined:
                self._write(command)
            return await self._reply(step, timeout_s)

        try:
            if reset and not (answer := await ask("RSET", self._timeouts.mail_s)).is_positive:
                raise _Broken("4.5.0", str(answer))
            mail = await ask("MAIL FROM", self._timeouts.mail_s)
        except _Broken:
            self.is_stale = self.messages > 0
            raise
        self._needs_reset = True
        if not mail.is_positive:
            outcomes |= dict.fromkeys(wanted, self._outcome(mail))
            if not is_pipelined:
                return
        for address in wanted:
            reply = await ask("RCPT TO", self._timeouts.rcpt_s)
            if not reply.is_positive:
                outcomes.setdefault(address, self._outcome(reply))
        left = [address for address in wanted if address not in outcomes]
        if not left and not is_pipelined:
            return
        data = await ask("DATA", self._timeouts.data_s)
        if data.code != 354:
            outcomes |= dict.fromkeys(left, self._outcome(data, may_be_positive=False))
        elif not left:
            # It wants a message for nobody: give it an empty one (RFC 2920 §3.1).
            self._write(b".\r\n")
            await self._reply("the final dot", self._timeouts.final_s)
        else:
            await self._send(dot_stuffed(envelope.content))
            final = await self._reply("the final dot", self._timeouts.final_s)
            outcomes |= dict.fromkeys(left, self._outcome(final))
            self._needs_reset = False

    def _mail(self, envelope: Envelope, wanted: Sequence[str]) -> bytes:
        command = f"MAIL FROM:<{envelope.sender}>"
        if "SIZE" in self._extensions:
            command += f" SIZE={len(envelope.content)}"
        if "8BITMIME" in self._extensions and not envelope.content.isascii():
            command += " BODY=8BITMIME"
        if not (envelope.sender + "".join(wanted)).isascii():
            command += " SMTPUTF8"
        return f"{command}\r\n".encode()

    async def _send(self, content: bytes) -> None:
        """Send the content with its final dot; the last block is the one that counts."""
        blocks = range(0, len(content), BLOCK)
        for start in blocks:
            self.is_past_dot = start == blocks[-1]
            self._write(content[start : start + BLOCK])
            try:
                async with asyncio.timeout(self._timeouts.block_s):
                    await self._writer.drain()
            except TimeoutError:
                raise self._silent("the content", self._timeouts.block_s) from None
            except OSError as error:
                raise self._lost("the content", error) from error

    def _write(self, data: bytes) -> None:
        # On a lost connection this does nothing; the next read tells.
        self._writer.write(data)

    async def _reply(self, step: str, timeout_s: float) -> Reply:
        reply = self._understood(await self._lines(step, timeout_s), step)
        if reply.code == 421:
            # It closes, whatever the command was (RFC 5321 §3.8).
            raise _Broken(reply.status, str(reply))
        return reply

    async def _lines(self, step: str, timeout_s: float) -> list[bytes]:
        """The lines of one reply, without their line ends."""
        lines: list[bytes] = []
        try:
            async with asyncio.timeout(timeout_s):
                while len(lines) < MOST_LINES:
                    line = await self._reader.readuntil(b"\n")
                    lines.append(line.rstrip(b"\r\n"))
                    if line[3:4] != b"-":
                        return lines
        except TimeoutError:
            raise self._silent(step, timeout_s) from None
        except (OSError, EOFError) as error:
            raise self._lost(step, error) from error
        except asyncio.LimitOverrunError:
            pass
        raise _Broken("4.5.0", f"{self.route} answered {step} at too great length")

    def _understood(self, lines: Sequence[bytes], step: str) -> Reply:
        reply = reply_of(lines)
        if reply is None:
            words = _clean(b" ".join(lines).decode("utf-8", "replace"))[:LONGEST_REPLY]
            raise _Broken("4.5.0", f"{self.route} answered {step} with what is no reply: {words}")
        return reply

    def _silent(self, step: str, timeout_s: float) -> _Broken:
        self.is_silent = True
        return _Broken("4.4.2", f"{self.route} did not answer {step} within {timeout_s:g} s")

    def _lost(self, step: str, error: Exception) -> _Broken:
        # Lost after the final dot: the peer may have it. A duplicate beats a loss (RFC 1047).
        why = _clean(error.strerror or "") if isinstance(error, OSError) else ""
        words = f"{self.route} closed the connection at {step}"
        return _Broken("4.4.2", f"{words}: {why}" if why else words)

    def _failed(self, status: str, words: str) -> Outcome:
        return Outcome(Result.FAILED, words, status, self.route.name)

    def _outcome(self, reply: Reply, *, may_be_positive: bool = True) -> Outcome:
        """What a reply means; one that does not fit its command is temporary."""
        if reply.is_positive and may_be_positive:
            return Outcome(Result.DELIVERED, str(reply), reply.status, self.route.name)
        if reply.code // 100 == 5:
            return Outcome(Result.FAILED, str(reply), reply.status, self.route.name)
        status = reply.status if reply.status.startswith("4") else "4.5.0"
        return Outcome(Result.DEFERRED, str(reply), status, self.route.name)


def _extensions(lines: Sequence[bytes]) -> dict[str, str]:
    """The keywords of an EHLO reply, with their parameters; the first line is a greeting."""
    extensions: dict[str, str] = {}
    for line in lines[1:]:
        keyword, _, parameters = line[4:].decode("ascii", "replace").strip().partition(" ")
        extensions[keyword.upper()] = parameters.strip()
    return extensions


def _is_sendable(address: str) -> bool:
    """Whether an address fits into a command without ending it."""
    return address.isprintable() and not any(sign in address for sign in "<>")


def _clean(text: str) -> str:
    """The text on one line: control and direction characters become blanks."""
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()
