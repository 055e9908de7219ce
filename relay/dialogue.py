"""What all listeners share: SMTP as we speak it, the memory, and the last answers at a stop.

Owns connections as `server` and `submission` need them both, and MAIL, RCPT and DATA. Who the
caller is, the listeners say; what is decided about a message is for `intake`.
"""

import asyncio
import contextlib
import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Hashable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import AnyStr, ClassVar, cast

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings

from mailqueue import addresses
from mailqueue.models import Message
from relay.content import Content
from relay.identity import Caller
from relay.intake import EX_TEMPFAIL, MOST_RECIPIENTS, TOO_LARGE, Answer, Intake
from relay.paths import path_of

# Messages of all connections in memory at once, in bytes, before their copies.
MOST_BUFFERED = 128 * 1024 * 1024
# No one caller may have more than this of it.
MOST_BUFFERED_BY_ONE = MOST_BUFFERED // 4
# Who finds no room within this time, in seconds, keeps its message and hands it over later.
ROOM_WITHIN_S = 3.0
# Between two commands, in seconds.
IDLE_S = 300.0
# Who was hung up on and does not read what it was told is cut off after this time.
LINGER_S = 5.0
# How long a stop waits for messages that are being read or committed.
LAST_ANSWERS_S = 5.0
# Who goes on sending after this many bytes of DATA is not read to its end.
MOST_DATA = 2 * settings.MESSAGE_SIZE_LIMIT
# What is read at once.
PIECE = 512 * 1024
# What a message has of the memory beyond what came: who sends byte by byte takes up little.
AHEAD = 32 * 1024
MOST_UNKNOWN = 10
LONGEST_SIZE = 20  # RFC 1870 §3

NO_ROOM = Answer(451, "4.3.1", EX_TEMPFAIL, "the relay has too much to read now")

logger = logging.getLogger("facteur.relay")


class NoRoom(Exception):
    """So much is being read that there is no memory for another message."""


