"""Memory: of all processes of `manage.py up`, idle and at work; and of a large message in a relay.

Proportional set sizes (PSS): a page that processes share counts once, a share for each. For the
large message: the peak of the relay's resident memory over what it held before, in copies of it.
"""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Row
from bench.house import ROOT, House, free_port
from bench.load import by_smtp, by_xsendmail, message_of
from bench.sinks import sink
from bench.stage import Stage
from tests.support import processes

IDLE_TARGET_MB = 300
# What a process did at its start is over by then, in seconds.
SETTLED_S = 8.0
START_S = 60.0
LOOK_S = 0.2
LARGE_BYTES = 10_000_000
ALONE = "Postfix keeps a message in a file"
SHIM = Row("copies of a 10 MB message in the relay, XSENDMAIL (≤ 2)", "copies", 2, alone=ALONE)
PLAIN = Row("copies of a 10 MB message in the relay, SMTP (≤ 4)", "copies", 2, alone=ALONE)
# What tells a program by its command line.
MARKS = {
    "web": "gunicorn",
    "relay": "runrelay",
    "worker": " worker ",
    "beat": "mailqueue.clock",
    "redis": "redis-server",
    "guard": "guard.py",
    "up": "panel.keeping",
}


async def measure(stage: Stage) -> None:
    """Weigh a whole house, then a relay with a large message."""
    await _house(stage)
    await _large(stage)


async def _house(stage: Stage) -> None:
    kind, make = next(iter(stage.databases.items()))
    async with sink() as server:
        bind = f"127.0.0.1:{free_port()}"
        house = House(stage.new_folder(), make(), smarthost=f"127.0.0.1:{server.port}", bind=bind)
        with _up(house):
            await asyncio.sleep(SETTLED_S)
            for name, megabytes in (weighed := _weigh(house)).items():
                stage.figures.note(_row(name, "idle"), kind, megabytes)
            total = sum(weighed.values())
            row = _row(f"all of them (≤ {IDLE_TARGET_MB})", "idle")
            stage.figures.note(row, kind, total)
            mails = stage.mails(3000)
            server.expect(mails)
            work = asyncio.create_task(by_xsendmail(house.socket, mails, 10, message_of(4000)))
            most = await _most(house, [work, asyncio.create_task(server.elapsed())])
            for name, megabytes in most.items():
                stage.figures.note(_row(name, "at work"), kind, megabytes)
            stage.figures.note(_row("all of them", "at work"), kind, sum(most.values()))


def _row(name: str, when: str) -> Row:
    return Row(f"memory {when}: {name}", "MB", alone="another kind of program")


async def _most(house: House, tasks: "list[asyncio.Task[float]]") -> dict[str, float]:
    """The most that each program had while the tasks ran."""
    most: dict[str, float] = {}
    while any(not task.done() for task in tasks):
        for name, megabytes in (await asyncio.to_thread(_weigh, house)).items():
            most[name] = max(most.get(name, 0), megabytes)
        await asyncio.sleep(LOOK_S)
    await asyncio.gather(*tasks)
    return most


@contextmanager
def _up(house: House) -> Iterator[None]:
    """`manage.py up` while the block runs."""
    with (house.data / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=house.environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        until = time.monotonic() + START_S
        while "Ctrl-C" not in (house.data / "up.log").read_text(encoding="utf-8"):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError((house.data / "up.log").read_text(encoding="utf-8"))
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _weigh(house: House) -> Mapping[str, float]:
    """The proportional memory of each program with its children, in MB."""
    weights: dict[str, float] = dict.fromkeys(MARKS, 0)
    for pid, line in processes.with_variable("FACTEUR_DATA_DIR", str(house.data)).items():
        name = next((name for name, mark in MARKS.items() if mark in line), None)
        if name is not None:
            weights[name] += _pss_kb(pid) / 1024
    return weights


def _pss_kb(pid: int) -> int:
    with contextlib.suppress(OSError):  # it has ended
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


async def _large(stage: Stage) -> None:
    kind = next(iter(stage.databases))
    large, small = message_of(LARGE_BYTES), message_of(4000)
    for _ in stage.each_round():
        for row, hand_in in ((SHIM, by_xsendmail), (PLAIN, by_smtp)):
            # A new one each time: what an allocator once had it may keep.
            house = House(stage.new_folder(), stage.databases[kind]())
            with house.accepting() as relay:
                await hand_in(house.socket, 20, 1, small)
                before = _resident_kb(relay, "VmRSS")
                _forget_peak(relay)
                await hand_in(house.socket, 1, 1, large)
                peak = _resident_kb(relay, "VmHWM")
            stage.figures.note(row, kind, (peak - before) * 1024 / len(large))


def _forget_peak(pid: int) -> None:
    """Let the peak begin anew (proc(5))."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


def _resident_kb(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise RuntimeError(f"no {name} of process {pid}; of {os.getpid()}?")
