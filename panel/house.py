"""The house on one machine: its programs, what must be free before, and how each says it is ready.

`supervisor` keeps the programs running; the command `up` prepares the data and prints the words.
"""

import asyncio
import fcntl
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from panel import redis_server
from panel.supervisor import Program

PROBE_S = 5.0
WEB_THREADS = 8
WORKERS = 2


class CannotStart(Exception):
    """The house cannot be started here; the message is one line for the person who tried."""


@contextmanager
def only_one(data_dir: Path) -> Iterator[int]:
    """Hold the data folder for ourselves, by the descriptor that this gives.

    Raises CannotStart if another house has it.

    The folder itself is locked: there is no file to be left behind or taken away.
    """
    folder = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise CannotStart(f"Facteur is already running on {data_dir}.") from None
    else:
        yield folder
    finally:
        os.close(folder)


@contextmanager
def web_listener() -> Iterator[socket.socket]:
    """The socket that the panel listens on. Raises CannotStart if the port is taken.

    It is ours, not the web server's: who calls while that is restarted waits a moment.
    """
    host, port = settings.BIND
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(512)
        except OSError as error:
            raise CannotStart(
                f"The panel cannot listen on {host}:{port} (FACTEUR_BIND): {error.strerror}."
            ) from error
        yield listener


def check_sockets() -> None:
    """Raise CannotStart if somebody listens on a Unix socket of ours.

    A file that nobody listens on is left from a crash; its program replaces it.
    """
    for path in (settings.RELAY_SOCKET, settings.SIMULATOR_SOCKET, settings.REDIS_SOCKET):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(os.fspath(path))
            except (FileNotFoundError, ConnectionRefusedError):
                continue
            except OSError as error:
                raise CannotStart(f"{path} cannot be used: {error.strerror}.") from error
            raise CannotStart(f"Another program already listens on {path}.")


def programs(listener: socket.socket) -> list[Program]:
    """The programs of the house, in the order in which they are stopped within a stage.

    Raises CannotStart if there is no Redis to be had.
    """
    environment = _environment()
    python = (sys.executable, "-P")
    celery = (*python, "-m", "celery", "-q", "-A", "mailqueue")
    web = Program(
        "web",
        (
            *(*python, "-m", "gunicorn", "panel.wsgi", "--bind", f"fd://{listener.fileno()}"),
            *("--workers", "1", "--threads", str(WEB_THREADS), "--no-control-socket"),
            # Loaded before the fork: both processes share it.
            "--preload",
            *("--graceful-timeout", "4", "--log-level", "warning"),
            # Which proxies are believed is for `proxies` to say; gunicorn trusts all of 127.0.0.1.
            *("--forwarded-allow-ips", ""),
        ),
        environment,
        descriptors=(listener.fileno(),),
        is_ready=_web_answers,
    )
    relay = Program(
        "relay",
        (*python, os.fspath(settings.BASE_DIR / "manage.py"), "runrelay"),
        environment,
        is_ready=_relay_answers,
    )
    beat = Program(
        "beat",
        (
            *(*python, "-m", "mailqueue.clock"),
            *("--schedule", os.fspath(settings.DATA_DIR / "beat-schedule")),
        ),
        environment,
    )
    worker = Program(
        "worker",
        (
            *(*celery, "worker", "--pool", "prefork", "--concurrency", str(WORKERS)),
            # Words between workers: there is one here, and the queue needs none.
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ),
        environment,
    )
    return [web, relay, beat, worker, *_private_redis(environment)]


def _private_redis(environment: dict[str, str]) -> list[Program]:
    if settings.REDIS_URL:
        return []
    server = redis_server.program()
    if server is None:
        raise CannotStart(
            "There is no Redis here: install redis-server, or set FACTEUR_REDIS_URL to one."
        )
    command = redis_server.command(server, settings.REDIS_SOCKET)
    # Before all others, and after them: they work with it.
    return [
        Program("redis", command, environment, stage=0, is_chatty=True, is_ready=_redis_answers)
    ]


def _environment() -> dict[str, str]:
    """What the programs find in their environment: ours, whatever folder `up` was called in."""
    environment = {
        name: value
        for name, value in os.environ.items()
        # Nobody but `up` needs it.
        if name not in {"FACTEUR_ADMIN_PASSWORD", "FACTEUR_ADMIN_PASSWORD_FILE"}
    }
    paths = [os.fspath(settings.BASE_DIR), environment.get("PYTHONPATH", "")]
    # Celery warns root, and a group without a name, at each start; what it warns of (pickled tasks)
    # is not in use here.
    warnings = [
        environment.get("PYTHONWARNINGS", ""),
        "ignore:::celery.platforms",
        "ignore:::celery.apps.worker",
    ]
    return environment | {
        "DJANGO_SETTINGS_MODULE": "panel.settings",
        "FACTEUR_DATA_DIR": os.fspath(settings.DATA_DIR),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": ",".join(filter(None, warnings)),
    }


async def _relay_answers() -> bool:
    greeting = await _ask(
        lambda: asyncio.open_unix_connection(os.fspath(settings.RELAY_SOCKET)), b"QUIT\r\n"
    )
    return greeting.startswith(b"220")


async def _redis_answers() -> bool:
    answer = await _ask(
        lambda: asyncio.open_unix_connection(os.fspath(settings.REDIS_SOCKET)), b"PING\r\n"
    )
    return answer.startswith(b"+PONG")


async def _web_answers() -> bool:
    host, port = settings.BIND
    # "All addresses" is nowhere to connect to.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    # By its address: to look it up would load all pages into `up`, which stays in memory.
    request = b"GET /login/ HTTP/1.0\r\nHost: localhost\r\n\r\n"
    answer = await _ask(lambda: asyncio.open_connection(host, port), request)
    return answer.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _ask(connect: Callable[[], Awaitable[Connection]], question: bytes) -> bytes:
    """The first line of the answer to `question`; empty if there is none in time."""
    try:
        async with asyncio.timeout(PROBE_S):
            reader, writer = await connect()
            try:
                writer.write(question)
                return await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return b""
