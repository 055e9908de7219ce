"""The relay as a process: a second one, kill -9, SIGTERM while mail comes in."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.house import ROOT, House, house
from tests.support.waiting import eventually

MESSAGE = b"To: you@example.org\nSubject: s\n\nbody\n"


@pytest.fixture(scope="module")
def home() -> Iterator[House]:
    with house(hostname="house.test") as new:
        assert new.manage("installsendmail", str(new.sendmail)).returncode == 0
        yield new


def start(home: House, *options: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "manage.py", "runrelay", *options],
        cwd=ROOT,
        env=home.environment,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    eventually(lambda: is_listening(home, "relay") and is_listening(home, "simulator"), 30)
    return process


def is_listening(home: House, name: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        # One that was killed has left its socket behind.
        return probe.connect_ex(str(home.data / "run" / f"{name}.sock")) == 0


def call(
    home: House, *arguments: str, message: bytes = MESSAGE
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        [home.sendmail, *arguments], input=message, capture_output=True, timeout=60, check=False
    )


def kept(home: House) -> list[str]:
    folder = home.data / "maildrop"
    return os.listdir(folder) if folder.exists() else []


def end(process: "subprocess.Popen[str]", number: int = signal.SIGTERM) -> tuple[int, str]:
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    return process.returncode, errors


def test_a_second_relay_gives_way_and_takes_nothing_from_the_first(home: House) -> None:
    first = start(home)
    try:
        sockets = {path: path.stat().st_ino for path in (home.data / "run").glob("*.sock")}
        assert len(sockets) == 2
        second = home.manage("runrelay")
        assert second.returncode == 1
        assert "Another relay" in second.stderr
        assert "Traceback" not in second.stderr
        assert {path: path.stat().st_ino for path in sockets} == sockets
        assert call(home, "-t").returncode == 0
        assert kept(home) == []
    finally:
        assert end(first)[0] == 0


def test_nothing_is_lost_or_doubled_by_kill_and_sigterm(home: House) -> None:
    before = home.ledger()["boutique.example"]["accepted"]
    results: list[int] = []
    stopping = threading.Event()

    def write() -> None:
        while not stopping.is_set():
            results.append(call(home, "-t", "-i").returncode)

    writers = [threading.Thread(target=write) for _ in range(3)]
    process = start(home)
    for writer in writers:
        writer.start()
    try:
        for number in (signal.SIGKILL, signal.SIGTERM):
            results_before = len(results)
            while len(results) < results_before + 20:
                stopping.wait(0.05)
            status, errors = end(process, number)
            assert status == (0 if number == signal.SIGTERM else -signal.SIGKILL)
            assert "Traceback" not in errors
            process = start(home)
    finally:
        stopping.set()
        for writer in writers:
            writer.join()
        eventually(lambda: not kept(home), 30, "the maildrop is empty")
        status, errors = end(process)
    assert (status, "Traceback" in errors) == (0, False)
    assert set(results) == {0}
    assert home.ledger()["boutique.example"]["accepted"] == before + len(results)


def test_what_came_while_it_was_away_is_taken(home: House) -> None:
    before = home.ledger()["boutique.example"]["accepted"]
    assert call(home, "-t", message=MESSAGE).returncode == 0
    assert len(kept(home)) == 1
    process = start(home)
    eventually(lambda: not kept(home), 30, "it is taken")
    assert end(process)[0] == 0
    assert home.ledger()["boutique.example"]["accepted"] == before + 1


def children(process: "subprocess.Popen[str]") -> list[int]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii")
    return [int(pid) for pid in listed.split()]


def kill(process: "subprocess.Popen[str]", child: int) -> None:
    os.kill(child, signal.SIGKILL)
    eventually(lambda: child not in children(process), 30)


def wait_for_more(results: list[int]) -> None:
    seen = len(results)
    eventually(lambda: len(results) > seen + 10, 30, "the others go on")


def test_a_process_that_dies_is_replaced_and_nothing_is_lost(home: House) -> None:
    """Which one it is makes no difference: the first has the maildrop and the simulator."""
    before = home.ledger()["boutique.example"]["accepted"]
    process = start(home, "--processes", "2")
    results: list[int] = []
    stopping = threading.Event()

    def write() -> None:
        while not stopping.is_set():
            results.append(call(home, "-t", "-i").returncode)

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    try:
        for place in (0, 1):
            eventually(lambda: len(children(process)) == 2, 30)
            kill(process, children(process)[place])
            wait_for_more(results)
        eventually(lambda: len(children(process)) == 2, 30, "both have their successors")
    finally:
        stopping.set()
        for writer in writers:
            writer.join()
    eventually(lambda: not kept(home), 30, "the maildrop is empty")
    status, errors = end(process)
    assert (status, "Traceback" in errors) == (0, False)
    assert errors.count("replaced=yes") == 2
    assert set(results) == {0}
    assert home.ledger()["boutique.example"]["accepted"] == before + len(results)


def test_processes_end_with_their_parent(home: House) -> None:
    process = start(home, "--processes", "2")
    both = children(process)
    assert len(both) == 2
    end(process, signal.SIGKILL)
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in both), 30)
    # Nobody holds the place any more.
    assert end(start(home))[0] == 0


def test_two_processes_keep_one_quota(home: House) -> None:
    """What is over it is held, whoever takes it: they count in one transaction with the mail."""
    before = home.ledger()["boutique.example"]
    set_quota(home, before["accepted"] - before["held"] + 15)
    process = start(home, "--processes", "2")

    def write() -> None:
        for _ in range(12):
            assert call(home, "-t", "-i").returncode == 0

    try:
        threads = [threading.Thread(target=write) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        assert end(process)[0] == 0
        set_quota(home, None)
    after = home.ledger()["boutique.example"]
    assert after["accepted"] == before["accepted"] + 48
    assert after["held"] == before["held"] + 33


def set_quota(home: House, hourly: int | None) -> None:
    script = (
        "from mailqueue import accounts; from mailqueue.models import HostingAccount as H;"
        " number = H.objects.get(service_name='boutique.example').pk;"
        f" accounts.change(number, hourly_quota={hourly})"
    )
    result = home.manage("shell", "-c", script)
    assert result.returncode == 0, result.stderr
