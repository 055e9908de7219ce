"""What runs on the machine, as the kernel tells it."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def with_variable(name: str, value: str) -> dict[int, str]:
    """Live processes whose environment has a variable, with their command lines.

    It finds orphans too, whatever became of their parents; zombies have no environment. Redis
    writes its title over its own: it is found by the value in its command line.
    """
    wanted = f"{name}={value}".encode()
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
            line = (folder / "cmdline").read_bytes()
            if wanted in variables or (b"redis-server" in line and value.encode() in line):
                found[int(folder.name)] = line.replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # ended meanwhile, or another user's
    return found


def kill(pid: int) -> None:
    """kill -9, unless it has ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def parent(pid: int) -> int | None:
    """The parent of a process; None if it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name stands in parentheses and may hold anything, so count from the last one.
    return int(text.rpartition(")")[2].split()[1])
