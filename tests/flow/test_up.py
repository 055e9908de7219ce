"""`manage.py up`: one word starts everything, one signal ends it, and nothing is left behind."""

import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.house import ACCOUNT, House, house, is_listening, wait_until_gone
from tests.support.pages import Pages
from tests.support.php import SUCCESS, guide_script
from tests.support.redis import private_redis
from tests.support.waiting import eventually


@pytest.fixture
def new() -> Iterator[House]:
    """A house that nobody has started yet, with an account."""
    with house(sweep_seconds="1") as made:
        yield made


def assert_all_gone(stopped: House) -> None:
    wait_until_gone(stopped)
    # A process gives up its files a moment after its memory.
    eventually(lambda: not is_listening(stopped.port), within_s=2)
    assert [path for path in (stopped.data / "run").iterdir() if path.is_socket()] == []
    assert list(stopped.data.glob("**/*.pid")) == []


def test_the_first_start_tells_all_that_a_person_needs() -> None:
    with house(has_account=False) as new:
        del new.environment["FACTEUR_ADMIN_PASSWORD"]
        _start_twice(new)


def _start_twice(new: House) -> None:
    new.start()
    assert f"Panel:    {new.url}/" in new.output
    assert f'sendmail_path = "{new.sendmail} -t -i"' in new.output
    found = re.search(r"Login: +(\S+)\n +Password: +(\S+)", new.output)
    assert found
    login, password = found.groups()
    # Kept nowhere in clear.
    for path in new.data.rglob("*"):
        if path.is_file():
            assert password.encode() not in path.read_bytes(), path
    words = new.pages(login, password).get("/web/hosting/").words
    assert "boutique-demo.example" in words

    (demo,) = new.ledger().values()
    assert 3500 <= demo["sent"] + demo["failed"] <= 5500
    assert 0.005 <= demo["failed"] / demo["accepted"] <= 0.05
    assert demo["accepted"] == demo["sent"] + demo["failed"]
    # The demo is tied to whoever started it.
    assert new.php(guide_script("you@example.org")).stdout == SUCCESS
    assert new.total("accepted", "boutique-demo.example") == demo["accepted"] + 1

    assert new.stop() == 0
    assert_all_gone(new)
    started = len(new.lines)
    new.start()
    assert "Password:" not in "\n".join(new.lines[started:])
    # What was there is there, and the demo was made once.
    assert list(new.ledger()) == ["boutique-demo.example"]
    new.pages(login, password)


def test_a_signal_ends_everything_within_ten_seconds_and_keeps_the_data(new: House) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        new.start()
        assert set(new.programs()) == {"web", "relay", "worker", "beat", "redis"}
        began = time.monotonic()
        assert new.stop(number, within_s=10) == 0
        assert time.monotonic() - began < 10
        assert_all_gone(new)
    new.start()
    new.stop(signal.SIGKILL)
    wait_until_gone(new)
    eventually(lambda: not is_listening(new.port), within_s=2)
    # And the sockets that were left stand in nobody's way.
    new.start()
    assert "Traceback" not in new.output
    new.pages()
    assert list(new.ledger()) == [ACCOUNT]


def test_a_given_password_is_taken_and_told_to_nobody(home: House) -> None:
    assert home.environment["FACTEUR_ADMIN_PASSWORD"] not in home.output
    home.pages()
    for pid in home.programs().values():
        assert b"FACTEUR_ADMIN_PASSWORD" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_a_house_in_use_gets_no_demo(home: House) -> None:
    assert list(home.ledger()) == [ACCOUNT]


def test_a_weak_password_is_refused_before_anything_starts(new: House) -> None:
    new.environment["FACTEUR_ADMIN_PASSWORD"] = "short"
    new.launch()
    assert new.wait_for_end() == 1
    assert "FACTEUR_ADMIN_PASSWORD: " in new.lines[-1]
    assert_all_gone(new)


def test_every_program_comes_back_when_it_is_killed(home: House) -> None:
    for name in ("web", "relay", "worker", "beat", "redis"):
        killed = home.kill(name)
        home.wait_for_line(f"{name} was ended by signal 9 (Killed); it is started again")
        home.wait_for_program(name, other_than=killed, within_s=5)
    eventually(lambda: _answers(home), 20)
    sent = home.total("sent")
    assert home.php(guide_script("you@example.org")).stdout == SUCCESS
    eventually(lambda: home.total("sent") == sent + 1, 30)


def test_nobody_else_can_read_the_mail_or_the_secret() -> None:
    with house(has_account=False) as new:
        assert new.manage("migrate", "-v", "0").returncode == 0
        _assert_private(new)


def _assert_private(new: House) -> None:
    for path in new.data.iterdir():
        if path.name.startswith(("facteur.sqlite3", "secret_key", "cache")):
            assert path.stat().st_mode & 0o077 == 0, path


def _answers(running: House) -> bool:
    return Pages(running.url).get("/login/").status == 200


def test_a_second_up_says_that_one_is_running(home: House) -> None:
    with house(has_account=False) as second:
        second.environment["FACTEUR_DATA_DIR"] = str(home.data)
        second.launch()
        assert second.wait_for_end() == 1
        assert second.lines == [f"CommandError: Facteur is already running on {home.data}."]
    assert _answers(home)


def test_a_port_that_is_taken_is_said_before_anything_starts(new: House) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", new.port))
        other.listen()
        new.launch()
        assert new.wait_for_end() == 1
    (line,) = new.lines
    assert f"127.0.0.1:{new.port}" in line
    assert "already in use" in line
    assert new.processes() == {}


def test_a_socket_that_is_taken_is_said_before_anything_starts(new: House) -> None:
    run = new.data / "run"
    run.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(run / "relay.sock"))
        other.listen()
        new.launch()
        assert new.wait_for_end() == 1
    assert new.lines == [f"CommandError: Another program already listens on {run / 'relay.sock'}."]
    assert new.processes() == {}


def test_it_runs_with_a_redis_that_is_already_there(new: House) -> None:
    with private_redis() as url:
        new.environment["FACTEUR_REDIS_URL"] = url
        new.start()
        assert set(new.programs()) == {"web", "relay", "worker", "beat"}
        assert new.php(guide_script("you@example.org")).stdout == SUCCESS
        eventually(lambda: new.total("sent") == 1, 30)
        assert new.stop() == 0
