"""The relay's listener on the Unix socket: SMTP, and the verb of our sendmail command.

    XSENDMAIL <bytes of arguments> <bytes of message>

is followed by that many bytes, read by length and not by line: the arguments (see `unpacked`), then
standard input as it came. The reply says the caller's exit code: `250 2.0.0 exit=0 <queue id>`;
lines before it, `250-<text>`, are for the caller's standard output. Our command sends all of it at
once, without waiting for the greeting. With `-bs` it says `XTOKEN <token>` first, if it has one.

Owns connections, lengths and memory; what is decided about a message is for `intake`. The same
socket speaks plain SMTP, for `sendmail -bs`.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import AnyStr

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.conf import settings

from mailqueue.models import Message
from relay import addresses, identity
from relay.identity import Caller
from relay.intake import EX_TEMPFAIL, MOST_RECIPIENTS, TOO_LARGE, Answer, Handover, Intake

VERB = "XSENDMAIL"
NOBODY = "<>"  # the null sender, as aiosmtpd has it
BACKLOG = 1024
LONGEST_ARGUMENTS = 1024 * 1024
# Beyond this a length is no mistake of size: the connection is closed, not read to its end.
ABSURD_LENGTH = 256 * 1024 * 1024
BLOCK = 65_536
# Messages of all connections in memory at once, in bytes, before their copies.
MOST_BUFFERED = 128 * 1024 * 1024
# What may come in over the limit, for line ends count as two bytes and come as one, or as three.
RAW_LIMIT = settings.MESSAGE_SIZE_LIMIT * 3 // 2
# A message comes as fast as its sender can write; memory is kept for it until then, in seconds.
READ_WITHIN_S = 60.0
# No user's callers may have more than this of it.
MOST_BUFFERED_BY_USER = MOST_BUFFERED // 4
# Who finds no room within this time, in seconds, keeps its message and hands it over later.
ROOM_WITHIN_S = 3.0
# How long a stop waits for messages that are being read or committed.
LAST_ANSWERS_S = 5.0

NO_ROOM = Answer(451, "4.3.1", EX_TEMPFAIL, "the relay has too much to read now")

logger = logging.getLogger("facteur.relay")


class AlreadyRunning(Exception):
    """Another relay has the socket."""


class NoRoom(Exception):
    """So much is being read that there is no memory for another message."""


def unpacked(packed: bytes) -> tuple[str, bytes, tuple[bytes, ...]] | None:
    """Hand-over id, working directory and arguments from NUL-ended fields; None if they are not."""
    *fields, rest = packed.split(b"\0")
    if rest or len(fields) < 2:
        return None
    number = fields[0]
    if len(number) != 32 or not all(sign in b"0123456789abcdef" for sign in number):
        return None
    return number.decode("ascii"), fields[1], tuple(fields[2:])


def lengths(argument: str | None) -> tuple[int, int] | None:
    """The two lengths of the verb's line; None if they are not two numbers."""
    words = (argument or "").split()
    if len(words) != 2 or not all(word.isascii() and word.isdigit() for word in words):
        return None
    if any(len(word) > 15 for word in words):
        return None
    return int(words[0]), int(words[1])


