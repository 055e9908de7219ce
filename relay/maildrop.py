"""The maildrop: what the sendmail command kept while the relay was away.

Owns the folder and the decision whose file it is. Mode 3733: everybody may make a file, nobody else
can list the folder or remove what another made, and a new file gets the folder's group. So a
regular file with one link and that group was made here, by its owner: no file can be moved in under
another's name.

A file is complete when it has the lengths that it begins with. It is removed after the commit; its
number makes sure that it is kept once. What cannot be taken goes to `refused/`, for administrators.

Note: a group that a user shares with the relay would let that user bring files in; the folder's
group must have no members but the relay.
"""

import asyncio
import contextlib
import logging
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import Error

from mailqueue import refusals
from mailqueue.models import Message
from relay.database import in_database
from relay.intake import Handover, Intake
from relay.server import LONGEST_ARGUMENTS, RAW_LIMIT, VERB, lengths, unpacked

MODE = 0o3733
FILE_MODE = 0o640
# How often to look, in seconds.
EVERY_S = 2.0
# Files handed over at once: they share commits, and memory.
AT_ONCE = 8
MOST_PER_SCAN = 1000
# A writer that has not finished by then is dead; its caller was told that nothing was kept.
UNFINISHED_FOR = timedelta(hours=1)
LONGEST_HEAD = 64

logger = logging.getLogger("facteur.maildrop")


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a file is not taken; `is_final` unless its writer may still be at it."""

    reason: str
    uid: int | None = None
    is_final: bool = True


def prepare(folder: Path) -> None:
    """Make the folder with its mode and our own group. Raises OSError if that cannot be done."""
    folder.mkdir(exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(f"{folder} is no folder")
    if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) != MODE:
        os.chown(folder, -1, os.getegid())
        os.chmod(folder, MODE)


def read(folder: int, name: str, now: datetime) -> Handover | Unfit:
    """The message in the file `name` of the open folder, as far as the file is to be trusted.

    Never creates, never follows a link, never waits for a writer.
    """
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        return Unfit(f"it cannot be opened: {error.strerror}")
    with os.fdopen(file, "rb", buffering=0) as opened:
        found = os.fstat(file)
        if (unfit := _distrusted(found, os.fstat(folder).st_gid)) is not None:
            return unfit
        age = now - datetime.fromtimestamp(found.st_mtime, now.tzinfo)
        partly = Unfit("it is not complete", found.st_uid, is_final=age > UNFINISHED_FOR)
        if stat.S_IMODE(found.st_mode) != FILE_MODE:
            # Its writer sets the mode first of all.
            return partly
        head = opened.read(LONGEST_HEAD).partition(b"\r\n")[0]
        verb, _, argument = head.decode("ascii", "replace").partition(" ")
        sizes = lengths(argument)
        if verb != VERB or sizes is None:
            return (
                partly if found.st_size < LONGEST_HEAD else Unfit("it is no message", found.st_uid)
            )
        if sizes[0] > LONGEST_ARGUMENTS or sizes[1] > RAW_LIMIT:
            return Unfit("it is too large", found.st_uid)
        begin = len(head) + 2
        if found.st_size < begin + sum(sizes):
            return partly
        opened.seek(begin)
        packed, message = _exactly(opened.fileno(), sizes[0]), _exactly(opened.fileno(), sizes[1])
        fields = unpacked(packed)
        if fields is None or len(message) != sizes[1] or fields[0] != name:
            return Unfit("it is malformed", found.st_uid)
        number, cwd, words = fields
        return Handover(found.st_uid, words, message, Message.Origin.MAILDROP, number, cwd)


class Maildrop:
    """Takes what lies in the folder, again and again."""

    def __init__(
        self, folder: Path, refused: Path, intake: Intake, clock: Callable[[], datetime]
    ) -> None:
        self._folder = folder
        self._refused = refused
        self._intake = intake
        self._clock = clock

    async def watch(self) -> None:
        """Look every few seconds, until cancelled."""
        while True:
            try:
                await self.take_all()
            except OSError as error:
                logger.warning("maildrop=%s error=%r", self._folder, str(error))
            await asyncio.sleep(EVERY_S)

    async def take_all(self) -> int:
        """Take what is complete; return how many files were taken or set aside."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            done = 0
            names = list(_names(self._folder))
            for start in range(0, len(names), AT_ONCE):
                part = names[start : start + AT_ONCE]
                done += sum(await asyncio.gather(*(self._take(folder, name) for name in part)))
            return done
        finally:
            os.close(folder)

    async def _take(self, folder: int, name: str) -> bool:
        handover = read(folder, name, self._clock())
        if isinstance(handover, Unfit):
            if handover.is_final:
                await self._set_aside(folder, name, handover)
            return handover.is_final
        answer = await self._intake.hand_over(handover)
        # A nearly full disk, or a full hold quota, may have room later: nothing here is lost.
        if answer.is_temporary:
            return False
        if answer.code != 250:
            await self._set_aside(folder, name, Unfit(answer.text, handover.uid))
            return True
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=folder)
        return True

    async def _set_aside(self, folder: int, name: str, unfit: Unfit) -> None:
        """Keep what was refused where administrators find it."""
        logger.warning("maildrop=%r uid=%s refused=%r", name, unfit.uid, unfit.reason)
        self._refused.mkdir(mode=0o700, exist_ok=True)
        kept = f"{self._clock():%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"
        try:
            await in_database(refusals.note, kept, unfit.uid, unfit.reason, self._clock())
            os.rename(name, self._refused / kept, src_dir_fd=folder)
        except (OSError, Error) as error:
            logger.warning("maildrop=%r kept=no error=%r", name, str(error))


def _names(folder: Path) -> Iterator[str]:
    """The oldest names first, as far as one scan goes; bounded, whoever fills the folder."""
    found: list[tuple[float, str]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):
                found.append((entry.stat(follow_symlinks=False).st_mtime, entry.name))
            if len(found) >= MOST_PER_SCAN:
                break
    return (name for _, name in sorted(found))


def _distrusted(found: os.stat_result, group: int) -> Unfit | None:
    """Why a file cannot have been made here by its owner."""
    if not stat.S_ISREG(found.st_mode):
        return Unfit("it is no regular file", found.st_uid)
    if found.st_nlink != 1:
        return Unfit("it has another name elsewhere", found.st_uid)
    if found.st_gid != group:
        return Unfit("it was not made here", found.st_uid)
    return None


def _exactly(file: int, size: int) -> bytes:
    blocks: list[bytes] = []
    while size > 0 and (block := os.read(file, size)):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)
