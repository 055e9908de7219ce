"""The parts of Facteur that the bench runs: a database, a Redis, the relay, and the worker's run.

Owns processes and their environment; what they do is theirs.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from panel import redis_server
from panel.places import runtime_folder

ROOT = Path(__file__).resolve().parent.parent
START_S = 20.0


class House:
    """Facteur in a folder of its own, with an account for the user who runs the bench."""

    def __init__(self, folder: Path, sink_port: int, database_url: str) -> None:
        self._data = folder / "data"
        self._data.mkdir(parents=True)
        self._run = runtime_folder(self._data)
        self._log = folder / "log"
        others = {name: v for name, v in os.environ.items() if not name.startswith("FACTEUR_")}
        self._environment: Mapping[str, str] = others | {
            "DJANGO_SETTINGS_MODULE": "panel.settings",
            "FACTEUR_DATA_DIR": str(self._data),
            "FACTEUR_SMARTHOST": f"127.0.0.1:{sink_port}",
            "FACTEUR_DATABASE_URL": database_url,
            # Far away, but looked at with each message.
            "FACTEUR_HOURLY_QUOTA": "1000000000",
            "FACTEUR_DAILY_QUOTA": "1000000000",
        }
        self._manage("migrate", "--verbosity", "0")
        self._manage("createaccount", "boutique.example", "--uid", str(os.getuid()))

    @property
    def socket(self) -> Path:
        """Where the relay listens."""
        return self._run / "relay.sock"

    @contextmanager
    def accepting(self) -> Iterator[None]:
        """Its relay takes mail while the block runs; hints go to a Redis where nobody listens."""
        server = redis_server.program()
        if server is None:
            raise SystemExit("There is no Redis here: install redis-server.")
        redis = self._run / "redis.sock"
        with (
            self._program(*redis_server.command(server, redis), listens_on=redis),
            self._program(sys.executable, "manage.py", "runrelay", listens_on=self.socket),
        ):
            yield

    async def deliver(self) -> None:
        """Send what it took, by a run like a worker's, in a process of its own."""
        with self._log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bench.drain"),
                cwd=ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
            )
            if await process.wait():
                raise RuntimeError(self._last_words())

    @contextmanager
    def _program(self, *command: str, listens_on: Path) -> Iterator[None]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603
                command, cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        try:
            until = time.monotonic() + START_S
            while not _answers(listens_on):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"{command} does not answer: {self._last_words()}")
                time.sleep(0.05)
            yield
        finally:
            process.terminate()
            process.wait()

    def _manage(self, *arguments: str) -> None:
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(  # noqa: S603
            command, cwd=ROOT, env=self._environment, stdout=subprocess.DEVNULL, check=True
        )

    def _last_words(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:]


@contextmanager
def database(is_postgresql: bool) -> Iterator[str]:
    """The URL of an empty database on a PostgreSQL of our own; empty for SQLite."""
    if not is_postgresql:
        yield ""
        return
    import psycopg

    from tests.support.postgres import cluster

    with cluster() as url:
        parts = urlsplit(url)
        with psycopg.connect(
            urlunsplit(parts._replace(path="/postgres")), autocommit=True
        ) as connection:
            connection.execute(f'CREATE DATABASE "{parts.path[1:]}"'.encode())
        yield url


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(path)) == 0
