"""`make soak`: mails by real PHP while what delivers them is killed every few seconds.

    python -m tests.support.soak [--mails 10000] [--seed 1] [--minutes 15] [--postgresql]

Several PHP processes call mail() through the sendmail command of a house as `manage.py up` runs it.
Meanwhile one of its programs after the other gets a kill -9, by a random schedule that the seed
makes: relay, worker, a run of the worker, beat, Redis, web, and PostgreSQL if that has the rows.
PostgreSQL is also away for a minute (`--away 60`), while PHP goes on. At the end nothing accepted
may be lost, the ledger must balance, and whatever arrived twice must have been past its final dot
when its sender died: whoever goes on to another message on a connection has committed the one
before.

Exits 1 if anything of that does not hold, or if it took longer than `--minutes`.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from tests.support import php, postgres, processes
from tests.support.gate import arrivals, unexplained
from tests.support.house import ACCOUNT, House, house
from tests.support.remote import Remote, remote

SENDERS = 4
# Between two kills, in seconds: at least, and at most.
PAUSES_S = (2.0, 5.0)
TELL_EVERY_S = 5
MARK = "soak-"
SCRIPT = """<?php
for ($number = %d; $number < %d; $number++)
    if (!mail("%s$number@example.org", "Number $number", "Mail number $number\\n"))
        echo "$number\\n";
