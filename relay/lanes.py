"""What waits for each route, and who works on it.

Owns the order of what waits: accounts take turns, so that the newsletter of one does not stand
before the order confirmation of another. A message stays what it is: `Job` is one transaction.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from mailqueue.outcomes import Outcome
from mailqueue.queue import Claimed
from relay.client import Connection
from relay.mx import Route
from relay.shaping import Destination

# More is claimed when fewer messages than this wait to be sent.
LOW = 100
# A server that is not dead takes a connection within this time, in seconds.
OPENS_WITHIN_S = 1.0

Job: TypeAlias = tuple[Claimed, ...]


@dataclass(slots=True, eq=False)
class Lane:
    """One route: its destination, what waits for it in transactions, and the slots at work on it.

    `server` is what is known of the route alone, where its destination has many of them.
    """

    route: Route
    destination: Destination
    server: Destination
    # Slots that work on it, and those of them that have a connection.
    hands: int = 0
    live: int = 0
    # Connections that the server took when it took no more.
    most: int | None = None
    # Messages that were answered; and why no more are sent in this run.
    answered: int = 0
    trouble: Outcome | None = None
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)
    # When the first of its slots began, by the loop's clock.
    began_s: float = 0.0
    waiting: int = 0
    _turns: OrderedDict[int, deque[Job]] = field(default_factory=OrderedDict)

    def add(self, job: Job) -> None:
        """Let a job wait behind those of its account."""
        self._turns.setdefault(job[0].account_id, deque()).append(job)
        self.waiting += 1

    def put_back(self, job: Job) -> None:
        """Return a job that was taken and not tried: it is the next."""
        account = job[0].account_id
        self._turns.setdefault(account, deque()).appendleft(job)
        self._turns.move_to_end(account, last=False)
        self.waiting += 1

    def take(self) -> Job:
        """The next job: of the account whose turn it is. Raises KeyError if none waits."""
        account, jobs = self._turns.popitem(last=False)
        job = jobs.popleft()
        if jobs:
            self._turns[account] = jobs
        self.waiting -= 1
        return job

    def waits_of(self, account_id: int) -> int:
        """How many jobs of an account wait here."""
        return len(self._turns.get(account_id, ()))

    def clear(self) -> list[Claimed]:
        """Let nothing wait here any more; who did."""
        waiting = list(self._all())
        self._turns.clear()
        self.waiting = 0
        return waiting

    @property
    def is_done(self) -> bool:
        """Whether nobody works or waits here, and nothing needs to be remembered."""
        return not (self.waiting or self.hands or self.trouble)

    def is_ready(self, now_s: float) -> bool:
        """Whether another slot may begin to work on what waits.

        The first connection is opened by one: as long as a server may be dead, it has one slot.
        """
        return (
            self.waiting > 0
            and (self.live > 0 or not self.hands)
            and (self.most is None or self.hands < self.most)
            and self.destination.may_begin(now_s)
        )

    def is_opening(self, now_s: float) -> bool:
        """Whether its first connection may be there at any moment: a server that is not dead."""
        return self.hands > 0 and self.live == 0 and now_s - self.began_s < OPENS_WITHIN_S

    def _all(self) -> Iterator[Claimed]:
        for jobs in self._turns.values():
            for job in jobs:
                yield from job


@dataclass(slots=True, eq=False)
class Slot:
    """One of the conversations, and what it has in hand."""

    lane: Lane
    connection: Connection | None = None
    job: Job = ()
    # When it began to send its message, by the loop's clock.
    since: float | None = None
    # We broke off before the final dot: it was no try.
    was_cut: bool = False
    # A server of the route was out of order for what is in hand: another is tried.
    has_moved: bool = False

    def put_back(self) -> None:
        """Return what is in hand to the lane: it was not tried."""
        if self.job:
            self.lane.put_back(self.job)
            self.job = ()

    def hang_up(self) -> None:
        """Say good-bye, if there is a connection."""
        if self.connection is not None:
            self.connection.quit()
            self.connection = None
            self.lane.live -= 1
