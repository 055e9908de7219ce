"""Which way each domain's mail goes, found beside the delivery of all others.

Owns the questions that are under way and what they were answered, for one run; the answers are
`mx`'s. Nobody waits for the answer about another domain, and accounts take turns to ask: a
newsletter to a thousand dead domains does not stand before the single question of another.
"""

import asyncio
import logging
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence

from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Claimed
from relay.mx import Route, route_for

# Questions at once: a resolver that answers slowly must not be asked ever more.
QUESTIONS = 50
# What waits for answers in memory: in all, of one account and for one domain; the rest is put off.
# As many answers are kept.
MOST = 2000
MOST_OF_ACCOUNT = 1000
MOST_OF_DOMAIN = 500
# An answer is believed for so long, in seconds: a slow message may keep a run alive for hours. The
# resolver knows better what it may keep, so that asking again costs little.
BELIEVED_S = 30.0
# Most answers come within this time, in seconds.
ANSWERED_WITHIN_S = 0.1

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
        # How many wait, by account.
        self._numbers: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        # Domains that are not asked for yet, and in which order who wants them.
        self._unasked: set[str] = set()
        self._turns: OrderedDict[int, deque[str]] = OrderedDict()
        self._now_s = asyncio.get_running_loop().time
        # When somebody came last.
        self._last_s = 0.0

    @property
    def expected(self) -> int:
        """How many wait for answers that may be there at any moment."""
        is_fresh = self._now_s() - self._last_s < ANSWERED_WITHIN_S
        return self._numbers.total() if is_fresh else 0

    @property
    def is_busy(self) -> bool:
        """Whether anybody waits for an answer."""
        return bool(self._waiting)

    def add(self, claimed: Sequence[Claimed]) -> list[Claimed]:
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
        self._turns.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        waiting = [item for items in self._waiting.values() for item in items]
        self._waiting.clear()
        return waiting

    def _wait(self, item: Claimed) -> bool:
        """Let it wait for an answer; False if there are too many already."""
        waiting = self._waiting.get(item.domain, [])
        number = self._numbers[item.account_id]
        if self._numbers.total() >= MOST or number >= MOST_OF_ACCOUNT:
            return False
        if len(waiting) >= MOST_OF_DOMAIN:
            return False
        self._numbers[item.account_id] += 1
        self._last_s = self._now_s()
        waiting.append(item)
        if item.domain not in self._waiting:
            self._waiting[item.domain] = waiting
            self._unasked.add(item.domain)
        if item.domain in self._unasked:
            # Whoever else wants it, too, may have its turn before.
            self._turns.setdefault(item.account_id, deque()).append(item.domain)
            self._ask_next()
        return True

    def _ask_next(self, done: asyncio.Task[None] | None = None) -> None:
        """Ask the next questions, as many as may be; `done` is one that was answered."""
        if done is not None:
            self._tasks.discard(done)
        while self._turns and len(self._tasks) < QUESTIONS:
            account, domains = self._turns.popitem(last=False)
            domain = domains.popleft()
            if domains:
                self._turns[account] = domains
            if domain in self._unasked:
                self._unasked.discard(domain)
                task = asyncio.create_task(self._ask(domain))
                self._tasks.add(task)
                task.add_done_callback(self._ask_next)

    async def _ask(self, domain: str) -> None:
        answer: Route | Outcome = _CONFUSED
        try:
            answer = await route_for(domain)
        except Exception:
            # A fault of ours must not leave anybody waiting.
            logger.exception("domain=%r route=broken", domain)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[domain] = self._now_s() + BELIEVED_S, answer
        items = self._waiting.pop(domain)
        self._numbers -= Counter(item.account_id for item in items)
        self._found(answer, items)
