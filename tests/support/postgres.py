"""A PostgreSQL cluster of our own for as long as a command runs.

    python -m tests.support.postgres python -m pytest tests/mailqueue

Makes a cluster in a temporary folder, starts it on a free port of the loopback and on a Unix socket
in that folder, sets FACTEUR_DATABASE_URL, runs the command, and takes everything away again. A
cluster that runs elsewhere on the machine is never touched.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.support import processes

# Debian keeps the programs of each version out of the PATH.
PROGRAMS = sorted(
    Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name)
)
# PostgreSQL refuses to run as root; Debian's package makes this user.
UNPRIVILEGED = "postgres"
DATABASE = "facteur"


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs. Raises SystemExit if it is not installed."""
    found = shutil.which(name) or next(
        (str(folder / name) for folder in reversed(PROGRAMS) if (folder / name).exists()), None
    )
    if found is None:
        raise SystemExit(f"{name} is missing: install PostgreSQL (Debian: postgresql).")
    return found


class Server:
    """A cluster in a folder of its own: `url` is of a database that is yet to be made in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._as_owner: list[str] = []
        if os.geteuid() == 0:
            owner = pwd.getpwnam(UNPRIVILEGED)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            self._as_owner = ["runuser", "-u", UNPRIVILEGED, "--"]
        self._data, self.log = folder / "data", folder / "log"
        port = _free_port()
        # fsync stays on: the flow tests are about what survives.
        self._options = (
            f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
            " -c max_connections=200"
        )
        self.url = f"postgres://facteur@127.0.0.1:{port}/{DATABASE}"

    def make(self) -> None:
        """Make its files."""
        _run([*self._as_owner, program("initdb"), "-D", str(self._data), "-U", "facteur",
              "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"],
             self._folder)  # fmt: skip

    def start(self) -> None:
        """Return when it answers."""
        self._control("-l", str(self.log), "-o", self._options, "start")

    def stop(self) -> None:
        """Return when it has ended, with whatever was connected."""
        self._control("-m", "fast", "stop")

    @property
    def processes(self) -> list[int]:
        """The numbers of the server and of all that it has started, the server first."""
        first = int((self._data / "postmaster.pid").read_text(encoding="ascii").split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text(encoding="ascii")
        return [first, *map(int, children.split())]

    def _control(self, *words: str) -> None:
        command = [*self._as_owner, program("pg_ctl"), "-D", str(self._data), "-s", "-w"]
        # What went wrong stands in its log.
        _run([*command, *words], self._folder, stderr=subprocess.DEVNULL)


@contextmanager
def server() -> Iterator[Server]:
    """A running cluster of our own; the block may stop and start it."""
    folder = Path(tempfile.mkdtemp(prefix="ft-pg-", dir="/tmp"))
    new = Server(folder)
    try:
        new.make()
        new.start()
        try:
            yield new
        finally:
            new.stop()
    except subprocess.CalledProcessError:
        if new.log.exists():
            sys.stderr.write(new.log.read_text(encoding="utf-8", errors="replace"))
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def with_database() -> Iterator[Server]:
    """Likewise, with its database made: empty."""
    with server() as new:
        parts = urlsplit(new.url)
        place = urlunsplit(parts._replace(path="/postgres"))
        with psycopg.connect(place, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}".encode())
        yield new


def kill(victim: Server, within_s: float = 20) -> None:
    """kill -9 a server and all that it has started, then start it again."""
    for pid in victim.processes:
        processes.kill(pid)
    until = time.monotonic() + within_s
    while True:
        try:
            victim.start()
        except subprocess.CalledProcessError:
            # What was left behind may take a moment to end.
            if time.monotonic() > until:
                raise
        else:
            return


@contextmanager
def cluster() -> Iterator[str]:
    """A running cluster; gives the URL of a database that is yet to be made in it."""
    with server() as new:
        yield new.url


def _run(command: Sequence[str], folder: Path, stderr: int | None = None) -> None:
    # The server must not hold our output open, nor stand in a folder its user cannot enter.
    result = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=stderr,
        check=False,
    )
    if result.returncode:
        raise subprocess.CalledProcessError(result.returncode, command)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(arguments: Sequence[str]) -> int:
    """Run a command beside a cluster; return its exit status."""
    if not arguments:
        raise SystemExit(__doc__)
    with cluster() as url:
        return subprocess.call(arguments, env={**os.environ, "FACTEUR_DATABASE_URL": url})


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
