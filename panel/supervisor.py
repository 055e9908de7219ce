"""Runs programs side by side in the foreground: starts, watches, restarts and stops them.

Owns processes, their output and signals; `house` says which programs, and when they are ready.
Each program has a session of its own, so that Ctrl-C reaches only us and we stop them in order.
Nothing is left behind, however we end: the kernel kills our children when we die, and `guard`
kills theirs.
"""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# A program that dies is started again after this many seconds, doubling up to the longest.
FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
# Who lived this long had no trouble starting: the delay is short again.
STEADY_S = 20.0
# Who is not ready by then, or died so often before, has more than a hiccup.
START_S = 60.0
DEATHS_AT_START = 3
# Ten seconds are promised: seven for what works, and one and a half for what it works with.
GRACE_S = 7.0
LAST_GRACE_S = 1.5
LONGEST_LINE = 16_384
LAST_WORDS = 20
CANNOT_START = 127  # as the shell has it

PR_SET_PDEATHSIG = 1  # prctl(2)
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Program:
    """A program to keep running. `is_ready` asks it once whether it answers.

    `descriptors` are inherited. Stages start one after the other, and stop in reverse order. What a
    chatty program prints is only shown when it died.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    stage: int = 1
    descriptors: tuple[int, ...] = ()
    is_chatty: bool = False
    is_ready: Callable[[], Awaitable[bool]] | None = None


class Supervisor:
    """Keeps programs running until a signal comes. For one run, in the main thread."""

    def __init__(self, programs: Sequence[Program], say: Callable[[str], None]) -> None:
        self._programs = programs
        self._say = say
        self._width = max(len(program.name) for program in programs)
        self._stopping = asyncio.Event()
        self._is_up = False
        self._deaths = 0
        self._processes: dict[str, asyncio.subprocess.Process] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._guard: subprocess.Popen[bytes] | None = None

    async def run(self, when_ready: Callable[[], None]) -> bool:
        """Start all, call `when_ready` in a thread, wait for a signal, stop all.

        Returns False if something did not start.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._stopping.set)
        self._guard = _start_guard()
        try:
            self._is_up = await self._start_all()
            if self._is_up:
                await asyncio.to_thread(when_ready)
                await self._stopping.wait()
            # A signal that came while starting is no failure.
            return self._is_up or self._stopping.is_set()
        finally:
            self._stopping.set()
            await self._stop_all()

    async def _start_all(self) -> bool:
        for stage in sorted({program.stage for program in self._programs}):
            programs = [program for program in self._programs if program.stage == stage]
            for program in programs:
                self._keepers[program.name] = asyncio.create_task(self._keep(program))
            for program in programs:
                if not await self._becomes_ready(program):
                    return False
        return True

    async def _becomes_ready(self, program: Program) -> bool:
        until = time.monotonic() + START_S
        while program.is_ready is not None and not self._stopping.is_set():
            if await program.is_ready():
                return True
            if self._deaths >= DEATHS_AT_START or time.monotonic() > until:
                self._say(f"{program.name} does not answer; giving up.")
                return False
            await self._pause(0.1)
        return not self._stopping.is_set()

    async def _keep(self, program: Program) -> None:
        """Run a program again and again until we stop."""
        delay = FIRST_DELAY_S
        while not self._stopping.is_set():
            began = time.monotonic()
            status = await self._run_once(program)
            if self._stopping.is_set():
                return
            if time.monotonic() - began >= STEADY_S:
                delay = FIRST_DELAY_S
            self._deaths += not self._is_up
            self._say(f"{program.name} {_ending(status)}; it is started again in {delay:g} s.")
            await self._pause(delay)
            delay = min(delay * 2, LONGEST_DELAY_S)

    async def _run_once(self, program: Program) -> int:
        output, its_output = os.pipe()
        try:
            process = await self._start(program, its_output)
        except OSError as error:
            os.close(output)
            self._say(f"{program.name} cannot be started: {error}")
            return CANNOT_START
        finally:
            os.close(its_output)
        self._tell_guard(f"+{process.pid}")
        self._processes[program.name] = process
        if self._stopping.is_set():
            # The signal came while the process was being made.
            _terminate(process)
        last_words: deque[str] = deque(maxlen=LAST_WORDS)
        say = last_words.append if program.is_chatty else self._say
        forwarding = asyncio.create_task(self._forward(program.name, output, say))
        status = await process.wait()
        # What it started and left behind ends with it; a pool's process would go on working.
        _kill_group(process.pid)
        self._tell_guard(f"-{process.pid}")
        await forwarding
        if not self._stopping.is_set():
            for line in last_words:
                self._say(line)
        return status

    async def _start(self, program: Program, output: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *program.command,
            stdin=asyncio.subprocess.DEVNULL,
            # A pipe of our own: asyncio's would keep `wait` from returning as long as any process
            # that the program left behind holds it open.
            stdout=output,
            stderr=output,
            env=program.environment,
            pass_fds=program.descriptors,
            start_new_session=True,
            # Safe as long as no other thread holds a lock: ours only wait for processes.
            preexec_fn=_die_with_parent(os.getpid()),
        )

    async def _forward(self, name: str, output: int, say: Callable[[str], None]) -> None:
        """Pass on what a program prints, line by line, behind its name."""
        reader = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(output, "rb", buffering=0)
        )
        rest = b""
        while chunk := await reader.read(LONGEST_LINE):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > LONGEST_LINE:
                lines, rest = [*lines, rest], b""
            for line in filter(None, lines):
                say(self._named(name, line))
        if rest:
            say(self._named(name, rest))
        transport.close()

    def _named(self, name: str, line: bytes) -> str:
        return f"{name:<{self._width}} | {line.decode('utf-8', 'replace').rstrip()}"

    async def _stop_all(self) -> None:
        """Stop the stages in reverse; within one, in the order of the programs."""
        stages = sorted({program.stage for program in self._programs}, reverse=True)
        for stage in stages:
            names = [program.name for program in self._programs if program.stage == stage]
            await self._stop(names, GRACE_S if stage == stages[0] else LAST_GRACE_S)
        if self._guard is not None and self._guard.stdin is not None:
            with suppress(OSError):
                self._guard.stdin.close()
            await asyncio.to_thread(self._guard.wait)

    async def _stop(self, names: Sequence[str], grace_s: float) -> None:
        for name in names:
            if name in self._processes:
                _terminate(self._processes[name])
        keepers = {self._keepers[name]: name for name in names if name in self._keepers}
        if not keepers:
            return
        _, late = await asyncio.wait(keepers, timeout=grace_s)
        for keeper in late:
            name = keepers[keeper]
            self._say(f"{name} did not stop within {grace_s:g} s and is killed.")
            _kill_group(self._processes[name].pid)
        if late:
            await asyncio.wait(late)

    async def _pause(self, delay_s: float) -> None:
        """Wait, unless we stop."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), delay_s)

    def _tell_guard(self, line: str) -> None:
        if self._guard is not None and self._guard.stdin is not None:
            # Without a guard the kernel still ends our own children.
            with suppress(OSError):
                self._guard.stdin.write(f"{line}\n".encode("ascii"))
                self._guard.stdin.flush()


def _start_guard() -> subprocess.Popen[bytes]:
    path = Path(__file__).with_name("guard.py")
    return subprocess.Popen(  # noqa: S603 - a program of our own
        [sys.executable, "-IS", os.fspath(path)], stdin=subprocess.PIPE, start_new_session=True
    )


def _die_with_parent(parent: int) -> Callable[[], None]:
    """What a new child does first: ask the kernel to kill it when `parent` dies."""

    def ask() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)  # it died before we asked

    return ask


def _terminate(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()


def _kill_group(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _ending(status: int) -> str:
    if status < 0:
        return f"was ended by signal {-status} ({signal.strsignal(-status)})"
    return f"ended with exit status {status}"
