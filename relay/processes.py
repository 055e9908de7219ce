"""The relay as several processes, which accept at the same sockets.

Owns making them, replacing one that dies, and passing on a stop. What each of them does is for
`runrelay`. The first process, their parent, takes no mail and opens no database.

Note: a child that dies takes with it what it had not answered: those callers keep their message.
"""

import contextlib
import gc
import logging
import os
import signal
import time
from collections.abc import Callable

from django.db import connections

# One that died at once would die again: so long after its start another takes its place.
AGAIN_AFTER_S = 1.0
# A child has this long to answer what is under way, then it is killed.
STOP_WITHIN_S = 20.0
_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}

logger = logging.getLogger("facteur.relay")

# What a child does: it is told its number, from 0 on, and a descriptor that can be read when its
# parent is gone.
Work = Callable[[int, int], None]


class Family:
    """So many children at work; a child that dies is replaced, by one with its number."""

    def __init__(self, number: int, work: Work) -> None:
        self._work = work
        self._children: dict[int, int] = {}
        self._due: dict[int, float] = dict.fromkeys(range(number), 0.0)
        self._began: dict[int, float] = {}
        # Nobody writes to it: it ends with the parent, however that ends.
        self._lifeline, self._held = os.pipe()

    def run(self, when_stopping: Callable[[], None]) -> None:
        """Work until SIGTERM or SIGINT, then stop the children and wait for them."""
        connections.close_all()
        # What is there now is shared, as long as nobody counts it.
        gc.collect()
        gc.freeze()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            while True:
                self._start_due()
                within = min(self._due.values(), default=time.monotonic() + 60) - time.monotonic()
                found = signal.sigtimedwait(_SIGNALS, max(within, 0.0))
                self._bury()
                if found is not None and found.si_signo != signal.SIGCHLD:
                    break
            when_stopping()
            self._stop()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.close(self._lifeline)
            os.close(self._held)

    def _start_due(self) -> None:
        now = time.monotonic()
        for number in [number for number, at in self._due.items() if at <= now]:
            del self._due[number]
            self._began[number] = now
            pid = os.fork()
            if pid == 0:
                self._live(number)
            self._children[pid] = number

    def _live(self, number: int) -> None:
        """Be a child; never returns into what the parent was doing."""
        code = 1
        try:
            os.close(self._held)
            for one in (signal.SIGTERM, signal.SIGINT):
                signal.signal(one, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            self._work(number, self._lifeline)
            code = 0
        except BaseException:
            logger.exception("child=%d died=yes", number)
        finally:
            logging.shutdown()
            os._exit(code)

    def _bury(self) -> None:
        """Note which children have died, and when others take their places."""
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                number = self._children.pop(found[0], None)
                if number is not None:
                    self._due[number] = self._began[number] + AGAIN_AFTER_S
                    code = os.waitstatus_to_exitcode(found[1])
                    logger.warning("child=%d pid=%d code=%d replaced=yes", number, found[0], code)

    def _stop(self) -> None:
        for pid in self._children:
            os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + STOP_WITHIN_S
        while self._children:
            left = until - time.monotonic()
            if left <= 0:
                for pid in self._children:
                    os.kill(pid, signal.SIGKILL)
                until = time.monotonic() + STOP_WITHIN_S
                continue
            signal.sigtimedwait({signal.SIGCHLD}, left)
            with contextlib.suppress(ChildProcessError):
                while pid := os.waitpid(-1, os.WNOHANG)[0]:
                    self._children.pop(pid, None)