@asynccontextmanager
async def serve(path: Path, intake: Intake) -> AsyncIterator[None]:
    """Listen on the Unix socket `path` while the block runs, then answer what is under way.

    Raises AlreadyRunning if another relay does, OSError if the socket cannot be made.
    """
    with _only_one(path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # left by a relay that was killed
        house = _House(intake)
        loop = asyncio.get_running_loop()
        server = await loop.create_unix_server(
            lambda: _Connection(house, loop), str(path), backlog=BACKLOG
        )
        # Every user's scripts connect; the kernel tells who they are.
        os.chmod(path, 0o666)  # noqa: S103
        try:
            yield
        finally:
            server.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            await house.finish()


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    """Hold the socket's folder: a second listener would silently take the path away.

    The folder itself is locked: no file is left behind. Others cannot hold it, for they may not
    read it (its mode is 0711).
    """
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise AlreadyRunning(f"Another relay already listens on {path}.") from None
    else:
        yield
    finally:
        os.close(folder)


class _House:
    """What the connections share: the intake, the memory, and who must be answered at a stop."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.open: set[_Connection] = set()
        self._busy: set[_Connection] = set()
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._buffered: Counter[int] = Counter()
        self._waiting_for_room: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def room_for(self, uid: int, size_bytes: int) -> AsyncIterator[None]:
        """Wait until a message of this size may be read into memory. Raises NoRoom.

        Each user has a share: callers that announce much and send nothing stop only their own.
        """
        try:
            async with asyncio.timeout(ROOM_WITHIN_S):
                while not self._has_room(uid, size_bytes):
                    room: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                    self._waiting_for_room.append(room)
                    await room
        except TimeoutError:
            raise NoRoom from None
        self._buffered[uid] += size_bytes
        try:
            yield
        finally:
            # Without waiting for anything: the caller's task may be cancelled at any moment.
            self._buffered[uid] -= size_bytes
            if not self._buffered[uid]:
                del self._buffered[uid]
            waiting, self._waiting_for_room = self._waiting_for_room, []
            for room in waiting:
                if not room.done():
                    room.set_result(None)

    def _has_room(self, uid: int, size_bytes: int) -> bool:
        return (
            self._buffered.total() + size_bytes <= MOST_BUFFERED
            and self._buffered[uid] + size_bytes <= MOST_BUFFERED_BY_USER
        )

    @contextmanager
    def busy_with(self, connection: "_Connection") -> Iterator[None]:
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
        await self.intake.finish()


class _Connection(SMTP):
    """One caller."""

    def __init__(self, house: _House, loop: asyncio.AbstractEventLoop) -> None:
        self._house = house
        self.uid = -1
        self.caller = Caller(-1)
        super().__init__(
            _Handler(house),
            data_size_limit=settings.MESSAGE_SIZE_LIMIT,
            enable_SMTPUTF8=True,
            hostname=settings.HOSTNAME,
            ident="Facteur",
            loop=loop,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.uid = identity.peer_uid(transport.get_extra_info("socket"))
        self.caller = Caller(self.uid)
        self._house.open.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._house.open.discard(self)
        super().connection_lost(error)

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

    async def smtp_XSENDMAIL(self, argument: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Take arguments and a message by their lengths."""
        sizes = lengths(argument)
        if sizes is None or max(sizes) > ABSURD_LENGTH:
            await self._say(Answer(501, "5.5.4", 64, "XSENDMAIL takes two lengths"))
            self.hang_up()
            return
        with self._house.busy_with(self):
            try:
                await self._say(await self._take(*sizes))
            except NoRoom:
                # Its message is not read: what it goes on to send is no command.
                await self._say(NO_ROOM)
                self.hang_up()
            except TimeoutError:
                # The caller fell asleep before its message was whole: without an answer it knows
                # that nothing was taken.
                self.hang_up()

    async def _take(self, arguments_size: int, message_size: int) -> Answer:
        if arguments_size > LONGEST_ARGUMENTS:
            async with asyncio.timeout(READ_WITHIN_S):
                await self._drain(arguments_size + message_size)
            return Answer(501, "5.5.4", 64, "the arguments are too long")
        is_too_large = message_size > RAW_LIMIT
        kept_size = arguments_size + (0 if is_too_large else message_size)
        async with self._house.room_for(self.uid, kept_size):
            async with asyncio.timeout(READ_WITHIN_S):
                packed = await self._reader.readexactly(arguments_size)
                if is_too_large:
                    await self._drain(message_size)
                    message = b""
                else:
                    message = await self._reader.readexactly(message_size)
            fields = unpacked(packed)
            if fields is None:
                return Answer(501, "5.5.4", 64, "the arguments are malformed")
            number, folder, words = fields
            handover = Handover(self.uid, words, message, Message.Origin.SOCKET, number, folder)
            intake = self._house.intake
            # Its arguments are read all the same: they may tell whose page shows that it was.
            if is_too_large:
                return await intake.refuse(handover, TOO_LARGE)
            return await intake.hand_over(handover)

    async def smtp_XTOKEN(self, argument: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Take the token of `sendmail -bs`, without a word.

        Our command says it before its own caller's first words, who waits for no answer to it. A
        token that does not count is refused with the message. Only the first is heard.
        """
        if self.caller.token is None:
            self.caller = identity.caller(self.uid, (argument or "").encode())

    async def smtp_DATA(self, argument: str) -> None:  # noqa: N802 - aiosmtpd's name
        """Take a message by lines, when there is room for the largest."""
        try:
            async with self._house.room_for(self.uid, settings.MESSAGE_SIZE_LIMIT):
                await super().smtp_DATA(argument)
        except NoRoom:
            await self._say(NO_ROOM)

    async def _drain(self, size_bytes: int) -> None:
        while size_bytes > 0:
            block = await self._reader.read(min(size_bytes, BLOCK))
            if not block:
                raise asyncio.IncompleteReadError(b"", size_bytes)
            size_bytes -= len(block)

    async def _say(self, answer: Answer) -> None:
        for line in answer.lines:
            await self.push(f"{answer.code}-{line}")
        await self.push(f"{answer.code} {answer.status} exit={answer.exit_code} {answer.text}")


class _Handler:
    """Plain SMTP on the same socket, by aiosmtpd's hooks."""

    def __init__(self, house: _House) -> None:
        self._house = house

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: _Connection, session: Session, envelope: Envelope, name: str, said: list[str]
    ) -> list[str]:
        session.host_name = name
        extensions = ("250-PIPELINING", "250-ENHANCEDSTATUSCODES", f"250-{VERB}")
        return [*said[:-1], *extensions, said[-1]]

    async def handle_MAIL(  # noqa: N802
        self,
        server: _Connection,
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
        server: _Connection,
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
        self, server: _Connection, session: Session, envelope: Envelope
    ) -> str:
        with self._house.busy_with(server):
            answer = await self._house.intake.take_smtp(
                server.caller,
                (envelope.mail_from or "").removeprefix(NOBODY),
                envelope.rcpt_tos,
                envelope.original_content or b"",
            )
        return f"{answer.code} {answer.status} {answer.text}"

    async def handle_exception(self, error: Exception) -> str:
        """What the caller hears when we are at fault: try again."""
        logger.error("connection=broken", exc_info=error)
        return "451 4.3.0 exit=75 the relay has a fault of its own"


def _address(text: str) -> str | addresses.BadAddress:
    raw = text.encode("utf-8", "surrogateescape")
    return addresses.envelope_address(raw, settings.HOSTNAME)
