"""`make test`: all tests, in two lanes that run beside each other.

    python -m tests.support.runs

One lane has what waits much, whole journeys and browsers; the other the rest. Each then runs once
more on PostgreSQL what touches rows. On a machine with one processor they follow each other. The
first lane is shown as it goes, the second when it has ended. Exits 1 if any test failed in either.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTEST = (sys.executable, "-m", "pytest")
ON_POSTGRESQL = (sys.executable, "-m", "tests.support.postgres", *PYTEST)

WAITING = ("tests/flow", "tests/browser")
# What a lost connection, a kill or a click does to rows, and what touches them.
JOURNEYS = (
    "tests/flow/test_main_job.py",
    "tests/flow/test_kill.py",
    "tests/flow/test_faults_peer.py",
)
# With the journeys that keep both lanes about as long.
ROWS = (
    "tests/flow/test_screening_journey.py",
    "tests/flow/test_states_journey.py",
    "tests/flow/test_way_back.py",
    "tests/flow/test_tester_journey.py",
    "tests/mailqueue",
    "tests/relay/test_fairness.py",
    "tests/relay/test_intake.py",
    "tests/relay/test_probing.py",
    "tests/relay/test_screener.py",
)
FIRST = (
    ("journeys and browsers, on SQLite", (*PYTEST, *WAITING)),
    ("journeys that touch rows, on PostgreSQL", (*ON_POSTGRESQL, *JOURNEYS)),
)
SECOND = (
    (
        "all other tests, on SQLite",
        (*PYTEST, *(f"--ignore={path}" for path in WAITING), "tests"),
    ),
    ("what touches rows, on PostgreSQL", (*ON_POSTGRESQL, *ROWS)),
)

Lane = Sequence[tuple[str, Sequence[str]]]


def main() -> int:
    """Run both lanes; return 1 if one failed."""
    if (os.cpu_count() or 1) < 2:
        return max(_run(FIRST), _run(SECOND))
    began = time.monotonic()
    with tempfile.TemporaryFile("w+") as words:
        other = subprocess.Popen(
            [sys.executable, "-m", "tests.support.runs", "--second"],
            cwd=ROOT,
            stdout=words,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        try:
            has_failed = bool(_run(FIRST))
            print("== The other lane ends its tests…", flush=True)
            has_failed |= other.wait() != 0
        finally:
            if other.poll() is None:
                other.terminate()
                other.wait()
            words.seek(0)
            print(words.read(), flush=True)
    print(f"== All tests took {time.monotonic() - began:.0f} s.", flush=True)
    return int(has_failed)


def _run(lane: Lane) -> int:
    """Run all commands of a lane; return 1 if one failed."""
    has_failed = False
    for name, command in lane:
        print(f"== {name[0].upper()}{name[1:]}", flush=True)
        environment = dict(os.environ)
        if command[: len(ON_POSTGRESQL)] != ON_POSTGRESQL:
            environment.pop("FACTEUR_DATABASE_URL", None)
        result = subprocess.run(command, cwd=ROOT, env=environment, check=False)
        # Whatever else than 0: killed by a signal it is below.
        has_failed |= result.returncode != 0
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(_run(SECOND) if "--second" in sys.argv else main())
