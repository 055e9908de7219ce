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
import heapq
import logging
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import Error

from mailqueue import refusals
from mailqueue.models import Message
from relay.database import in_database
from relay.intake import QUEUE_FULL_NOW, Handover, Intake
from relay.server import LONGEST_ARGUMENTS, RAW_LIMIT, VERB, lengths, unpacked

MODE = 0o3733
FILE_MODE = 0o640
# How often to look, in seconds.
EVERY_S = 2.0
# The same while the relay can take nothing, at most.
LONGEST_PAUSE_S = 16.0
# How long a file waits at most whose account has no room for it. Others do not wait.
LONGEST_WAIT = timedelta(minutes=15)
# Files handed over at once: they share commits, and memory.
AT_ONCE = 32
MOST_AT_ONCE = 32 * 1024 * 1024
MOST_PER_SCAN = 100_000
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
    is_right = stat.S_IMODE(found.st_mode) == MODE and found.st_gid == os.getegid()
    if found.st_uid == os.geteuid() and not is_right:
        os.chown(folder, -1, os.getegid())
        os.chmod(folder, MODE)


def read(folder: int, name: str, now: datetime) -> Handover | Unfit:
    """The message in the file `name` of the open folder, as far as the file is to be trusted.

    Never creates, never follows a link, never waits for a writer.
    """
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        return _unopened(folder, name, now, error)
    try:
        return _of_open(file, os.fstat(folder).st_gid, name, now)
    finally:
        os.close(file)


def _of_open(file: int, group: int, name: str, now: datetime) -> Handover | Unfit:
    found = os.fstat(file)
    if (unfit := _distrusted(found, group)) is not None:
        return unfit
    partly = Unfit("it is not complete", found.st_uid, is_final=_is_given_up(found, now))
    if stat.S_IMODE(found.st_mode) != FILE_MODE:
        # Its writer sets the mode first of all.
        return partly
    malformed = Unfit("it is malformed", found.st_uid)
    line, end, _ = os.read(file, LONGEST_HEAD).partition(b"\r\n")
    if not end:
        return partly if found.st_size < LONGEST_HEAD else malformed
    verb, _, argument = line.decode("ascii", "replace").partition(" ")
    sizes = lengths(argument)
    if verb != VERB or sizes is None:
        return malformed
    if sizes[0] > LONGEST_ARGUMENTS or sizes[1] > RAW_LIMIT:
        return Unfit("it is too large", found.st_uid)
    begin = len(line) + len(end)
    if found.st_size < begin + sum(sizes):
        return partly
    os.lseek(file, begin, os.SEEK_SET)
    packed, message = _exactly(file, sizes[0]), _exactly(file, sizes[1])
    fields = unpacked(packed)
    is_whole = found.st_size == begin + sum(sizes) and len(message) == sizes[1]
    if fields is None or not is_whole or fields[0] != name:
        return malformed
    number, cwd, words = fields
    return Handover(found.st_uid, words, message, Message.Origin.MAILDROP, number, cwd)


def _unopened(folder: int, name: str, now: datetime, error: OSError) -> Unfit:
    """What a file is that could not be opened: no fault of ours may set mail aside."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:  # gone: its writer could not finish it
        return Unfit("it cannot be looked at", is_final=False)
    if not stat.S_ISREG(found.st_mode):
        return Unfit("it is no regular file", found.st_uid)
    # Under a strict umask its writer has yet to set the mode.
    is_final = isinstance(error, PermissionError) and _is_given_up(found, now)
    return Unfit(f"it cannot be opened: {error.strerror}", found.st_uid, is_final)


def _is_given_up(found: os.stat_result, now: datetime) -> bool:
    # By ctime: its owner can set mtime to anything, the year 300,000 too.
    return now.timestamp() - found.st_ctime > UNFINISHED_FOR.total_seconds()


@dataclass(frozen=True, slots=True)
class _Later:
    """That a file waits for room in its account's queue, and until when."""

    until: datetime
    wait: timedelta

    def is_due(self, now: datetime) -> bool:
        """Whether it may be tried; a clock that was set back makes nothing wait longer."""
        return not now < self.until <= now + self.wait


