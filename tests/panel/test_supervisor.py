"""Programs side by side: started in order, watched, restarted, stopped, and never left behind."""

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parent.parent.parent
# Supervises what it is given: name, stage and shell command of each program.
SUPERVISE = """
import asyncio, os, sys
from panel.supervisor import Program, Supervisor

programs = [
    Program(
        name,
        ("/bin/sh", "-c", command),
        dict(os.environ),
        stage=int(stage),
        is_chatty=name == "chatty",
    )
    for name, stage, command in zip(*[iter(sys.argv[1:])] * 3)
]
say = lambda text: print(text, flush=True)
is_fine = asyncio.run(Supervisor(programs, say).run(lambda: say("all are ready")))
print("fine" if is_fine else "failed", flush=True)
"""
# Runs until it is told to stop; a shell would wait for the end of a plain sleep first.
STAY = "sleep 600 & wait"
STUBBORN = "trap '' TERM; while :; do sleep 0.1; done"


class Run:
    """A supervisor that runs, and what it has printed."""

    def __init__(self, *words: str) -> None:
        self.mark = secrets.token_hex(8)
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISE, *words],
            cwd=ROOT,
            env={**os.environ, "SUPERVISED": self.mark},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        self.output = self.process.stdout

    def read_until(self, words: str) -> list[str]:
        """The lines up to the one that holds `words`."""
        lines = []
        for line in self.output:
            lines.append(line.rstrip())
            if words in line:
                return lines
        raise AssertionError(f"no {words!r} in {lines}")

    def left(self) -> dict[int, str]:
        """All processes of this run that are alive, the supervisor too."""
        return processes.with_variable("SUPERVISED", self.mark)

    def running(self, command: str) -> list[int]:
        """Those of them whose command line begins with `command`."""
        return [pid for pid, line in self.left().items() if line.startswith(command)]

    def close(self) -> None:
        """End whatever a failed test left."""
        self.process.kill()
        for pid in self.left():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.output.close()


@pytest.fixture
def runs() -> Iterator[list[Run]]:
    """Runs that are ended with the test."""
    started: list[Run] = []
    yield started
    for run in started:
        run.close()


def supervise(runs: list[Run], *words: str) -> Run:
    run = Run(*words)
    runs.append(run)
    return run


def test_it_passes_on_what_programs_print_behind_their_names(runs: list[Run]) -> None:
    run = supervise(runs, "one", "1", f"echo hello; {STAY}", "longer", "1", f"echo x >&2; {STAY}")
    lines = [*run.read_until(" | "), *run.read_until(" | ")]
    assert {"one    | hello", "longer | x"} <= set(lines)


def test_it_starts_a_program_again_that_was_killed(runs: list[Run]) -> None:
    run = supervise(runs, "one", "1", f"echo here $$; {STAY}")
    first = int(run.read_until("here")[-1].split()[-1])
    os.kill(first, signal.SIGKILL)
    told, *_, again = run.read_until("here")
    assert told == "one was ended by signal 9 (Killed); it is started again in 0.5 s."
    assert int(again.split()[-1]) != first


def test_it_waits_longer_each_time_a_program_dies_at_once(runs: list[Run]) -> None:
    run = supervise(runs, "one", "1", "exit 3")
    run.read_until("ended with exit status 3; it is started again in 0.5 s.")
    run.read_until("started again in 1 s.")
    run.read_until("started again in 2 s.")


def test_it_ends_what_a_dead_program_had_started(runs: list[Run]) -> None:
    run = supervise(runs, "one", "1", "sleep 601 & echo here $$; wait")
    first = int(run.read_until("here")[-1].split()[-1])
    (child,) = eventually(lambda: run.running("sleep 601"))
    os.kill(first, signal.SIGKILL)
    eventually(lambda: child not in run.left())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_stops_all_when_it_is_told_to(runs: list[Run], number: int) -> None:
    run = supervise(runs, "one", "1", STAY, "two", "1", STAY)
    run.read_until("all are ready")
    run.process.send_signal(number)
    run.read_until("fine")
    assert run.process.wait(5) == 0
    assert run.left() == {}


def test_it_stops_the_first_stage_last(runs: list[Run]) -> None:
    said = "trap 'echo ends; exit' TERM; while :; do sleep 0.05; done"
    run = supervise(runs, "late", "1", said, "base", "0", said)
    run.read_until("all are ready")
    # The shells have had the time to set their traps.
    eventually(lambda: len(run.running("sleep 0.05")) == 2)
    run.process.terminate()
    lines = run.read_until("fine")
    ends = [line.split()[0] for line in lines if line.endswith("ends")]
    assert ends == ["late", "base"]


def test_it_kills_who_does_not_stop(runs: list[Run]) -> None:
    run = supervise(runs, "deaf", "1", STUBBORN)
    run.read_until("all are ready")
    eventually(lambda: run.running("sleep 0.1"))
    run.process.terminate()
    run.read_until("deaf did not stop within 7 s and is killed.")
    assert run.process.wait(2) == 0
    assert run.left() == {}


def test_it_leaves_nothing_behind_when_it_is_killed_itself(runs: list[Run]) -> None:
    run = supervise(runs, "one", "1", "sleep 602 & echo here; wait", "deaf", "1", STUBBORN)
    run.read_until("here")
    run.process.kill()
    run.process.wait()
    eventually(lambda: not run.left(), within_s=5)


def test_it_says_when_a_program_cannot_be_started(runs: list[Run]) -> None:
    run = supervise(runs, "one", "1", "exec /nonexistent/program")
    assert any("ended with exit status 127" in line for line in run.read_until("again"))


def test_it_shows_the_words_of_a_chatty_program_when_it_dies(runs: list[Run]) -> None:
    run = supervise(runs, "chatty", "1", "echo blah; echo argh; exit 1")
    lines = run.read_until("is started again")
    assert lines[-3:-1] == ["chatty | blah", "chatty | argh"]
