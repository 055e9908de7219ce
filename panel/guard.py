"""Ends the house's processes when `manage.py up` was killed and could not do it itself.

    python -IS guard.py < pipe

Reads `+N` and `-N` lines: a process group was begun, a process group has ended. When the pipe
closes, it kills the groups that are left. The kernel ends the direct children of a killed `up`
(PR_SET_PDEATHSIG), but not theirs, such as the worker's pool. A program of its own, with a name of
its own, so that whoever kills `up` by name does not kill it too.
"""

import os
import signal
import sys
from contextlib import suppress


def main() -> None:
    """Follow the pipe on stdin to its end, then kill what is left."""
    # Whoever ends the house by a signal to all of it must not end this first.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        sign, number_of_group = line[0], int(line[1:])
        if sign == "+":
            groups.add(number_of_group)
        else:
            groups.discard(number_of_group)
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
