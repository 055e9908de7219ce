"""The fault table: what dies, at which step, and that no mail is lost.

    what                         when                                     twice
    worker; one run of it        between MAIL, RCPT, DATA, after the dot  what was past the dot
    relay; Redis and beat;       the same, while mail comes in            nothing
      the database
    relay and worker             before the commit                        what was past the dot
    relay and worker             after it, before anybody is told         nothing
    the database away; deaf      while mail comes in: kept, or 451        nothing
    Redis emptied; deaf          while mail comes in                      nothing
    any of them                  at random while PHP sends                what was past the dot

Real processes on a PostgreSQL of their own, which can be killed; `test_kill` has the same for many
mails at once, `test_faults_disk` a full disk, `test_faults_peer` what another server may do.
After each row the ledger balances, and what arrived is counted.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
import redis

from tests.support import postgres, processes
from tests.support.gate import STEPS, Gate, arrivals, gate, unexplained
from tests.support.house import ACCOUNT, House, house
from tests.support.relaying import packed
from tests.support.soak import soak
from tests.support.waiting import eventually

MESSAGE = b"From: site@boutique.example\nSubject: fault\n\nIs it lost?\n"


@pytest.fixture(scope="module")
def database() -> Iterator[postgres.Server]:
    with postgres.with_database() as new:
        yield new


@pytest.fixture(scope="module")
def mx() -> Iterator[Gate]:
    with gate() as server:
        yield server


@pytest.fixture(scope="module")
def home(mx: Gate, database: postgres.Server) -> Iterator[House]:
    with house(
        has_account=False,
        smarthost=f"127.0.0.1:{mx.port}",
        lease_seconds="4",
        sweep_seconds="1",
        database_url=database.url,
    ) as new:
        new.create_account(ACCOUNT, os.getuid())
        new.start()
        yield new
    # Shown with a failed test.
    print(new.output)


def command(home: House, *recipients: str) -> "subprocess.Popen[bytes]":
    """Call the sendmail command, and wait for nothing."""
    process = subprocess.Popen(
        [home.sendmail, "-i", *recipients],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    process.stdin.write(MESSAGE)
    process.stdin.close()
    process.stdin = None
    return process


def send(home: House, mark: str, number: int) -> list[str]:
    """Send mails by the command, all at once; return the recipients: all are taken."""
    addresses = [f"{mark}-{index}@example.org" for index in range(number)]
    calls = [command(home, address) for address in addresses]
    assert [call.wait(60) for call in calls] == [0] * number
    return addresses


def check(home: House, mx: Gate, mark: str, expected: list[str], within_s: float = 40) -> int:
    """All arrive, the ledger balances with nothing left; return how many arrived twice."""
    eventually(lambda: arrivals(mx, mark).keys() >= set(expected), within_s, "all arrive")
    eventually(lambda: home.total("sent") == home.total("accepted"), within_s, "all is settled")
    assert home.ledger()[ACCOUNT]["accepted"] == home.total("sent")
    assert arrivals(mx, mark).keys() == set(expected)
    assert unexplained(mx, mark) == []
    return sum(arrivals(mx, mark).values()) - len(expected)


def kill(home: House, database: postgres.Server, victim: str) -> None:
    """kill -9; who is not restarted by the house is here."""
    if victim == "database":
        postgres.kill(database)
    elif victim == "run":
        worker = home.programs()["worker"]
        children = [pid for pid in home.processes() if processes.parent(pid) == worker]
        assert len(children) == 2
        for pid in children:
            processes.kill(pid)
    else:
        for name in victim.split(" and "):
            killed = home.kill(name)
            home.wait_for_program(name, other_than=killed)


@pytest.mark.parametrize("victim", ["worker", "run", "relay", "redis and beat", "database"])
def test_killed_at_every_step_of_a_delivery(
    home: House, mx: Gate, database: postgres.Server, victim: str
) -> None:
    mark = f"step-{victim.replace(' ', '-')}"
    mx.hold(*STEPS)
    expected = send(home, mark, 6)
    mx.wait_until_held(*STEPS)

    # Some of it comes in while the house is lame.
    dying = threading.Thread(target=kill, args=(home, database, victim))
    dying.start()
    expected += send(home, f"{mark}-more", 4)
    dying.join()
    mx.release()

    twice = check(home, mx, mark, expected)
    # What waited for the answer to its final dot; and what was answered and not yet written down.
    assert twice in ({1, 2, 3} if victim in {"worker", "run"} else {0}), arrivals(mx, mark)


@contextmanager
def locked(database: postgres.Server) -> Iterator[None]:
    """Nobody can commit a change of e-mails while the block runs."""
    with psycopg.connect(database.url) as connection:
        connection.execute(b"LOCK TABLE mailqueue_recipient, mailqueue_message IN SHARE MODE")
        yield
        connection.rollback()


def waiting_for_lock(database: postgres.Server) -> int:
    with psycopg.connect(database.url) as connection:
        row = connection.execute(
            b"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        ).fetchone()
    assert row is not None
    return int(row[0])


def test_killed_before_the_commit(home: House, mx: Gate, database: postgres.Server) -> None:
    mx.hold("dot")
    expected = send(home, "before", 1)
    mx.wait_until_held("dot")
    with locked(database):
        # The worker has its answer and cannot write it down, the relay has a mail.
        mx.release()
        eventually(lambda: arrivals(mx, "before"), 10, "the mail has arrived")
        call = command(home, "before-relay@example.org")
        eventually(lambda: waiting_for_lock(database) >= 2, 10, "both wait for the lock")
        killed = [(name, home.kill(name)) for name in ("relay", "worker")]
        assert call.wait(20) == 0
        for name, pid in killed:
            home.wait_for_program(name, other_than=pid)

    twice = check(home, mx, "before", [*expected, "before-relay@example.org"])
    assert arrivals(mx, "before")["before-relay@example.org"] == 1
    assert twice == 1, "it had gone out, and nobody knew"


def test_killed_after_the_commit(home: House, mx: Gate) -> None:
    """The relay before its caller hears of it, the worker as soon as the outcome is there."""
    number = os.urandom(16).hex()
    packet = packed(b"-i", b"after-relay@example.org", message=MESSAGE, number=number)
    accepted = home.total("accepted")
    with home.relay() as caller:
        caller.sendall(packet)
        eventually(lambda: home.total("accepted") == accepted + 1, 10, "it is committed")
        relay = home.kill("relay")
    # So its command does when it hears nothing.
    kept = home.data / "maildrop" / number
    kept.touch(0o640)
    kept.chmod(0o640)
    kept.write_bytes(packet)
    eventually(lambda: home.total("sent") == home.total("accepted"), 20, "it is sent")
    worker = home.kill("worker")
    home.wait_for_program("relay", other_than=relay)
    home.wait_for_program("worker", other_than=worker)
    eventually(lambda: not kept.exists(), 10, "the relay has looked into the maildrop")

    assert check(home, mx, "after", ["after-relay@example.org"]) == 0
    assert home.total("accepted") == accepted + 1


def by_smtp(home: House, address: str) -> bytes:
    """The last reply to a mail by `sendmail -bs`; a conversation goes as far as it can."""
    words = (
        b"EHLO x\r\nMAIL FROM:<site@boutique.example>\r\nRCPT TO:<%b>\r\nDATA\r\n%b.\r\nQUIT\r\n"
        % (address.encode(), MESSAGE.replace(b"\n", b"\r\n"))
    )
    result = subprocess.run(
        [home.sendmail, "-bs"], input=words, capture_output=True, timeout=60, check=False
    )
    replies = [line for line in result.stdout.splitlines() if line[3:4] == b" "]
    assert replies[-1].startswith((b"221", b"421")), result
    return next(line for line in reversed(replies) if not line.startswith(b"221"))


def test_the_database_is_away_while_mail_comes_in(
    home: House, mx: Gate, database: postgres.Server
) -> None:
    expected = send(home, "away", 2)
    database.stop()
    try:
        expected += send(home, "away-more", 5)
        assert len(list((home.data / "maildrop").iterdir())) == 5
        assert by_smtp(home, "away-smtp@example.org").startswith(b"451")
    finally:
        database.start()
    assert check(home, mx, "away", expected) == 0
    assert by_smtp(home, "away-smtp@example.org").startswith(b"250")
    assert check(home, mx, "away", [*expected, "away-smtp@example.org"]) == 0


def test_the_database_is_deaf_while_mail_comes_in(
    home: House, mx: Gate, database: postgres.Server
) -> None:
    addresses = [f"deaf-{index}@example.org" for index in range(5)]
    stopped = database.processes
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    try:
        calls = [command(home, address) for address in addresses]
        time.sleep(2)
    finally:
        for pid in reversed(stopped):
            os.kill(pid, signal.SIGCONT)
    assert [call.wait(30) for call in calls] == [0] * 5
    assert check(home, mx, "deaf", addresses) == 0


def test_redis_is_emptied_and_deaf_while_mail_comes_in(home: House, mx: Gate) -> None:
    pid = home.programs()["redis"]
    client = redis.Redis(unix_socket_path=str(home.data / "run" / "redis.sock"))
    with client:
        expected = send(home, "hints", 3)
        client.flushall()
        expected += send(home, "hints-more", 3)
        client.flushall()
        os.kill(pid, signal.SIGSTOP)
        try:
            expected += send(home, "hints-last", 3)
            time.sleep(2)
        finally:
            os.kill(pid, signal.SIGCONT)
        client.flushall()
    assert check(home, mx, "hints", expected) == 0


def test_killed_at_random_while_php_sends(home: House, mx: Gate, database: postgres.Server) -> None:
    """The short form of `make soak`."""
    result = soak(home, mx, mails=300, seed=20, within_s=90, database=database, pauses_s=(0.2, 0.8))
    print(result)
    assert result.problems == []
    assert result.refused == 0
    assert result.kills.total() >= 3