class House:
    """What the connections of a listener share: the intake, the memory, the answers at a stop."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.open: set[Connection] = set()
        self._busy: set[Connection] = set()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._buffered: Counter[Hashable] = Counter()
        self._all_buffered = 0
        self._waiting_for_room: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def room_for(self, one: Hashable, size_bytes: int) -> AsyncIterator["Room"]:
        """Wait until a message of this size may be read into memory. Raises NoRoom.

        Each `one` has a share: callers that announce much and send nothing stop only their own.
        """
        room = Room(self, one)
        await room.grow(size_bytes)
        try:
            yield room
        finally:
            room.give_back()

    async def take_room(self, one: Hashable, size_bytes: int) -> None:
        """Wait until there are so many bytes of memory, and take them. Raises NoRoom."""
        if not self._has_room(one, size_bytes):
            try:
                async with asyncio.timeout(ROOM_WITHIN_S):
                    while not self._has_room(one, size_bytes):
                        room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                        self._waiting_for_room.append(room)
                        await room
            except TimeoutError:
                raise NoRoom from None
        self._buffered[one] += size_bytes
        self._all_buffered += size_bytes

    def give_back_room(self, one: Hashable, size_bytes: int) -> None:
        """Without waiting for anything: the caller's task may be cancelled at any moment."""
        self._all_buffered -= size_bytes
        self._buffered[one] -= size_bytes
        if not self._buffered[one]:
            del self._buffered[one]
        waiting, self._waiting_for_room = self._waiting_for_room, []
        for room in waiting:
            if not room.done():
                room.set_result(None)

    def _has_room(self, one: Hashable, size_bytes: int) -> bool:
        return (
            self._all_buffered + size_bytes <= MOST_BUFFERED
            and self._buffered[one] + size_bytes <= MOST_BUFFERED_BY_ONE
        )

    @contextmanager
    def busy_with(self, connection: "Connection") -> Iterator[None]:
        """Note that a caller waits for its answer: a stop waits with it."""
        self._busy.add(connection)
        self._is_idle.clear()
        try:
            yield
        finally:
            self._busy.discard(connection)
            if not self._busy:
                self._is_idle.set()

    async def finish(self) -> None:
        """Answer what is under way, then hang up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_ANSWERS_S):
                await self._is_idle.wait()
        for connection in list(self.open):
            connection.hang_up()


class Room:
    """The memory that one message has."""

    def __init__(self, house: House, one: Hashable) -> None:
        self._house = house
        self._one = one
        self._size_bytes = 0

    async def grow(self, size_bytes: int) -> None:
        """Have room for so many bytes, waiting for it if need be. Raises NoRoom."""
        more = size_bytes - self._size_bytes
        if more > 0:
            await self._house.take_room(self._one, more)
            self._size_bytes = size_bytes

    def give_back(self) -> None:
        """Have none."""
        self._house.give_back_room(self._one, self._size_bytes)
        self._size_bytes = 0


class _NoHooks:
    """A handler for aiosmtpd that has nothing for it to look up: commands are methods here."""

    def __dir__(self) -> Iterable[str]:
        return ()


class Connection(SMTP):
    """One caller, whoever it is.

    aiosmtpd's own loop over commands, its address parser and its DATA by lines took most of the
    time of a message. What is here speaks the same; its rarer commands are as they were.
    """

    # By which way its messages come in, and what EHLO tells beside aiosmtpd's own words.
    origin: ClassVar[Message.Origin]
    extensions: ClassVar[tuple[str, ...]] = ("PIPELINING", "ENHANCEDSTATUSCODES")
    # The largest message it takes, in bytes.
    largest: ClassVar[int] = settings.MESSAGE_SIZE_LIMIT
    _commands: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        house: House,
        loop: asyncio.AbstractEventLoop,
        caller: Caller,
        idle_s: float = IDLE_S,
    ) -> None:
        self.house = house
        self.caller = caller
        self._unknown = 0
        # uvloop's transports are none of asyncio's classes, and do all the same.
        self._wire: asyncio.WriteTransport | None = None
        super().__init__(
            _NoHooks(),
            data_size_limit=self.largest,
            enable_SMTPUTF8=True,
            hostname=settings.HOSTNAME,
            ident="Facteur",
            timeout=idle_s,
            loop=loop,
        )

    @property
    def _envelope(self) -> Envelope:
        return cast("Envelope", self.envelope)

    @property
    @abstractmethod
    def payer(self) -> Hashable:
        """On whose share of the memory its messages are read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._wire = cast("asyncio.WriteTransport", transport)
        self.house.open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.house.open.discard(self)
        super().connection_lost(error)

    def eof_received(self) -> bool:
        # aiosmtpd would cancel a commit whose caller has only closed its sending side, or what
        # came just before that. So it is read like a line, and ends in `handle_exception`.
        self._reader.feed_eof()
        return True

    def __init_subclass__(cls) -> None:
        cls._commands = tuple(name for name in dir(cls) if name.startswith("smtp_"))

    def __dir__(self) -> Iterable[str]:
        # aiosmtpd goes through all there is, three times for each connection, to find these.
        return self._commands

    async def push(self, status: AnyStr) -> None:
        """Say a line, unless we hung up; wait only for who does not read what it is told."""
        if self.transport is None:
            return
        line = status.encode() if isinstance(status, str) else status
        self._writer.write(line + b"\r\n")
        if self._paused:  # type: ignore[attr-defined]
            await self._writer.drain()

    async def _handle_client(self) -> None:
        """Obey commands, one after the other, until somebody hangs up."""
        # Who went away hears nothing more. The end of what the caller sends is no fault, and needs
        # no answer: what was said before has been answered.
        try:
            await self.push(f"220 {self.hostname} {self.__ident__}")
            while self.transport is not None:
                await self._obey(await self._next_line())
        except asyncio.IncompleteReadError:
            self.hang_up()
        except ConnectionError:
            self._writer.close()

    async def _next_line(self) -> bytes | None:
        """The next command without its line end; None if it was too long."""
        try:
            return (await self._reader.readuntil()).rstrip(b"\r\n")
        except asyncio.LimitOverrunError as error:
            overrun = error.consumed
        while True:
            await self._reader.read(overrun)
            try:
                await self._reader.readuntil()
            except asyncio.LimitOverrunError as error:
                overrun = error.consumed
            else:
                return None

    async def _obey(self, line: bytes | None) -> None:
        if line is None:
            await self.push("500 5.5.2 Command line too long")
            return
        word, _, rest = line.partition(b" ")
        name = word.upper().decode("ascii", "replace")
        command = self._smtp_methods.get(name)
        if command is None:
            await self._say_unknown()
            return
        self._reset_timeout()
        # So that what is no UTF-8 can be had again as it came.
        argument = rest.strip().decode("utf-8", "surrogateescape") or None
        try:
            await command(argument)
        except (asyncio.IncompleteReadError, ConnectionError):
            raise
        except Exception:
            logger.exception("connection=broken")
            await self.push("451 4.3.0 exit=75 the relay has a fault of its own")

    async def _say_unknown(self) -> None:
        self._unknown += 1
        if self._unknown < MOST_UNKNOWN:
            await self.push("500 5.5.1 Unknown command")
        else:
            await self.push("421 4.7.0 Too many unknown commands")
            self.hang_up()

    def hang_up(self) -> None:
        """Close without a word, and wait but a moment until the other side has read the last.

        aiosmtpd's loop over commands ends with it.
        """
        if self.transport is not None:
            self.transport.close()
            self.transport = None
            self._reset_timeout(LINGER_S)

    def abort(self) -> None:
        """Cut off at once."""
        self.transport = None
        if self._wire is not None:
            self._wire.abort()

    def _timeout_cb(self) -> None:
        # To close would wait until the other side has read what we said; it may never.
        self.abort()

    async def smtp_EHLO(self, name: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Say what can be asked of us."""
        if not name:
            await self.push("501 5.5.4 EHLO takes the name of a host")
            return
        self._set_rset_state()  # type: ignore[no-untyped-call]
        session = cast("Session", self.session)
        session.extended_smtp = True
        session.host_name = name
        offers = [self.hostname, f"SIZE {self.largest}", "8BITMIME", "SMTPUTF8"]
        if self.tls_context is not None:
            offers.append("STARTTLS")
        if not self._auth_require_tls:
            offers.append("AUTH LOGIN PLAIN")
        offers += self.extensions
        lines = [f"250-{offer}\r\n" for offer in offers]
        await self.push("".join(lines) + "250 HELP")

    async def smtp_MAIL(self, argument: str | None) -> None:  # noqa: N802
        """Take the sender of a message, who may be nobody."""
        if await self.check_helo_needed() or await self.check_auth_needed("MAIL"):
            return
        envelope = self._envelope
        path = path_of(argument, "FROM")
        if envelope.mail_from is not None:
            await self.push("503 5.5.1 There is a sender already")
        elif path is None:
            await self.push("501 5.5.4 MAIL FROM:<address> and parameters that were offered")
        elif refusal := self._refused(path.parameters):
            await self.push(refusal)
        elif _exceeds(path.parameters.get("SIZE", ""), self.largest):
            await self._refuse_size()
        else:
            sender = addresses.envelope_address(_raw(path.address), settings.HOSTNAME)
            if path.address and isinstance(sender, addresses.BadAddress):
                await self.push("553 5.1.7 The address of the sender is malformed")
                return
            envelope.mail_from = str(sender) if path.address else ""
            await self.push("250 2.1.0 Sender taken")

    def _refused(self, parameters: Mapping[str, str]) -> str:
        """Why these parameters of MAIL cannot be met; empty if they can."""
        for name, value in parameters.items():
            if name == "SIZE" and value.isascii() and value.isdigit():
                continue
            if name == "BODY":
                if value.upper() not in {"7BIT", "8BITMIME"}:
                    return "501 5.5.4 BODY is 7BIT or 8BITMIME"
            elif name != "SMTPUTF8" or value:
                return "555 5.5.4 There is no such parameter"
        return ""

    async def smtp_RCPT(self, argument: str | None) -> None:  # noqa: N802
        """Take a recipient of a message."""
        if await self.check_helo_needed() or await self.check_auth_needed("RCPT"):
            return
        envelope = self._envelope
        path = path_of(argument, "TO")
        if envelope.mail_from is None:
            await self.push("503 5.5.1 Say MAIL first")
        elif path is None:
            await self.push("501 5.5.4 RCPT TO:<address>")
        elif path.parameters:
            await self.push("555 5.5.4 There is no such parameter")
        else:
            await self.push(self._take_recipient(path.address))

    def _take_recipient(self, written: str) -> str:
        """Add a recipient to the envelope, if it can be one; the reply."""
        envelope = self._envelope
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        recipient = addresses.envelope_address(_raw(written), settings.HOSTNAME)
        if isinstance(recipient, addresses.BadAddress):
            return "553 5.1.3 The address of the recipient is malformed"
        envelope.rcpt_tos.append(recipient)
        return "250 2.1.5 Recipient taken"

    async def smtp_DATA(self, argument: str | None) -> None:  # noqa: N802
        """Take a message; the memory for it grows as it comes."""
        if await self.check_helo_needed() or await self.check_auth_needed("DATA"):
            return
        if argument:
            await self.push("501 5.5.4 DATA takes no argument")
        elif not self._envelope.rcpt_tos:
            await self.push("503 5.5.1 Say RCPT first")
        else:
            with self.house.busy_with(self):
                await self._take_content()

    async def smtp_HELP(self, argument: str | None) -> None:  # noqa: N802
        """Name the book."""
        await self.push("214 2.0.0 See RFC 5321")

    async def smtp_QUIT(self, argument: str | None) -> None:  # noqa: N802
        """Part."""
        if argument:
            await self.push("501 5.5.4 QUIT takes no argument")
        else:
            await self.push("221 2.0.0 Bye")
            self.hang_up()

    async def _take_content(self) -> None:
        content = Content(self.largest)
        try:
            async with self.house.room_for(self.payer, AHEAD) as room:
                await self.push("354 End with a line that has but a dot")
                await self._read(content, room)
                if self.transport is not None:
                    self.stop_the_clock()
                    await self._answer(content)
        except NoRoom:
            await self.say(NO_ROOM)
        finally:
            self._set_post_data_state()  # type: ignore[no-untyped-call]
            if self.transport is not None:
                self._reset_timeout()

    async def _read(self, content: Content, room: Room) -> None:
        """Read a message to its end. Raises NoRoom, at its end, if there was none for it."""
        has_room = True
        while (rest := content.feed(await self._piece())) is None:
            if content.size_bytes > MOST_DATA:
                await self._refuse_size()
                self.hang_up()
                return
            if has_room and not content.is_too_large:
                try:
                    await room.grow(content.size_bytes + AHEAD)
                except NoRoom:
                    has_room = False
                    content.drop()
            if content.is_too_large:
                # Nothing of it is kept: others may have its room until it ends.
                room.give_back()
        # Commands that were sent ahead. Even after the end of what the caller sends: `feed_data`
        # would not have them.
        self._reader._buffer[:0] = rest  # type: ignore[attr-defined]
        if not has_room:
            raise NoRoom

    async def _piece(self) -> bytes:
        # All that the reader has: it never keeps so much.
        piece = await self._reader.read(PIECE)
        if not piece:
            raise asyncio.IncompleteReadError(b"", None)
        return piece

    async def _answer(self, content: Content) -> None:
        envelope = self._envelope
        if content.is_too_large:
            await self._refuse_size()
            return
        answer = await self.house.intake.take_smtp(
            self.caller,
            envelope.mail_from or "",
            envelope.rcpt_tos,
            content.whole(),
            self.origin,
        )
        await self.push(f"{answer.code} {answer.status} {answer.text}")

    async def _refuse_size(self) -> None:
        # The page of the account tells of it, though nothing was read.
        self.house.intake.note_refusal(self.caller, TOO_LARGE, self.origin)
        await self.push(f"{TOO_LARGE.code} {TOO_LARGE.status} {TOO_LARGE.text}")

    def stop_the_clock(self) -> None:
        """What was said is whole: how long the answer takes is not the caller's fault."""
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()

    async def say(self, answer: Answer) -> None:
        """Give an answer with its exit code."""
        for line in answer.lines:
            await self.push(f"{answer.code}-{line}")
        await self.push(f"{answer.code} {answer.status} exit={answer.exit_code} {answer.text}")


def _exceeds(size: str, limit: int) -> bool:
    """Whether a SIZE of digits is over a limit."""
    return len(size) > LONGEST_SIZE or int(size or 0) > limit


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
