"""The parts of Facteur that the bench runs: a database, a Redis, the relay, and the worker's run.

Owns processes and their environment; what they do is theirs.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg

from panel import redis_server
from panel.places import runtime_folder

ROOT = Path(__file__).resolve().parent.parent
START_S = 20.0
ACCOUNT = "boutique.example"


class House:
    """Facteur in a folder of its own, with an account for the user who runs the bench."""

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        self.data = folder / "data"
        self.data.mkdir(parents=True, mode=0o711)
        self._run = runtime_folder(self.data)
        self._log = folder / "log"
        others = {name: v for name, v in os.environ.items() if not name.startswith("FACTEUR_")}
        self.environment: Mapping[str, str] = (
            others
            | {
                "DJANGO_SETTINGS_MODULE": "panel.settings",
                "FACTEUR_DATA_DIR": str(self.data),
                "FACTEUR_DATABASE_URL": database_url,
                # Far away, but looked at with each message.
                "FACTEUR_HOURLY_QUOTA": "1000000000",
                "FACTEUR_DAILY_QUOTA": "1000000000",
            }
            | {f"FACTEUR_{name.upper()}": value for name, value in settings.items()}
        )
        self.manage("migrate", "--verbosity", "0")
        self.manage("createaccount", ACCOUNT, "--uid", str(os.getuid()))
        self.manage("installsendmail", str(self.sendmail))

    @property
    def socket(self) -> Path:
        """Where the relay listens."""
        return self._run / "relay.sock"

    @property
    def sendmail(self) -> Path:
        """Its sendmail command."""
        return self.data / "sendmail"

    @contextmanager
    def accepting(self, *options: str) -> Iterator[int]:
        """Its relay takes mail while the block runs; gives the number of its process.

        Hints go to a Redis where nobody listens.
        """
        server = redis_server.program()
        if server is None:
            raise SystemExit("There is no Redis here: install redis-server.")
        redis = self._run / "redis.sock"
        relay = (sys.executable, "manage.py", "runrelay", *options)
        with (
            self._program(*redis_server.command(server, redis), listens_on=redis),
            self._program(*relay, listens_on=self.socket) as process,
        ):
            yield process

    async def deliver(self, connections: int | None = None) -> None:
        """Send what it took, by a run like a worker's, in a process of its own."""
        await self.python("-m", "bench.drain", *([str(connections)] if connections else []))

    async def python(self, *arguments: str) -> str:
        """What a Python program with this house's environment prints. RuntimeError if it fails."""
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, *arguments),
                cwd=ROOT,
                env=self.environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
            )
            printed, _ = await process.communicate()
        if process.returncode:
            raise RuntimeError(self._last_words())
        return printed.decode()

    def manage(self, *arguments: str) -> str:
        """What a command of `manage.py` prints. Raises CalledProcessError if it fails."""
        command = [sys.executable, "manage.py", *arguments]
        result = subprocess.run(  # noqa: S603
            command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return result.stdout

    @contextmanager
    def _program(self, *command: str, listens_on: Path) -> Iterator[int]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )
        try:
            until = time.monotonic() + START_S
            while not _answers(listens_on):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"{command} does not answer: {self._last_words()}")
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()
            process.wait()

    def _last_words(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:]


def free_port() -> int:
    """A port of the loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def has_processes() -> bool:
    """Whether a relay can be several processes."""
    result = subprocess.run(
        [sys.executable, "manage.py", "runrelay", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return "--processes" in result.stdout


def has_routes() -> bool:
    """Whether mail of a domain can be given a route of its own, by a setting."""
    return "FACTEUR_ROUTES" in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


@contextmanager
def cluster() -> Iterator[Callable[[], str]]:
    """A PostgreSQL of our own while the block runs; gives a maker of empty databases, by URL."""
    from tests.support import postgres

    with postgres.cluster() as url:
        parts = urlsplit(url)
        numbers = count()

        def make() -> str:
            name = f"bench{next(numbers)}"
            place = urlunsplit(parts._replace(path="/postgres"))
            with psycopg.connect(place, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            return urlunsplit(parts._replace(path=f"/{name}"))

        yield make


@contextmanager
def database(is_postgresql: bool) -> Iterator[str]:
    """The URL of an empty database on a PostgreSQL of our own; empty for SQLite."""
    if is_postgresql:
        with cluster() as make:
            yield make()
    else:
        yield ""


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0
