"""`manage.py up`: one word starts everything, one signal ends it, and nothing is left behind."""

import re
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from tests.support.house import ACCOUNT, House, house, is_listening, wait_until_gone
from tests.support.pages import Pages
from tests.support.php import SUCCESS, guide_script
from tests.support.redis import private_redis
from tests.support.waiting import eventually


@pytest.fixture
def new() -> Iterator[House]:
    """A house that nobody has started yet."""
    with house(sweep_seconds="1") as made:
        yield made


def assert_all_gone(stopped: House) -> None:
    wait_until_gone(stopped)
    assert not is_listening(stopped.port)
    assert [path for path in (stopped.data / "run").iterdir() if path.is_socket()] == []
    assert list(stopped.data.glob("**/*.pid")) == []


def test_the_first_start_tells_all_that_a_person_needs(new: House) -> None:
    del new.environment["FACTEUR_ADMIN_PASSWORD"]
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
    eventually(lambda: new.ledger()["boutique-demo.example"]["accepted"] == demo["accepted"] + 1)

    assert new.stop() == 0
    assert_all_gone(new)
    started = len(new.lines)
    new.start()
    assert "Password:" not in "\n".join(new.lines[started:])
    # What was there is there, and the demo was made once.
    assert list(new.ledger()) == ["boutique-demo.example"]
    new.pages(login, password)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_everything_within_ten_seconds(new: House, number: int) -> None:
    new.create_account()
    new.start()
    assert set(new.programs()) == {"web", "relay", "worker", "beat", "redis"}
    began = time.monotonic()
    assert new.stop(number, within_s=10) == 0
    assert time.monotonic() - began < 10
    assert "Traceback" not in new.output
    assert_all_gone(new)


def test_a_given_password_is_taken_and_not_printed(new: House) -> None:
    new.create_account()
    new.start()
    assert new.environment["FACTEUR_ADMIN_PASSWORD"] not in new.output
    new.pages()
    # No program that it runs was told.
    for pid in new.programs().values():
        with open(f"/proc/{pid}/environ", "rb") as variables:
            assert b"FACTEUR_ADMIN_PASSWORD" not in variables.read()
    assert "boutique-demo.example" not in new.ledger()


def test_a_weak_password_is_refused_before_anything_starts(new: House) -> None:
    new.environment["FACTEUR_ADMIN_PASSWORD"] = "short"
    new.create_account()
    new.launch()
    assert new.wait_for_end() == 1
    assert "FACTEUR_ADMIN_PASSWORD: " in new.lines[-1]
    assert_all_gone(new)


def test_every_program_comes_back_when_it_is_killed(new: House) -> None:
    new.create_account()
    new.start()
    for name in ("web", "relay", "worker", "beat", "redis"):
        killed = new.kill(name)
        new.wait_for_line(f"{name} was ended by signal 9 (Killed); it is started again")
        new.wait_for_program(name, other_than=killed, within_s=5)
    eventually(lambda: _answers(new), 20)
    assert new.php(guide_script("you@example.org")).stdout == SUCCESS
    eventually(lambda: new.ledger()[ACCOUNT]["sent"] == 1, 30)
    assert new.stop() == 0
    assert_all_gone(new)


def test_nobody_else_can_read_the_mail_or_the_secret(new: House) -> None:
    new.create_account()
    new.start()
    for path in new.data.iterdir():
        if path.name.startswith(("facteur.sqlite3", "secret_key", "cache")):
            assert path.stat().st_mode & 0o077 == 0, path


def _answers(running: House) -> bool:
    return Pages(running.url).get("/login/").status == 200


def test_nothing_is_left_when_up_itself_is_killed(new: House) -> None:
    new.create_account()
    new.start()
    new.stop(signal.SIGKILL)
    wait_until_gone(new)
    assert not is_listening(new.port)
    # And the sockets that were left stand in nobody's way.
    new.start()
    assert new.stop() == 0


def test_a_second_up_says_that_one_is_running(new: House) -> None:
    new.create_account()
    new.start()
    with house() as second:
        second.environment["FACTEUR_DATA_DIR"] = str(new.data)
        second.launch()
        assert second.wait_for_end() == 1
        assert second.lines == [f"CommandError: Facteur is already running on {new.data}."]
        second.environment["FACTEUR_DATA_DIR"] = str(second.data)
    assert _answers(new)


def test_a_port_that_is_taken_is_said_before_anything_starts(new: House) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", new.port))
        other.listen()
        new.launch()
        assert new.wait_for_end() == 1
    (line,) = new.lines
    assert f"127.0.0.1:{new.port}" in line
    assert "already in use" in line
    assert not (new.data / "facteur.sqlite3").exists()
    assert new.processes() == {}


def test_a_socket_that_is_taken_is_said_before_anything_starts(new: House) -> None:
    run = new.data / "run"
    run.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(run / "relay.sock"))
        other.listen()
        new.launch()
        assert new.wait_for_end() == 1
    assert new.lines == [f"CommandError: Another program already listens on {run / 'relay.sock'}."]
    assert not (new.data / "facteur.sqlite3").exists()


def test_it_runs_with_a_redis_that_is_already_there(new: House) -> None:
    new.create_account()
    with private_redis() as url:
        new.environment["FACTEUR_REDIS_URL"] = url
        new.start()
        assert set(new.programs()) == {"web", "relay", "worker", "beat"}
        assert new.php(guide_script("you@example.org")).stdout == SUCCESS
        eventually(lambda: new.ledger()[ACCOUNT]["sent"] == 1, 30)
        assert new.stop() == 0
