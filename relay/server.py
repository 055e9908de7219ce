"""The relay's listener on the Unix socket: SMTP, and the verb of our sendmail command.

    XSENDMAIL <bytes of arguments> <bytes of message>

is followed by that many bytes, read by length and not by line: the arguments (see `unpacked`), then
standard input as it came. The reply says the caller's exit code: `250 2.0.0 exit=0 <queue id>`;
lines before it, `250-<text>`, are for the caller's standard output. Our command sends all of it at
once, without waiting for the greeting. With `-bs` it says `XTOKEN <token>` first, if it has one.

Owns the socket and the verb; `dialogue` has what all listeners share, and what is decided about a
message is for `intake`. The same socket speaks plain SMTP, for `sendmail -bs`.
"""

import asyncio
import contextlib
import fcntl
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from django.conf import settings

from mailqueue.models import Message
from relay import identity
from relay.dialogue import NO_ROOM, Connection, House, NoRoom
from relay.identity import Caller
from relay.intake import TOO_LARGE, Answer, Handover, Intake

VERB = "XSENDMAIL"
BACKLOG = 1024
LONGEST_ARGUMENTS = 1024 * 1024
# Beyond this a length is no mistake of size: the connection is closed, not read to its end.
ABSURD_LENGTH = 256 * 1024 * 1024
BLOCK = 65_536
# What may come in over the limit, for line ends count as two bytes and come as one, or as three.
RAW_LIMIT = settings.MESSAGE_SIZE_LIMIT * 3 // 2
# A message comes as fast as its sender can write; memory is kept for it until then, in seconds.
READ_WITHIN_S = 60.0


class AlreadyRunning(Exception):
    """Another relay has the socket."""


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


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """The Unix socket `path` while the block runs. Connections wait until somebody accepts them.

    Raises AlreadyRunning if another relay listens there, OSError if it cannot be made.
    """
    with _only_one(path), socket.socket(socket.AF_UNIX) as wire:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)  # left by a relay that was killed
        wire.bind(os.fspath(path))
        # Every user's scripts connect; the kernel tells who they are.
        os.chmod(path, 0o666)  # noqa: S103
        wire.listen(BACKLOG)
        wire.setblocking(False)
        try:
            yield wire
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


@asynccontextmanager
async def serve(wire: socket.socket, intake: Intake) -> AsyncIterator[None]:
    """Accept at a listening socket while the block runs, then answer what is under way."""
    house = House(intake)
    loop = asyncio.get_running_loop()
    server = await loop.create_unix_server(
        lambda: _Connection(house, loop), sock=wire, backlog=BACKLOG
    )
    try:
        yield
    finally:
        server.close()
        await house.finish()
        await intake.finish()


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


class _Connection(Connection):
    """One caller."""

    origin = Message.Origin.SOCKET
    extensions = (*Connection.extensions, VERB)

    def __init__(self, house: House, loop: asyncio.AbstractEventLoop) -> None:
        self.uid = -1
        super().__init__(house, loop, Caller(-1))

    @property
    def payer(self) -> int:
        """The Unix user."""
        return self.uid

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.uid = identity.peer_uid(transport.get_extra_info("socket"))
        self.caller = Caller(self.uid)
        super().connection_made(transport)

    async def smtp_XSENDMAIL(self, argument: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Take arguments and a message by their lengths."""
        sizes = lengths(argument)
        if sizes is None or max(sizes) > ABSURD_LENGTH:
            await self.say(Answer(501, "5.5.4", 64, "XSENDMAIL takes two lengths"))
            self.hang_up()
            return
        with self.house.busy_with(self):
            try:
                await self.say(await self._take(*sizes))
            except NoRoom:
                # Its message is not read: what it goes on to send is no command.
                await self.say(NO_ROOM)
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
        async with self.house.room_for(self.uid, kept_size):
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
            intake = self.house.intake
            # Its arguments are read all the same: they may tell whose page shows that it was.
            call = (
                intake.refuse(handover, TOO_LARGE) if is_too_large else intake.hand_over(handover)
            )
            # Who reads the message lets it go before the commit, and so do we.
            del message, handover
            return await call

    async def smtp_XTOKEN(self, argument: str | None) -> None:  # noqa: N802 - aiosmtpd's name
        """Take the token of `sendmail -bs`, without a word.

        Our command says it before its own caller's first words, who waits for no answer to it. A
        token that does not count is refused with the message. Only the first is heard.
        """
        if self.caller.token is None:
            self.caller = identity.caller(self.uid, (argument or "").encode())

    async def _drain(self, size_bytes: int) -> None:
        while size_bytes > 0:
            block = await self._reader.read(min(size_bytes, BLOCK))
            if not block:
                raise asyncio.IncompleteReadError(b"", size_bytes)
            size_bytes -= len(block)
