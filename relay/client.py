"""One SMTP conversation: messages in, outcomes out.

Owns the transactions with the other side: extensions, pipelining, and what each reply means. The
way to it is for `dialing`, its beginning for `greeting`, reading and time-outs for `wire`; how many
at once and what is written down is for `delivery`.

Nothing that a peer does raises: each recipient gets an `Outcome`. What we do not recognise is
temporary, and so is every trouble of the connection: only a reply that begins with 5, about this
sender, recipient or content, is permanent.

Replies come from strangers. They are read up to a bound, and kept without control characters.

Note: 8-bit content goes out as it is to a server that does not announce 8BITMIME; nearly all take
it, and re-encoding would break signatures (Exim and qmail do the same).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mailqueue.outcomes import Outcome, Result
from relay import dialing, greeting
from relay.dialing import Closed, Door
from relay.domains import a_label_address
from relay.replies import Reply, clean
from relay.routes import Login, Route
from relay.wire import LONGEST_LINE, Broken, NoTls, Timeouts, Wire

__all__ = ["PATIENT", "Connection", "Envelope", "Timeouts", "connect", "dot_stuffed"]

PATIENT = Timeouts()
# Servers of a route that may answer and let us down, as Postfix has it (smtp_mx_session_limit).
MOST_HEARD = 2
# Bytes handed to the connection at once.
BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message for some recipients of one server; `content` as `queue.content_of` has it."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


def dot_stuffed(content: bytes) -> bytes:
    """The content as DATA sends it, up to and with the final dot (RFC 5321 §4.5.2)."""
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    return (b"." if stuffed.startswith(b".") else b"") + stuffed + b".\r\n"


async def connect(route: Route, name: str, timeouts: Timeouts = PATIENT) -> "Connection | Outcome":
    """Open a conversation, in which we are called `name`; or say why that cannot be done now.

    The servers of the route are tried in their order, until one greets us, gives the TLS that is
    demanded and, where there is a login, takes it. Where TLS is only welcome and its handshake
    fails, the same server is tried again in the clear. The outcome is always temporary: no message
    is to blame.
    """
    doors = dialing.doors(route)
    trouble = Outcome(Result.DEFERRED, f"{route.name} has no server", "4.4.4", route.name)
    heard = 0
    for number, door in enumerate(doors, start=1):
        wait_s = timeouts.connect_s
        if number < len(doors):
            wait_s = min(wait_s, dialing.HASTE_S)
        try:
            return await _converse(door, route.login, name, timeouts, wait_s)
        except Closed as closed:
            if not heard:
                trouble = Outcome(Result.DEFERRED, clean(str(closed)), "4.4.1", door.name)
        except Broken as broken:
            # Who answered tells more than who did not.
            heard += 1
            trouble = Outcome(Result.DEFERRED, broken.words, broken.status, door.name)
            if heard == MOST_HEARD:
                break
    return trouble


async def _converse(
    door: Door, login: Login | None, name: str, timeouts: Timeouts, wait_s: float
) -> "Connection":
    """A conversation after its greeting. Raises Closed or Broken."""
    try:
        return await _begin(door, login, name, timeouts, wait_s, has_tls=True)
    except NoTls:
        if door.tls.is_demanded:
            raise
    return await _begin(door, login, name, timeouts, wait_s, has_tls=False)


async def _begin(
    door: Door, login: Login | None, name: str, timeouts: Timeouts, wait_s: float, *, has_tls: bool
) -> "Connection":
    streams = await dialing.enter(door, wait_s, LONGEST_LINE)
    wire = Wire(door, *streams, timeouts)
    try:
        return Connection(wire, await greeting.introduce(wire, name, login, has_tls=has_tls))
    except BaseException:
        wire.abort()
        raise


class Connection:
    """A conversation after its greeting; made by `connect`, used by one task at a time."""

    def __init__(self, wire: Wire, extensions: Mapping[str, str]) -> None:
        # Messages that got as far as an answer here.
        self.messages = 0
        # False: it is closed, or must be.
        self.is_usable = True
        # The whole message may be with the peer, and its answer is not with us yet.
        self.is_past_dot = False
        # The peer had closed it, or did so at MAIL FROM, after earlier messages: nobody saw this
        # one, so it is no try; a new connection may carry it at once.
        self.is_stale = False
        self._wire = wire
        self._timeouts = wire.timeouts
        self._extensions = extensions
        self._needs_reset = False

    @property
    def is_silent(self) -> bool:
        """It was closed because the peer let a time-out pass."""
        return self._wire.is_silent

    @property
    def door(self) -> Door:
        """The address of the server that we speak with."""
        return self._wire.door

    @property
    def server(self) -> str:
        """The name of the server that we speak with."""
        return self._wire.door.name

    @property
    def tls(self) -> str:
        """What TLS there is, as the log has it: "none", or like "TLSv1.3" or "TLSv1.3-verified"."""
        return self._wire.tls

    async def deliver(self, envelope: Envelope) -> list[Outcome]:
        """Hand over one message; the outcomes stand in the order of the recipients."""
        outcomes = self._refused_here(envelope)
        wanted = [address for address in envelope.recipients if address not in outcomes]
        if wanted:
            try:
                await self._transact(envelope, wanted, outcomes)
                self.messages += 1
            except Broken as broken:
                self.abort()
                lost = self._made(Result.DEFERRED, broken.words, broken.status)
                for address in wanted:
                    outcomes.setdefault(address, lost)
            finally:
                self.is_past_dot = False
        return [outcomes[address] for address in envelope.recipients]

    def quit(self) -> None:
        """Say good-bye and close, without waiting for an answer."""
        if self.is_usable:
            self._wire.say(b"QUIT\r\n")
        self.is_usable = False
        self._wire.close()

    def abort(self) -> None:
        """Close at once: a message whose final dot was not sent is not the peer's."""
        self.is_usable = False
        self._wire.abort()

    def _refused_here(self, envelope: Envelope) -> dict[str, Outcome]:
        """What can be told without asking the peer: recipients that it cannot take."""
        limit = self._extensions.get("SIZE", "")
        size = len(envelope.content)
        sender = a_label_address(envelope.sender)
        refused: dict[str, Outcome] = {}
        for address in envelope.recipients:
            wanted = a_label_address(address)
            if not _is_sendable(wanted):
                refused[address] = self._failed("5.1.3", "the address cannot be sent by SMTP")
            elif not _is_sendable(sender):
                refused[address] = self._failed("5.1.7", "the sender cannot be sent by SMTP")
            elif not (wanted + sender).isascii() and "SMTPUTF8" not in self._extensions:
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
            *(f"RCPT TO:<{a_label_address(address)}>\r\n".encode() for address in wanted),
            b"DATA\r\n",
        ]
        is_pipelined = "PIPELINING" in self._extensions
        if is_pipelined:
            self._wire.say(b"".join(commands))
        say = iter(commands)

        async def ask(step: str, timeout_s: float) -> Reply:
            command = next(say)
            if not is_pipelined:
                self._wire.say(command)
            return await self._wire.reply(step, timeout_s)

        try:
            if reset and not (answer := await ask("RSET", self._timeouts.mail_s)).is_positive:
                raise Broken("4.5.0", str(answer))
            mail = await ask("MAIL FROM", self._timeouts.mail_s)
        except Broken:
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
            self._wire.say(b".\r\n")
            await self._wire.reply("the final dot", self._timeouts.final_s)
        else:
            await self._send(dot_stuffed(envelope.content))
            final = await self._wire.reply("the final dot", self._timeouts.final_s)
            outcomes |= dict.fromkeys(left, self._outcome(final))
            self._needs_reset = False

    def _mail(self, envelope: Envelope, wanted: Sequence[str]) -> bytes:
        sender = a_label_address(envelope.sender)
        command = f"MAIL FROM:<{sender}>"
        if "SIZE" in self._extensions:
            command += f" SIZE={len(envelope.content)}"
        if "8BITMIME" in self._extensions and not envelope.content.isascii():
            command += " BODY=8BITMIME"
        if not (sender + "".join(map(a_label_address, wanted))).isascii():
            command += " SMTPUTF8"
        return f"{command}\r\n".encode()

    async def _send(self, content: bytes) -> None:
        """Send the content with its final dot; the last block is the one that counts."""
        blocks = range(0, len(content), BLOCK)
        for start in blocks:
            self.is_past_dot = start == blocks[-1]
            self._wire.say(content[start : start + BLOCK])
            await self._wire.drain("the content", self._timeouts.block_s)

    def _failed(self, status: str, words: str) -> Outcome:
        return self._made(Result.FAILED, words, status)

    def _outcome(self, reply: Reply, *, may_be_positive: bool = True) -> Outcome:
        """What a reply means; one that does not fit its command is temporary."""
        if reply.is_positive and may_be_positive:
            return self._made(Result.DELIVERED, str(reply), reply.status)
        if reply.code // 100 == 5:
            return self._made(Result.FAILED, str(reply), reply.status)
        status = reply.status if reply.status.startswith("4") else "4.5.0"
        return self._made(Result.DEFERRED, str(reply), status)

    def _made(self, result: Result, words: str, status: str) -> Outcome:
        return Outcome(result, words, status, self.server, self.tls)


def _is_sendable(address: str) -> bool:
    """Whether an address fits into a command without ending it."""
    return address.isprintable() and not any(sign in address for sign in "<>")
