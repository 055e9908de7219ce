"""A worker's run through the queue: claim what is due, send it, write down what became of it.

Owns how many conversations there are at once and which message goes over which; `client` speaks,
`recorder` commits. Nothing of a message is sent before the outcome of the one before it, on the
same connection, is committed: what a crash can repeat is one message for each connection.

A server that cannot be reached costs one time-out: the first conversation of a route opens alone,
and when it fails, whatever else is due on that route is deferred with its words. A server that
takes some connections and refuses others gets as many as it takes.

Note: the contents of the messages being sent are in memory, twice: 200 MB for ten of the largest.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error, close_old_connections

from mailqueue import queue
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Claimed
from relay import envelopes
from relay.client import PATIENT, Connection, Timeouts, connect
from relay.database import in_database
from relay.mx import Route, route_for
from relay.recorder import Cleared, Outcomes, Recorder
from relay.signer import Signer

CONNECTIONS = 10
# Then the worker is free for other tasks, and a new hint goes on.
RUN_FOR = timedelta(seconds=30)
# Recipients claimed at once; more are claimed when fewer messages than this wait to be sent.
BATCH = 200
LOW = 50
# Messages over one connection; some servers close it after a hundred.
MOST_MESSAGES = 100
# Waits before the first connection of a route is tried again: a restart takes seconds, a deferral
# minutes. Only if it was refused at once.
SECOND_TRIES = (0.3, 1.0, 2.0)
AT_ONCE_S = 0.4
# A message that takes longer keeps the run alive; the other conversations then go on beside it.
SLOW_S = 5.0
# On a shutdown: how long an answer after the final dot may take, and the commit of it, in seconds.
LAST_ANSWERS_S = 3.0
LAST_COMMIT_S = 1.0
# How often to look for a shutdown.
TICK_S = 0.1
# How often to look for what became due while slow messages are on their way.
LOOK_S = 1.0

# A promise that was broken: a live recipient has a body.
CONTENT_LOST = Outcome(Result.FAILED, "the content of the message is lost", "5.3.0")
# When the silence came after the last outcome was known.
OUT_OF_ORDER = Outcome(Result.DEFERRED, "the server fell silent", "4.4.2")

logger = logging.getLogger("facteur.delivery")


@dataclass(slots=True, eq=False)
class _Lane:
    """What waits for one route, in groups of recipients of one message, and who works on it."""

    route: Route
    limit: int
    jobs: deque[tuple[Claimed, ...]] = field(default_factory=deque)
    # Slots that work on it, and those of them that have a connection.
    hands: int = 0
    live: int = 0
    # Messages that were answered; and why no more are sent in this run.
    answered: int = 0
    trouble: Outcome | None = None
    opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    def defer_all(self, trouble: Outcome) -> Outcomes:
        """Send no more over this route: what waits for it shares its trouble."""
        self.trouble = trouble
        waiting = [(claimed, trouble) for job in self.jobs for claimed in job]
        self.jobs.clear()
        return waiting


@dataclass(slots=True, eq=False)
class _Slot:
    """One of the conversations, and what it has in hand."""

    lane: _Lane
    connection: Connection | None = None
    job: tuple[Claimed, ...] = ()
    # When it began to send its message, by the loop's clock.
    since: float | None = None
    # We broke off before the final dot: it was no try.
    was_cut: bool = False

    def put_back(self) -> None:
        """Return what is in hand to the lane: it was not tried."""
        if self.job:
            self.lane.jobs.appendleft(self.job)
            self.job = ()

    def hang_up(self) -> None:
        if self.connection is not None:
            self.connection.quit()
            self.connection = None
            self.lane.live -= 1


async def deliver_due(
    clock: Callable[[], datetime],
    *,
    should_stop: Callable[[], bool] = lambda: False,
    connections: int = CONNECTIONS,
    run_for: timedelta = RUN_FOR,
    timeouts: Timeouts = PATIENT,
) -> bool:
    """Send what is due, until nothing is or `run_for` is over; return whether more is due.

    `should_stop` is asked often; when it says yes, this returns within about five seconds: messages
    whose final dot is out get their answer, the others are given back.
    Raises django.db.Error if the database is away at the end of the run.
    """
    run = _Run(clock, connections, clock() + run_for, timeouts)
    chores = [
        asyncio.create_task(run.watch(should_stop)),
        asyncio.create_task(run.keep_leases()),
    ]
    try:
        await in_database(close_old_connections)
        await run.work()
        was_stopped = run.is_stopping
    finally:
        for chore in chores:
            chore.cancel()
        await asyncio.gather(*chores, return_exceptions=True)
        await run.end()
    return not was_stopped and await in_database(queue.has_due, clock())


class _Run:
    def __init__(
        self,
        clock: Callable[[], datetime],
        connections: int,
        until: datetime,
        timeouts: Timeouts,
    ) -> None:
        self.is_stopping = False
        self._clock = clock
        self._connections = connections
        self._until = until
        self._timeouts = timeouts
        self._lease = timedelta(seconds=settings.LEASE_S)
        self._recorder = Recorder(clock, self._conversations)
        self._signer = Signer(clock)
        self._lanes: dict[Route, _Lane] = {}
        self._slots: dict[asyncio.Task[None], _Slot] = {}
        self._claims: set[str] = set()
        self._claim_again_at = 0.0
        # There may be something to do: a slot ended, little waits, or we must stop.
        self._wake = asyncio.Event()
        self._now_s = asyncio.get_running_loop().time

    async def work(self) -> None:
        """Claim, put slots to work, wait for news; until there is nothing left to wait for."""
        while not self.is_stopping:
            if self._waiting() < LOW and self._may_claim():
                await self._claim()
            while len(self._slots) < self._connections and (lane := self._lane_in_need()):
                self._start(lane)
            if self._slots:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), LOOK_S)
                self._wake.clear()
            elif not self._may_claim():
                return

    async def watch(self, should_stop: Callable[[], bool]) -> None:
        """Wait for a shutdown, then break off what can be broken off."""
        while not should_stop():  # noqa: ASYNC110 - a flag that another process sets
            await asyncio.sleep(TICK_S)
        self.is_stopping = True
        for task, slot in self._slots.items():
            if slot.connection is None:
                task.cancel()
            elif slot.since is not None and not slot.connection.is_past_dot:
                slot.was_cut = True
                slot.connection.abort()
        self._wake.set()

    async def keep_leases(self) -> None:
        """Renew the leases of what is left of our claims, long before they run out."""
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            for claim in list(self._claims):
                try:
                    if not await in_database(queue.renew, claim, self._clock(), self._lease):
                        self._claims.discard(claim)
                except Error as error:
                    logger.warning("renew=failed error=%r", str(error))

    async def end(self) -> None:
        """Let the last answers come in and be committed; give back what was not tried."""
        self.is_stopping = True
        await self._slots_end(LAST_ANSWERS_S)
        for slot in self._slots.values():
            if slot.connection is not None:
                slot.connection.abort()
        await self._slots_end(LAST_COMMIT_S)
        for task in self._slots:
            task.cancel()
        await asyncio.gather(*self._slots, return_exceptions=True)
        await self._recorder.close(LAST_COMMIT_S)
        left = [claimed for lane in self._lanes.values() for job in lane.jobs for claimed in job]
        try:
            if left:
                await in_database(queue.give_back, left, self._clock())
        except Error as error:
            # Their leases run out.
            logger.warning("give_back=failed error=%r", str(error))

    def _conversations(self) -> int:
        return sum(slot.connection is not None for slot in self._slots.values())

    async def _slots_end(self, timeout_s: float) -> None:
        if self._slots:
            await asyncio.wait(self._slots, timeout=timeout_s)

    def _waiting(self) -> int:
        return sum(len(lane.jobs) for lane in self._lanes.values())

    def _may_claim(self) -> bool:
        if self._now_s() < self._claim_again_at:
            return False
        return self._clock() < self._until or any(
            slot.since is not None and self._now_s() - slot.since > SLOW_S
            for slot in self._slots.values()
        )

    async def _claim(self) -> None:
        """Claim a batch and sort it into lanes."""
        claimed: list[Claimed] = []
        try:
            claimed = await in_database(queue.claim_due, self._clock(), BATCH, self._lease)
        except Error as error:
            logger.warning("claim=failed error=%r", str(error))
        if len(claimed) < BATCH:
            self._claim_again_at = self._now_s() + LOOK_S
        groups: dict[tuple[Route, int], list[Claimed]] = {}
        routeless: Outcomes = []
        routes = {domain: await route_for(domain) for domain in {one.domain for one in claimed}}
        for item in claimed:
            self._claims.add(item.claim)
            route = routes[item.domain]
            if isinstance(route, Outcome):
                routeless.append((item, route))
            else:
                groups.setdefault((route, item.message_id), []).append(item)
        for (route, _), group in groups.items():
            lane = self._lanes.setdefault(route, _Lane(route, self._connections))
            lane.jobs.extend(envelopes.transactions(group))
            if lane.trouble is not None:
                routeless += lane.defer_all(lane.trouble)
        await self._recorder.settle(routeless)

    def _lane_in_need(self) -> _Lane | None:
        for lane in self._lanes.values():
            if lane.jobs and lane.hands < lane.limit:
                return lane
        return None

    def _start(self, lane: _Lane) -> None:
        slot = _Slot(lane, job=lane.jobs.popleft())
        lane.hands += 1
        task = asyncio.create_task(self._converse(slot))
        self._slots[task] = slot
        # Not in a `finally`: a task that is cancelled before it began has none.
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        slot = self._slots.pop(task)
        slot.hang_up()
        slot.lane.hands -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            # What it had in hand waits for the end of its lease: at once it would do it again.
            logger.error("conversation=broken", exc_info=error)
        else:
            slot.put_back()
        self._wake.set()

    async def _converse(self, slot: _Slot) -> None:
        """Send job after job; each outcome is committed before the next message begins."""
        lane = slot.lane
        outcomes: Outcomes = []
        while slot.job and not self.is_stopping:
            if slot.connection is None:
                # To connect may take long: an outcome does not wait for that.
                await self._recorder.settle(outcomes)
                outcomes = []
                await self._open(slot)
                if slot.connection is None:
                    slot.put_back()
                    if lane.trouble is not None:
                        await self._recorder.settle(lane.defer_all(lane.trouble))
                    return
            cleared = await self._recorder.settle(outcomes, slot.job)
            outcomes = []
            if self.is_stopping:
                return
            outcomes = await self._send(slot, slot.connection, cleared)
            if not slot.job and lane.jobs:
                slot.job = lane.jobs.popleft()
                if self._waiting() < LOW:
                    self._wake.set()
        await self._recorder.settle(outcomes)

    async def _open(self, slot: _Slot) -> None:
        """Get the slot a connection, unless the server is in trouble or takes no more of them."""
        lane = slot.lane
        answer: Connection | Outcome | None = None
        # Alone, while nobody has a connection: a dead server costs one time-out, not ten.
        async with lane.opening:
            if lane.live == 0 and lane.trouble is None:
                answer = await self._connect_patiently(lane.route)
                slot.connection = answer if isinstance(answer, Connection) else None
                lane.live += slot.connection is not None
        if answer is None and lane.trouble is None:
            answer = await connect(lane.route, settings.HOSTNAME, self._timeouts)
            slot.connection = answer if isinstance(answer, Connection) else None
            lane.live += slot.connection is not None
        if isinstance(answer, Outcome):
            if lane.live:
                lane.limit = lane.live
            else:
                lane.trouble = answer

    async def _connect_patiently(self, route: Route) -> Connection | Outcome:
        """Connect; if that is refused at once, try again a few times."""
        for pause_s in SECOND_TRIES:
            began = self._now_s()
            answer = await connect(route, settings.HOSTNAME, self._timeouts)
            if isinstance(answer, Connection) or self._now_s() - began > AT_ONCE_S:
                return answer
            await asyncio.sleep(pause_s)
        return await connect(route, settings.HOSTNAME, self._timeouts)

    async def _send(self, slot: _Slot, connection: Connection, cleared: Cleared) -> Outcomes:
        """Send what was cleared of the job in hand; return what became of it."""
        lane = slot.lane
        if not cleared.claimed or cleared.content is None:
            slot.job = ()
            return [(claimed, CONTENT_LOST) for claimed in cleared.claimed]
        content = await self._signer.signed(cleared.claimed[0], cleared.content)
        envelope = envelopes.envelope_of(cleared.claimed, content, self._clock())
        answered = lane.answered
        slot.since = self._now_s()
        answers = await connection.deliver(envelope)
        slot.since = None
        if slot.was_cut or connection.is_stale:
            slot.hang_up()
            return []
        slot.job = ()
        outcomes = list(zip(cleared.claimed, answers, strict=True))
        if connection.is_usable:
            lane.answered += 1
        elif connection.is_silent and lane.answered == answered:
            # Nobody got an answer all that time: the others need not wait as long.
            silence = (answer for answer in answers if answer.result is Result.DEFERRED)
            outcomes += lane.defer_all(next(silence, OUT_OF_ORDER))
        if not connection.is_usable or connection.messages >= MOST_MESSAGES:
            slot.hang_up()
        return outcomes
