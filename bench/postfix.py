"""A Postfix of our own beside whatever the machine runs: its folder, its ports, its queue.

Owns its configuration and its processes. `accepting` takes mail and sends none, for it has no queue
manager; `delivering` has one. Everything else is as Postfix comes, unless a measure says so.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.house import free_port

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
# It would wait a second for each mail when no queue manager answers.
in_flow_delay = 0
"""
_MASTER = """\
{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
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
    """A Postfix that is not running yet; mail to `routes`' domains goes there, the rest nowhere."""

    def __init__(self, folder: Path, routes: Mapping[str, tuple[str, int]]) -> None:
        self._folder = folder
        self.address: tuple[str, int] = ("127.0.0.1", free_port())
        for name in ("config", "queue", "data"):
            (folder / name).mkdir(parents=True)
        shutil.chown(folder / "data", "postfix")
        self._routes = routes
        self._configure({})

    @property
    def sendmail(self) -> tuple[str, ...]:
        """Its sendmail command, for this instance."""
        return ("/usr/sbin/sendmail", "-C", str(self._folder / "config"))

    @contextmanager
    def accepting(self) -> Iterator[None]:
        """It takes mail while the block runs, and sends none."""
        self._configure({})
        with self._running(_MASTER):
            yield

    @contextmanager
    def delivering(self, connections: int | None = None) -> Iterator[None]:
        """It sends what it took, over so many connections at most if that is given."""
        limits = {}
        if connections is not None:
            names = ("initial_destination_concurrency", "default_destination_concurrency_limit")
            limits = dict.fromkeys(names, str(connections))
        self._configure(limits)
        most = "-" if connections is None else str(connections)
        with self._running(
            _MASTER.replace("smtp unix - - n - -", f"smtp unix - - n - {most}") + _QUEUE_MANAGER
        ):
            yield

    def _configure(self, others: Mapping[str, str]) -> None:
        lines = [
            _MAIN.format(folder=self._folder, daemons=DAEMONS),
            *(f"{name} = {value}" for name, value in others.items()),
        ]
        if self._routes:
            pairs = (
                f"{{ {domain} = smtp:[{host}]:{port} }}"
                for domain, (host, port) in self._routes.items()
            )
            lines.append(f"transport_maps = inline:{{ {', '.join(pairs)} }}")
        (self._folder / "config" / "main.cf").write_text("\n".join(lines) + "\n", encoding="ascii")

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
