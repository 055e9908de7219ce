"""A Redis of our own for as long as a test runs."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from panel import redis_server
from tests.support.waiting import eventually


@contextmanager
def private_redis() -> Iterator[str]:
    """A Redis on a Unix socket; gives the URL that FACTEUR_REDIS_URL takes."""
    server = redis_server.program()
    assert server, "install redis-server"
    with tempfile.TemporaryDirectory(prefix="ft-redis-", dir="/tmp") as folder:
        socket = Path(folder) / "redis.sock"
        process = subprocess.Popen(
            redis_server.command(server, socket), stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            eventually(lambda: _answers(socket))
            yield f"redis+socket://{socket}"
        finally:
            process.terminate()
            process.wait(10)


@contextmanager
def redis_on(port: int) -> Iterator[None]:
    """A Redis on a port of the loopback."""
    server = redis_server.program()
    assert server, "install redis-server"
    with tempfile.TemporaryDirectory(prefix="ft-redis-", dir="/tmp") as folder:
        process = subprocess.Popen(
            [server, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", folder],
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            client = redis.Redis(port=port)
            eventually(lambda: _is_there(client))
            yield
        finally:
            process.terminate()
            process.wait(10)


def _answers(socket: Path) -> bool:
    return _is_there(redis.Redis(unix_socket_path=str(socket)))


def _is_there(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
    finally:
        client.close()
