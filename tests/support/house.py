"""A real house: `manage.py up` as a process, on a data folder, a port and a database of its own."""

import json
import os
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.support import php, processes
from tests.support.pages import Pages
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "correct-horse-battery"
ACCOUNT = "boutique.example"
DATABASE = "facteur.sqlite3"
READY = "Ctrl-C stops everything"
# What tells each program of the house by its command line.
MARKS = {
    "web": "gunicorn",
    "relay": "runrelay",
    "worker": " worker ",
    "beat": "mailqueue.clock",
    "redis": "redis-server",
}


class House:
    """A house that is not running yet; `start` runs it."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.lines: list[str] = []
        self.process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        ours = {
            "FACTEUR_DATA_DIR": str(self.data),
            "FACTEUR_BIND": f"127.0.0.1:{self.port}",
            "FACTEUR_ADMIN_PASSWORD": PASSWORD,
            "FACTEUR_HOSTNAME": "house.test",
        }
        # Nothing of the tests' own settings: this is how a person starts it.
        others = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("FACTEUR_", "DJANGO_"))
        }
        self.environment = {**others, **ours, **settings}

    @property
    def sendmail(self) -> Path:
        """The command that stands in `sendmail_path`."""
        return self.data / "sendmail"

    def start(self, *options: str, within_s: float = 60) -> None:
        """Run `manage.py up` and wait until it says that everything answers."""
        seen = len(self.lines)
        self.launch(*options)
        self.wait_for_line(READY, seen, within_s)

    def launch(self, *options: str) -> "subprocess.Popen[str]":
        """Run `manage.py up` and wait for nothing."""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "up", *options],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, args=[self.process], daemon=True)
        self._reader.start()
        return self.process

    def wait_for_line(self, words: str, after: int = 0, within_s: float = 20) -> str:
        """The first line that holds `words`, of those printed after so many."""

        def look() -> str:
            found = next((line for line in self.lines[after:] if words in line), "")
            has_ended = self.process is None or self.process.poll() is not None
            if not found and has_ended:
                raise AssertionError(f"the house ended without {words!r}:\n{self.output}")
            return found

        try:
            return eventually(look, within_s, words)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output}") from error

    @property
    def output(self) -> str:
        """All that was printed."""
        return "\n".join(self.lines)

    def stop(self, number: int = signal.SIGTERM, within_s: float = 10) -> int:
        """Send a signal to `up` and wait; return its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.wait_for_end(within_s)

    def wait_for_end(self, within_s: float = 30) -> int:
        """The exit status of `up`, once it has ended and all it printed was read."""
        assert self.process is not None
        assert self._reader is not None
        status = self.process.wait(within_s)
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    def programs(self) -> dict[str, int]:
        """The programs that `up` runs now, by their names, with their process numbers."""
        assert self.process is not None
        children = {
            pid: line
            for pid, line in self.processes().items()
            if processes.parent(pid) == self.process.pid
        }
        return {
            name: pid
            for name, mark in MARKS.items()
            for pid, line in children.items()
            if mark in f"{line} "
        }

    def processes(self) -> dict[int, str]:
        """All live processes of this house, orphans too."""
        return processes.with_variable("FACTEUR_DATA_DIR", str(self.data))

    def kill(self, name: str) -> int:
        """kill -9 a program as it runs; return its number. It comes back by itself."""
        pid = self.programs()[name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_for_program(self, name: str, other_than: int, within_s: float = 15) -> int:
        """The number of a program once it runs again."""

        def look() -> int:
            pid = self.programs().get(name, 0)
            return pid if pid != other_than else 0

        return eventually(look, within_s, f"{name} runs again")

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run another command on the same data."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def create_account(self, name: str, uid: int) -> None:
        """Make an account for a Unix user, and the tables if there are none."""
        for command in (("migrate", "-v", "0"), ("createaccount", name, "--uid", str(uid))):
            result = self.manage(*command)
            assert result.returncode == 0, result.stdout + result.stderr

    def total(self, name: str, account: str = ACCOUNT) -> int:
        """A count of an account, straight from its row: no program need start for it."""
        query = (
            f"SELECT {name} FROM mailqueue_accounttotals WHERE account_id ="
            f" (SELECT id FROM mailqueue_hostingaccount WHERE service_name = '{account}')"
        )
        url = self.environment.get("FACTEUR_DATABASE_URL")
        if url:
            with psycopg.connect(url) as connection:
                row = connection.execute(query.encode()).fetchone()
        else:
            with closing(sqlite3.connect(self.data / DATABASE, timeout=30)) as file:
                row = file.execute(query).fetchone()
        assert row, f"no account {account}"
        return int(row[0])

    def relay(self) -> socket.socket:
        """A connection to the relay, as the sendmail command has it."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(20)
        connection.connect(str(self.data / "run" / "relay.sock"))
        return connection

    def ledger(self) -> dict[str, dict[str, Any]]:
        """The ledger, by account. Fails if it does not balance."""
        result = self.manage("ledger", "--json")
        assert result.returncode == 0, result.stdout + result.stderr
        return {line["account"]: line for line in json.loads(result.stdout)}

    def queue(self) -> list[dict[str, Any]]:
        """What is waiting, being sent or held."""
        result = self.manage("showqueue", "--json")
        assert result.returncode == 0, result.stdout + result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    def php(
        self, script: str, user: Sequence[str] = (), name: str = "script.php"
    ) -> "subprocess.CompletedProcess[str]":
        """Run a PHP script whose mail() calls this house."""
        return php.run(script, self.sendmail, self.scripts, user=user, name=name)

    @property
    def scripts(self) -> Path:
        """A folder where scripts of any user can stand."""
        folder = self.folder / "www"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        return folder

    def pages(self, login: str = "admin", password: str = PASSWORD) -> Pages:
        """The panel, as somebody who has logged in sees it."""
        pages = Pages(self.url)
        pages.log_in(login, password)
        return pages

    def close(self) -> None:
        """End everything that still runs."""
        if self.process is not None and self.process.poll() is None:
            try:
                self.stop(within_s=12)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process is not None:
            self.wait_for_end()
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.lines.append(line.rstrip("\n"))


@contextmanager
def house(*, has_account: bool = True, **settings: str) -> Iterator[House]:
    """A house with `FACTEUR_<name>` set for each of `settings`; it ends with the block.

    No limits unless they are set: many tests send more than a site does in an hour.

    With `has_account` it has the account ACCOUNT, of the Unix user that runs the tests. On
    PostgreSQL, if FACTEUR_DATABASE_URL names one, it gets a database of its own.
    """
    folder = Path(tempfile.mkdtemp(prefix="ft-", dir="/tmp"))
    # Scripts of other users call its sendmail.
    folder.chmod(0o755)
    unlimited = dict.fromkeys(("hourly_quota", "daily_quota", "error_limit", "bounce_percent"), "0")
    variables = {f"FACTEUR_{name.upper()}": value for name, value in (unlimited | settings).items()}
    try:
        with _database(folder, has_account=has_account) as url:
            new = House(folder, variables | url)
            try:
                yield new
            finally:
                new.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(folder: Path, *, has_account: bool) -> Iterator[dict[str, str]]:
    """A database for a house, and the settings that lead to it."""
    cluster = os.environ.get("FACTEUR_DATABASE_URL", "")
    if not cluster.startswith("postgres"):
        if has_account:
            (folder / "data").mkdir(mode=0o711)
            shutil.copy(_sqlite_template(), folder / "data" / DATABASE)
        yield {}
        return
    name = f"house_{secrets.token_hex(6)}"
    template = _postgres_template(cluster) if has_account else "template1"
    with psycopg.connect(_in_cluster(cluster, "postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        try:
            yield {"FACTEUR_DATABASE_URL": _in_cluster(cluster, name)}
        finally:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


@cache
def _sqlite_template() -> Path:
    """A file with all tables and the account: made once, for it takes seconds."""
    # In the folder of the tests' own settings, which goes when they end.
    folder = Path(os.environ["FACTEUR_DATA_DIR"]).parent / "template"
    House(folder, {}).create_account(ACCOUNT, os.getuid())
    return folder / "data" / DATABASE


@cache
def _postgres_template(cluster: str) -> str:
    """Likewise, a database; it goes with its cluster."""
    name = f"template_{secrets.token_hex(6)}"
    with psycopg.connect(_in_cluster(cluster, "postgres"), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    folder = Path(os.environ["FACTEUR_DATA_DIR"]).parent / "template"
    url = {"FACTEUR_DATABASE_URL": _in_cluster(cluster, name)}
    House(folder, url).create_account(ACCOUNT, os.getuid())
    return name


def _in_cluster(cluster: str, database: str) -> str:
    return urlunsplit(urlsplit(cluster)._replace(path=f"/{database}"))


def free_port() -> int:
    """A port of the loopback that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    """Whether somebody answers on a port of the loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until_gone(new: House, within_s: float = 5) -> None:
    """Fail if a process of the house outlives it for longer than that."""
    until = time.monotonic() + within_s
    while (left := new.processes()) and time.monotonic() < until:
        time.sleep(0.05)
    assert not left, f"left behind: {left}"
