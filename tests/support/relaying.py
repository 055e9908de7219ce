"""A relay inside the test process, on a socket, a maildrop and a sendmail command of its own."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from django.db import connections

from relay import installer, maildrop, server
from relay.database import in_database
from relay.dialogue import IDLE_S
from relay.intake import Intake

ID = "0123456789abcdef" * 2
NOBODY = 65_534


def packed(
    *arguments: bytes, message: bytes = b"", number: str = ID, folder: bytes = b"/srv"
) -> bytes:
    """What the command sends, and keeps in the maildrop."""
    fields = b"".join(word + b"\0" for word in (number.encode(), folder, *arguments))
    return b"XSENDMAIL %d %d\r\n" % (len(fields), len(message)) + fields + message


def as_nobody() -> list[str]:
    """A command in front that takes all rights away."""
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


class Relay:
    """Runs from `start` to `stop`; the folder is there before and after."""

    def __init__(self, folder: Path, idle_s: float = IDLE_S) -> None:
        self._idle_s = idle_s
        self.folder = folder
        self.socket = folder / "relay.sock"
        self.maildrop = folder / "maildrop"
        self.refused = folder / "refused"
        self.sendmail = folder / "sendmail"
        self._thread: threading.Thread | None = None
        maildrop.prepare(self.maildrop)
        installer.install(self.sendmail, self.socket, self.maildrop)

    def start(self) -> None:
        """Return when it listens."""
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(10)

    def stop(self) -> None:
        """Return when it has answered what was under way."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(20)
            self._thread = None

    def look(self) -> int:
        """Take what lies in the maildrop; how many files were dealt with."""
        return asyncio.run_coroutine_threadsafe(self._drop.take_all(), self._loop).result(30)

    def kept(self) -> list[str]:
        """The names in the maildrop."""
        return sorted(os.listdir(self.maildrop))

    def call(
        self,
        *arguments: str | bytes,
        message: bytes = b"",
        user: Sequence[str] = (),
        folder: Path | None = None,
    ) -> "subprocess.CompletedProcess[bytes]":
        """Call the command as a script does."""
        return subprocess.run(
            [*user, self.sendmail, *arguments],
            input=message,
            cwd=folder or self.folder,
            capture_output=True,
            timeout=60,
            check=False,
        )

    def connect(self) -> socket.socket:
        """A connection as another program has it."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(20)
        connection.connect(str(self.socket))
        return connection

    def say(self, words: bytes, *, lines: int = 2) -> list[bytes]:
        """Send all at once; the lines of the answer, with the greeting."""
        with self.connect() as connection:
            connection.sendall(words)
            return read_lines(connection, lines)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        intake = Intake(lambda: datetime.now(UTC))
        self._drop = maildrop.Maildrop(
            self.maildrop, self.refused, intake, lambda: datetime.now(UTC)
        )
        try:
            with server.listening(self.socket) as wire:
                async with server.serve(wire, intake, self._idle_s):
                    self._ready.set()
                    await self._stopping.wait()
        finally:
            await in_database(connections.close_all)


def read_lines(connection: socket.socket, lines: int) -> list[bytes]:
    """So many lines, or what there is until the other side hangs up."""
    read = b""
    while read.count(b"\n") < lines and (more := connection.recv(65_536)):
        read += more
    return read.splitlines()


@contextmanager
def relay(idle_s: float = IDLE_S) -> Iterator[Relay]:
    """A relay that runs. Its folder is one that other users can enter."""
    folder = Path(tempfile.mkdtemp(prefix="ft-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        new = Relay(folder, idle_s)
        new.start()
        try:
            yield new
        finally:
            new.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
