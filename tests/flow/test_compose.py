"""The composed house: what docker-compose.yml starts, on a real PostgreSQL and Redis over TCP.

No Docker engine runs here; `tests.support.compose` starts the same commands with the environment
that the file gives them, as a user without rights. PHP runs beside it, as on the host.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support import php, postgres
from tests.support.compose import UID, Composed
from tests.support.house import free_port
from tests.support.redis import redis_on
from tests.support.relaying import NOBODY, as_nobody
from tests.support.remote import Remote, remote
from tests.support.waiting import eventually

OURS = ("web", "relay", "worker", "beat")


@pytest.fixture
def mx() -> Iterator[Remote]:
    with remote() as server:
        yield server


@pytest.fixture
def folder() -> Iterator[Path]:
    """As the first lines of the file have it made, on the host."""
    path = Path(tempfile.mkdtemp(prefix="ft-", dir="/tmp"))
    path.chmod(0o755)
    data = path / "data"
    data.mkdir(mode=0o711)
    if os.geteuid() == 0:
        os.chown(data, UID, UID)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def composed(mx: Remote, folder: Path) -> Iterator[Composed]:
    """Nothing of ours runs yet; PostgreSQL and Redis do."""
    web, redis_port = free_port(), free_port()
    with postgres.with_database() as database, redis_on(redis_port):
        place = urlsplit(database.url)
        new = Composed(
            {
                "POSTGRES_PASSWORD": "secret",
                "FACTEUR_HOSTNAME": "host.test",
                "FACTEUR_PUBLIC_URL": f"http://127.0.0.1:{web}",
                "FACTEUR_SMARTHOST": f"127.0.0.1:{mx.port}",
                "FACTEUR_ADMIN_PASSWORD": "correct-horse-battery",
            },
            {
                "@postgres/": f"@127.0.0.1:{place.port}/",
                "redis://redis:6379/": f"redis://127.0.0.1:{redis_port}/",
                "0.0.0.0:8000": f"127.0.0.1:{web}",
                "/var/lib/facteur": str(folder / "data"),
            },
            # A minute would be long here.
            {"FACTEUR_SWEEP_SECONDS": "1"},
            folder,
        )
        try:
            yield new
        finally:
            new.stop()
    print(new.log.read_text(encoding="utf-8", errors="replace"))


def test_php_on_the_host_sends_through_the_composed_house(
    composed: Composed, mx: Remote, folder: Path
) -> None:
    assert_their_own_checks(composed)
    setup = composed.run("setup", composed.services["setup"]["command"])
    assert setup.returncode == 0, setup.stdout + setup.stderr
    account = ["python", "manage.py", "createaccount", "example.org", "--uid", str(uid_of_sites())]
    assert composed.run("setup", account).returncode == 0
    for part in OURS:
        result = composed.check(part)
        assert result.returncode == 1, f"{part} does not run yet"
        assert len(result.stderr.splitlines()) == 1, result.stderr

    for part in OURS:
        composed.start(part)
    for part in OURS:
        eventually(partial(is_healthy, composed, part), 40, f"{part} is healthy")

    site = folder / "site"
    site.mkdir(mode=0o755)
    user = as_nobody() if os.geteuid() == 0 else []
    result = php.run(
        php.guide_script("client@example.net"), folder / "data" / "sendmail", site, user=user
    )
    assert result.stdout == php.SUCCESS, result.stderr
    eventually(lambda: mx.messages, 20, "it is delivered")
    assert [message.recipients for message in mx.messages] == [["client@example.net"]]
    assert list((folder / "data" / "maildrop").iterdir()) == [], "the relay took it itself"

    ledger = composed.run("setup", ["python", "manage.py", "ledger"])
    assert ledger.returncode == 0, ledger.stdout


def assert_their_own_checks(composed: Composed) -> None:
    """PostgreSQL and Redis are asked with what they bring."""
    kind, words = composed.services["postgres"]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    place = urlsplit(composed.environment("web")["FACTEUR_DATABASE_URL"])
    folder = Path(postgres.program("pg_isready")).parent
    where = {"PATH": f"{folder}:/usr/bin:/bin", "PGHOST": "127.0.0.1", "PGPORT": str(place.port)}
    assert subprocess.run(words, shell=True, env=where, check=False).returncode == 0
    kind, program, *words = composed.services["redis"]["healthcheck"]["test"]
    assert kind == "CMD"
    port = urlsplit(composed.environment("web")["FACTEUR_REDIS_URL"]).port
    asked = subprocess.run(
        [program, "-p", str(port), *words], capture_output=True, text=True, check=False
    )
    assert asked.stdout == "PONG\n"


def is_healthy(composed: Composed, part: str) -> bool:
    return composed.check(part).returncode == 0


def uid_of_sites() -> int:
    return NOBODY if os.geteuid() == 0 else os.geteuid()
