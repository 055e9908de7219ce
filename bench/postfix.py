"""A Postfix of our own beside whatever the machine runs: its folder, its ports, its queue.

Owns its configuration and its processes. `accepting` takes mail and sends none, for it has no queue
manager; `delivering` has one. Everything else is as Postfix comes.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DAEMONS = Path("/usr/lib/postfix/sbin")

_MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = {daemons}
maillog_file = {folder}/log
maillog_file_prefixes = {folder}
myhostname = bench.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{sink}
# It would wait a second for each mail when no queue manager answers.
in_flow_delay = 0
"""
_MASTER = """\
{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
_QUEUE_MANAGER = "qmgr unix n - n 300 1 qmgr\n"


class Postfix:
    """A Postfix that is not running yet."""

    def __init__(self, folder: Path, sink_port: int) -> None:
        self._folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address: tuple[str, int] = ("127.0.0.1", probe.getsockname()[1])
        for name in ("config", "queue", "data"):
            (folder / name).mkdir(parents=True)
        shutil.chown(folder / "data", "postfix")
        settings = _MAIN.format(folder=folder, daemons=DAEMONS, sink=sink_port)
        (folder / "config" / "main.cf").write_text(settings, encoding="ascii")

    @contextmanager
    def accepting(self) -> Iterator[None]:
        """It takes mail while the block runs, and sends none."""
        with self._running(_MASTER):
            yield

    @contextmanager
    def delivering(self) -> Iterator[None]:
        """It sends what it took."""
        with self._running(_MASTER + _QUEUE_MANAGER):
            yield

    @contextmanager
    def _running(self, services: str) -> Iterator[None]:
        text = services.format(port=self.address[1])
        (self._folder / "config" / "master.cf").write_text(text, encoding="ascii")
        self._command("start")
        try:
            yield
        finally:
            self._command("stop")

    def _command(self, word: str) -> None:
        result = subprocess.run(  # noqa: S603
            ["/usr/sbin/postfix", "-c", str(self._folder / "config"), word],
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            log = self._folder / "log"
            words = log.read_text(encoding="utf-8") if log.exists() else ""
            raise RuntimeError(f"postfix {word}: {result.stderr}{words}")


def why_not() -> str:
    """Why there is no Postfix to compare with; empty if there is."""
    if not Path("/usr/sbin/postfix").exists() or not DAEMONS.exists():
        return "Postfix is not installed"
    if os.geteuid() != 0:
        return "Postfix can be run by root only"
    return ""
