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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

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


@contextmanager
def cluster() -> Iterator[str]:
    """A running cluster; gives the URL of a database that is yet to be made in it."""
    initdb, pg_ctl = program("initdb"), program("pg_ctl")
    folder = Path(tempfile.mkdtemp(prefix="ft-pg-", dir="/tmp"))
    as_owner: list[str] = []
    if os.geteuid() == 0:
        owner = pwd.getpwnam(UNPRIVILEGED)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        as_owner = ["runuser", "-u", UNPRIVILEGED, "--"]
    data, log = folder / "data", folder / "log"
    port = _free_port()
    # fsync stays on: the flow tests are about what survives.
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    control = [*as_owner, pg_ctl, "-D", str(data), "-s", "-w"]
    try:
        _run([*as_owner, initdb, "-D", str(data), "-U", "facteur", "-A", "trust", "-E", "UTF8",
              "--locale=C.UTF-8", "--no-instructions"], folder)  # fmt: skip
        _run([*control, "-l", str(log), "-o", f"{options} -c max_connections=200", "start"], folder)
        try:
            yield f"postgres://facteur@127.0.0.1:{port}/{DATABASE}"
        finally:
            _run([*control, "-m", "fast", "stop"], folder)
    except subprocess.CalledProcessError:
        if log.exists():
            sys.stderr.write(log.read_text(encoding="utf-8", errors="replace"))
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: Sequence[str], folder: Path) -> None:
    # The server must not hold our output open, nor stand in a folder its user cannot enter.
    result = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
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
