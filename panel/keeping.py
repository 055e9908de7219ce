"""Keeps the programs of the house running: what `manage.py up` becomes when the data are ready.

    python -m panel.keeping LISTENER

A process of its own, by exec: it lives as long as the house, and so loads no more of Django than
the settings (15 MB; with all that `up` needs to prepare the data 54, measured). Holds the lock on
the data folder and the panel's socket, which are handed down.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress

from django.conf import settings

from panel import house
from panel.supervisor import Supervisor

SIGNALLED = 128
FAILED = "CommandError: Facteur did not start; the lines above say why."


def become(listener: socket.socket, lock: int) -> None:
    """Go on as this program, with what `up` has opened. Returns never, unless by OSError."""
    for descriptor in (listener.fileno(), lock):
        os.set_inheritable(descriptor, True)
    paths = [os.fspath(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    words = [sys.executable, "-P", "-m", "panel.keeping", str(listener.fileno())]
    sys.stdout.flush()
    os.execve(sys.executable, words, environment)  # noqa: S606


def main(arguments: list[str]) -> int:
    """Run the house until a signal; return 1 if it did not start."""
    listener = socket.socket(fileno=int(arguments[0]))
    # Programs get what they are given, and no more.
    os.set_inheritable(listener.fileno(), False)
    supervisor = Supervisor(house.programs(listener), say)
    is_fine = asyncio.run(supervisor.run(_welcome))
    for path in (settings.RELAY_SOCKET, settings.SIMULATOR_SOCKET, settings.REDIS_SOCKET):
        # Left by a program that had to be killed.
        path.unlink(missing_ok=True)
    say("Facteur has stopped.")
    if not is_fine:
        print(FAILED, file=sys.stderr)
    return int(not is_fine)


def _welcome() -> None:
    command = [sys.executable, os.fspath(settings.BASE_DIR / "manage.py"), "welcome"]
    subprocess.run(command, check=False, start_new_session=True)  # noqa: S603


def say(text: str) -> None:
    # A terminal that is gone is no reason to stop.
    with suppress(OSError):
        print(text, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(SIGNALLED + signal.SIGINT)