class Maildrop:
    """Takes what lies in the folder, again and again."""

    def __init__(
        self, folder: Path, refused: Path, intake: Intake, clock: Callable[[], datetime]
    ) -> None:
        self._folder = folder
        self._refused = refused
        self._intake = intake
        self._clock = clock
        # What cannot even be set aside: a folder that somebody else has filled.
        self._stuck: set[str] = set()
        self._later: dict[str, _Later] = {}
        # Whether anything stayed that stops all others too.
        self.is_put_off = False

    async def watch(self) -> None:
        """Look every few seconds, less often while nothing can be taken, until cancelled."""
        pause = EVERY_S
        while True:
            try:
                await self.take_all()
            except Exception:
                # Nothing that anybody puts here may end the watch.
                logger.exception("maildrop=%s look=failed", self._folder)
            pause = min(pause * 2, LONGEST_PAUSE_S) if self.is_put_off else EVERY_S
            await asyncio.sleep(pause)

    async def take_all(self) -> int:
        """Take what is complete; return how many files were taken or set aside."""
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            done = 0
            self.is_put_off = False
            files = await asyncio.to_thread(_files, self._folder)
            for names in _parts(self._fresh(files)):
                # All of them end before the folder is closed.
                done += sum(await asyncio.gather(*(self._take(folder, name) for name in names)))
            return done
        finally:
            os.close(folder)

    def _fresh(self, files: list[tuple[str, int]]) -> list[tuple[str, int]]:
        """Those that are to be tried now."""
        there = {name for name, _ in files}
        self._stuck &= there
        self._later = {name: later for name, later in self._later.items() if name in there}
        now = self._clock()
        waiting = {name for name, later in self._later.items() if not later.is_due(now)}
        passed = self._stuck | waiting
        return [file for file in files if file[0] not in passed]

    async def _take(self, folder: int, name: str) -> bool:
        try:
            return await self._deal_with(folder, name)
        except Exception:
            # Whatever it is, it must not stand in the way of the others.
            logger.exception("maildrop=%r look=failed", name)
            return False

    async def _deal_with(self, folder: int, name: str) -> bool:
        handover = read(folder, name, self._clock())
        if isinstance(handover, Unfit):
            return handover.is_final and await self._set_aside(folder, name, handover)
        answer = await self._intake.hand_over(handover)
        # A full hold quota, or a nearly full disk, may have room later: nothing here is lost.
        if answer is QUEUE_FULL_NOW:
            self._put_off(name)
            return False
        if answer.is_temporary:
            self.is_put_off = True
            return False
        if answer.code != 250:
            return await self._set_aside(folder, name, Unfit(answer.text, handover.uid))
        try:
            os.unlink(name, dir_fd=folder)
        except FileNotFoundError:
            pass
        except OSError as error:
            # It was taken, and its number makes sure that it is not taken again.
            self._give_up(name, error)
        return True

    def _put_off(self, name: str) -> None:
        """Let a file wait twice as long as before: reading it again and again costs the others."""
        known = self._later.get(name)
        wait = min(known.wait * 2, LONGEST_WAIT) if known else timedelta(seconds=2 * EVERY_S)
        self._later[name] = _Later(self._clock() + wait, wait)

    async def _set_aside(self, folder: int, name: str, unfit: Unfit) -> bool:
        """Keep what was refused where administrators find it. Return whether that was done."""
        self._refused.mkdir(mode=0o700, exist_ok=True)
        now = self._clock()
        kept = f"{now:%Y%m%dT%H%M%SZ}-{os.urandom(4).hex()}"
        try:
            os.rename(name, self._refused / kept, src_dir_fd=folder)
        except OSError as error:
            self._give_up(name, error)
            return False
        try:
            await in_database(refusals.note, kept, unfit.uid, unfit.reason, now)
        except Error as error:
            logger.warning("maildrop=%r noted=no error=%r", name, str(error))
            os.rename(self._refused / kept, name, dst_dir_fd=folder)
            self.is_put_off = True
            return False
        logger.warning("maildrop=%r uid=%s refused=%r kept=%s", name, unfit.uid, unfit.reason, kept)
        return True

    def _give_up(self, name: str, error: OSError) -> None:
        logger.warning("maildrop=%r stuck=yes error=%r", name, str(error))
        self._stuck.add(name)


def _files(folder: Path) -> list[tuple[str, int]]:
    """Names and sizes, the oldest first; bounded, whoever fills the folder."""

    def entries() -> Iterator[tuple[float, str, int]]:
        with os.scandir(folder) as found:
            for entry in found:
                with contextlib.suppress(FileNotFoundError):
                    state = entry.stat(follow_symlinks=False)
                    yield state.st_ctime, entry.name, state.st_size

    return [(name, size) for _, name, size in heapq.nsmallest(MOST_PER_SCAN, entries())]


def _parts(files: Iterable[tuple[str, int]]) -> Iterator[list[str]]:
    """Names in parts whose files fit into memory together."""
    part: list[str] = []
    together = 0
    for name, size in files:
        if part and (len(part) == AT_ONCE or together + size > MOST_AT_ONCE):
            yield part
            part, together = [], 0
        part.append(name)
        together += size
    if part:
        yield part


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