"""


@dataclass(slots=True)
class Result:
    """What came of it; `problems` in words."""

    mails: int
    refused: int = 0
    arrived: int = 0
    twice: int = 0
    unexplained: list[str] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    elapsed_s: float = 0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        kills = ", ".join(f"{name} {number}" for name, number in sorted(self.kills.items()))
        return (
            f"{self.mails} mails in {self.elapsed_s:.0f} s; {self.kills.total()} kills ({kills});"
            f" refused {self.refused}, arrived {self.arrived},"
            f" lost {self.mails - self.refused - self.arrived}, twice {self.twice},"
            f" of these unexplained {len(self.unexplained)}"
        )


def soak(
    home: House,
    server: Remote,
    *,
    mails: int,
    seed: int,
    within_s: float,
    database: postgres.Server | None = None,
    away_s: float = 0,
    pauses_s: tuple[float, float] = PAUSES_S,
    say: Callable[[str], None] = print,
) -> Result:
    """Send, kill, wait until all has arrived; return what came of it. The house is running."""
    chance = random.Random(seed)
    result = Result(mails)
    began = time.monotonic()
    before = home.total("accepted")
    victims = [
        "relay",
        "worker",
        "run",
        "beat",
        "redis",
        "web",
        *(["database"] if database else []),
    ]
    told_at = began
    with _sending(home, mails) as senders:
        while time.monotonic() - began < within_s:
            arrived = len(arrivals(server, MARK))
            if senders.have_ended() and arrived >= mails - senders.refused():
                break
            if time.monotonic() - told_at > TELL_EVERY_S:
                told_at = time.monotonic()
                say(
                    f"{told_at - began:4.0f} s: {arrived} of {mails} arrived,"
                    f" {result.kills.total()} kills"
                )
            if database and away_s and arrived > mails // 4:
                say(f"The database is away for {away_s:.0f} s.")
                _be_away(database, away_s)
                result.kills["database away"] += 1
                away_s = 0
            if senders.have_ended():
                time.sleep(0.1)
                continue
            time.sleep(chance.uniform(*pauses_s))
            victim = chance.choice(victims)
            result.kills[victim] += _kill(home, database, victim)
    result.refused = senders.refused()
    _judge(home, server, result, before, began + within_s)
    result.elapsed_s = time.monotonic() - began
    return result


def _judge(home: House, server: Remote, result: Result, before: int, until: float) -> None:
    """Wait until the rows are settled, then count."""
    while home.total("sent") != home.total("accepted") and time.monotonic() < until:
        time.sleep(0.2)
    arrived = arrivals(server, MARK)
    result.arrived = len(arrived)
    result.twice = arrived.total() - len(arrived)
    result.unexplained = unexplained(server, MARK)
    taken = result.mails - result.refused
    if result.arrived != taken:
        result.problems.append(f"mail() was true {taken} times, {result.arrived} arrived")
    if result.unexplained:
        result.problems.append(f"twice, and nobody knows why: {result.unexplained[:10]}")
    line = home.ledger()[ACCOUNT]
    if line["accepted"] != before + taken:
        result.problems.append(f"accepted are {line['accepted']}, not {before + taken}")
    if line["sent"] != line["accepted"]:
        result.problems.append(f"not all is sent at the end: {line}")


class _Senders:
    """PHP processes that share the mails; each prints the numbers of those that were refused."""

    def __init__(self, home: House, mails: int) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._words = home.scripts / "soak-refused"
        for index in range(SENDERS):
            first, end = index * mails // SENDERS, (index + 1) * mails // SENDERS
            script = home.scripts / f"soak-{index}.php"
            script.write_text(SCRIPT % (first, end, MARK), encoding="ascii")
            with self._words.open("ab") as words:
                process = subprocess.Popen(
                    php.command(script, home.sendmail),
                    cwd=home.scripts,
                    stdin=subprocess.DEVNULL,
                    stdout=words,
                    stderr=subprocess.DEVNULL,
                )
            self._processes.append(process)

    def have_ended(self) -> bool:
        return all(process.poll() is not None for process in self._processes)

    def refused(self) -> int:
        """How many mails mail() was false for, so far."""
        return len(self._words.read_text(encoding="ascii").split())

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
            process.wait()


@contextmanager
def _sending(home: House, mails: int) -> Iterator[_Senders]:
    senders = _Senders(home, mails)
    try:
        yield senders
    finally:
        senders.stop()


def _be_away(database: postgres.Server, seconds: float) -> None:
    database.stop()
    try:
        time.sleep(seconds)
    finally:
        database.start()


def _kill(home: House, database: postgres.Server | None, victim: str) -> int:
    """kill -9 what is meant, if it runs just now; return whether it did."""
    if victim == "database":
        assert database is not None
        postgres.kill(database)
        return 1
    programs = home.programs()
    if victim != "run":
        numbers = [programs[victim]] if victim in programs else []
    else:
        worker = programs.get("worker", -1)
        numbers = [pid for pid in home.processes() if processes.parent(pid) == worker][:1]
    for pid in numbers:
        processes.kill(pid)
    return len(numbers)


@contextmanager
def stage(*, on_postgresql: bool) -> Iterator[tuple[House, Remote, postgres.Server | None]]:
    """A running house, the server behind it, and its PostgreSQL if it has one of its own."""
    with ExitStack() as stack:
        server = stack.enter_context(remote())
        database = stack.enter_context(postgres.with_database()) if on_postgresql else None
        home = stack.enter_context(
            house(
                has_account=False,
                smarthost=f"127.0.0.1:{server.port}",
                lease_seconds="4",
                sweep_seconds="1",
                **({"database_url": database.url} if database else {}),
            )
        )
        home.create_account(ACCOUNT, os.getuid())
        home.start()
        yield home, server, database


def main() -> int:
    """Run it; return 1 if mail was lost, or anything else was not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.soak", description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--postgresql", action="store_true")
    parser.add_argument("--away", type=float, default=60, help="seconds without the database")
    options = parser.parse_args()
    with stage(on_postgresql=options.postgresql) as (home, server, database):
        result = soak(
            home,
            server,
            mails=options.mails,
            seed=options.seed,
            within_s=60 * options.minutes,
            database=database,
            away_s=options.away,
        )
        if result.problems:
            print(home.output[-20_000:])
    print(result)
    for problem in result.problems:
        print(f"! {problem}")
    return int(bool(result.problems))


if __name__ == "__main__":
    sys.exit(main())
