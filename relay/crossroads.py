"""Which way each domain's mail goes, found beside the delivery of all others.

Owns the questions that are under way and what they were answered, for one run; the answers are
`mx`'s. Nobody waits for the answer about another domain.
"""

import asyncio
import logging
from collections.abc import Callable

from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Claimed
from relay.mx import Route, route_for

# Questions at once: a resolver that answers slowly must not be asked ever more.
QUESTIONS = 50
# What waits for answers in memory, in all and for one domain; the rest is put off. As many answers
# are kept.
MOST = 2000
MOST_OF_DOMAIN = 500
# An answer is believed for so long, in seconds: a slow message may keep a run alive for hours. The
# resolver knows better what it may keep, so that asking again costs little.
BELIEVED_S = 30.0

logger = logging.getLogger("facteur.delivery")

_CONFUSED = Outcome(Result.DEFERRED, "the way to the domain could not be found", "4.4.3")


class Crossroads:
    """Finds routes, and tells `found` of those who waited for one.

    `found` gets an answer, and who waited for it; it is called in the loop, and must not wait.
    """

    def __init__(self, found: Callable[[Route | Outcome, list[Claimed]], None]) -> None:
        self._found = found
        # With the moment from which on it is asked for again.
        self._known: dict[str, tuple[float, Route | Outcome]] = {}
        self._waiting: dict[str, list[Claimed]] = {}
        self._number = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Semaphore(QUESTIONS)
        self._now_s = asyncio.get_running_loop().time

    @property
    def is_busy(self) -> bool:
        """Whether anybody waits for an answer."""
        return bool(self._waiting)

    def add(self, claimed: list[Claimed]) -> list[Claimed]:
        """Find the way of each, at once where it is known; who cannot wait for the answer."""
        known: dict[Route | Outcome, list[Claimed]] = {}
        too_many: list[Claimed] = []
        for item in claimed:
            until_s, answer = self._known.get(item.domain, (0.0, _CONFUSED))
            if self._now_s() < until_s:
                known.setdefault(answer, []).append(item)
            elif not self._wait(item):
                too_many.append(item)
        for answer, items in known.items():
            self._found(answer, items)
        return too_many

    async def close(self) -> list[Claimed]:
        """Ask no more; who waited for an answer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        waiting = [item for items in self._waiting.values() for item in items]
        self._waiting.clear()
        return waiting

    def _wait(self, item: Claimed) -> bool:
        """Let it wait for an answer; False if there are too many already."""
        waiting = self._waiting.get(item.domain, [])
        if self._number >= MOST or len(waiting) >= MOST_OF_DOMAIN:
            return False
        self._number += 1
        waiting.append(item)
        if item.domain not in self._waiting:
            self._waiting[item.domain] = waiting
            task = asyncio.create_task(self._ask(item.domain))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return True

    async def _ask(self, domain: str) -> None:
        answer: Route | Outcome = _CONFUSED
        try:
            async with self._turn:
                answer = await route_for(domain)
        except Exception:
            # A fault of ours must not leave anybody waiting.
            logger.exception("domain=%r route=broken", domain)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[domain] = self._now_s() + BELIEVED_S, answer
        items = self._waiting.pop(domain)
        self._number -= len(items)
        self._found(answer, items)
