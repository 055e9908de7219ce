"""What all listeners share: SMTP as we speak it, the memory, and the last answers at a stop.

Owns connections as `server` and `submission` need them both, and MAIL, RCPT and DATA. Who the
caller is, the listeners say; what is decided about a message is for `intake`.
"""

import asyncio
import contextlib
import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Hashable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import AnyStr, ClassVar

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings

from mailqueue.models import Message
from relay import addresses
from relay.identity import Caller
from relay.intake import EX_TEMPFAIL, MOST_RECIPIENTS, Answer, Intake

NOBODY = "<>"  # the null sender, as aiosmtpd has it
# Messages of all connections in memory at once, in bytes, before their copies.
MOST_BUFFERED = 128 * 1024 * 1024
# No one caller may have more than this of it.
MOST_BUFFERED_BY_ONE = MOST_BUFFERED // 4
# Who finds no room within this time, in seconds, keeps its message and hands it over later.
ROOM_WITHIN_S = 3.0
# How long a stop waits for messages that are being read or committed.
LAST_ANSWERS_S = 5.0
# Who goes on sending after this many bytes of DATA is not read to its end: aiosmtpd would keep
# every piece of a line that never ends.
MOST_DATA = 2 * settings.MESSAGE_SIZE_LIMIT

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
        self._waiting_for_room: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def room_for(self, one: Hashable, size_bytes: int) -> AsyncIterator[None]:
        """Wait until a message of this size may be read into memory. Raises NoRoom.

        Each `one` has a share: callers that announce much and send nothing stop only their own.
        """
        try:
            async with asyncio.timeout(ROOM_WITHIN_S):
                while not self._has_room(one, size_bytes):
                    room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiting_for_room.append(room)
                    await room
        except TimeoutError:
            raise NoRoom from None
        self._buffered[one] += size_bytes
        try:
            yield
        finally:
            # Without waiting for anything: the caller's task may be cancelled at any moment.
            self._buffered[one] -= size_bytes
            if not self._buffered[one]:
                del self._buffered[one]
            waiting, self._waiting_for_room = self._waiting_for_room, []
            for room in waiting:
                if not room.done():
                    room.set_result(None)

    def _has_room(self, one: Hashable, size_bytes: int) -> bool:
        return (
            self._buffered.total() + size_bytes <= MOST_BUFFERED
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


class Connection(SMTP):
    """One caller, whoever it is."""

    # By which way its messages come in, and what EHLO tells beside aiosmtpd's own words.
    origin: ClassVar[Message.Origin]
    extensions: ClassVar[tuple[str, ...]] = ("PIPELINING", "ENHANCEDSTATUSCODES")
    # The largest message it takes, in bytes.
    largest: ClassVar[int] = settings.MESSAGE_SIZE_LIMIT

    def __init__(
        self,
        house: House,
        loop: asyncio.AbstractEventLoop,
        caller: Caller,
        idle_s: float = 300.0,
    ) -> None:
        self.house = house
        self.caller = caller
        # How many bytes of DATA came so far; None outside of it.
        self._data_bytes: int | None = None
        super().__init__(
            self.handler(),
            data_size_limit=self.largest,
            enable_SMTPUTF8=True,
            hostname=settings.HOSTNAME,
            ident="Facteur",
            timeout=idle_s,
            loop=loop,
        )

    def handler(self) -> "Handler":
        """What answers its commands."""
        return Handler(self.house)

    @property
    @abstractmethod
    def payer(self) -> Hashable:
        """On whose share of the memory its messages are read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.house.open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.house.open.discard(self)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if self._data_bytes is not None:
            self._data_bytes += len(data)
            if self._data_bytes > MOST_DATA:
                self._data_bytes = None
                self._writer.write(b"552 5.3.4 the message is too large\r\n")
                self.hang_up()
                return
        super().data_received(data)

    def eof_received(self) -> bool:
        # aiosmtpd would cancel a commit whose caller has only closed its sending side, or what
        # came just before that. So it is read like a line, and ends in `handle_exception`.
        self._reader.feed_eof()
        return True

    async def handle_exception(self, error: Exception) -> str:
        """The end of what the caller sends is no fault, and needs no answer."""
        if isinstance(error, asyncio.IncompleteReadError):
            self.hang_up()
            return ""
        reply: str = await super().handle_exception(error)
        return reply

    async def push(self, status: AnyStr) -> None:
        """Say a line, unless we hung up."""
        if self.transport is not None:
            await super().push(status)

    async def _handle_client(self) -> None:
        # Who went away hears nothing more.
        with contextlib.suppress(ConnectionError):
            await super()._handle_client()

    def hang_up(self) -> None:
        """Close without a word; aiosmtpd's loop over commands ends with it."""
        if self.transport is not None:
            self.transport.close()
            self.transport = None

    async def smtp_DATA(self, argument: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Take a message by lines, when there is room for the largest."""
        try:
            async with self.house.room_for(self.payer, self.largest):
                with self.house.busy_with(self):
                    self._data_bytes = 0
                    await super().smtp_DATA(argument)
        except NoRoom:
            await self.say(NO_ROOM)
        finally:
            self._data_bytes = None
            if self.transport is not None:
                self._reset_timeout()

    def stop_the_clock(self) -> None:
        """What was said is whole: how long the answer takes is not the caller's fault."""
        self._data_bytes = None
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()

    async def say(self, answer: Answer) -> None:
        """Give an answer with its exit code."""
        for line in answer.lines:
            await self.push(f"{answer.code}-{line}")
        await self.push(f"{answer.code} {answer.status} exit={answer.exit_code} {answer.text}")


class Handler:
    """Plain SMTP, by aiosmtpd's hooks."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: Connection, session: Session, envelope: Envelope, name: str, said: list[str]
    ) -> list[str]:
        session.host_name = name
        return [*said[:-1], *(f"250-{word}" for word in server.extensions), said[-1]]

    async def handle_MAIL(  # noqa: N802
        self,
        server: Connection,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        if address in {"", NOBODY}:
            # aiosmtpd would take an empty one for none at all.
            envelope.mail_from = NOBODY
        else:
            sender = _address(address)
            if isinstance(sender, addresses.BadAddress):
                return "553 5.1.7 The address of the sender is malformed"
            envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender taken"

    async def handle_RCPT(  # noqa: N802
        self,
        server: Connection,
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        recipient = _address(address)
        if isinstance(recipient, addresses.BadAddress):
            return "553 5.1.3 The address of the recipient is malformed"
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        envelope.rcpt_tos.append(recipient)
        return "250 2.1.5 Recipient taken"

    async def handle_DATA(  # noqa: N802
        self, server: Connection, session: Session, envelope: Envelope
    ) -> str:
        server.stop_the_clock()
        answer = await self._house.intake.take_smtp(
            server.caller,
            (envelope.mail_from or "").removeprefix(NOBODY),
            envelope.rcpt_tos,
            envelope.original_content or b"",
            server.origin,
        )
        return f"{answer.code} {answer.status} {answer.text}"

    async def handle_exception(self, error: Exception) -> str:
        """What the caller hears when we are at fault: try again."""
        logger.error("connection=broken", exc_info=error)
        return "451 4.3.0 exit=75 the relay has a fault of its own"


def _address(text: str) -> str | addresses.BadAddress:
    raw = text.encode("utf-8", "surrogateescape")
    return addresses.envelope_address(raw, settings.HOSTNAME)
