"""A worker's run through the queue: claim what is due, and have slots send it.

Owns how many conversations there are at once and which route they work on. What waits stands in
`lanes`, one for each route; `crossroads` finds the routes meanwhile; `shaping` knows what each
destination takes; `conversations` sends, and `recorder` commits.

No destination holds up another. A route that nobody works on gets a slot of its own beside the
usual number, so that a dozen slow ones cannot take all; what finds no room for its destination is
put off, so that the next claim reaches what stands behind it.

What was claimed first has `screener` judge it: spam goes no further.

Note: the contents of the messages being sent are in memory, twice: 400 MB for twenty of the
largest, and as much again where twenty more routes are slow. One of those being judged is, too.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import Error, close_old_connections

from mailqueue import destinations, queue
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Claimed
from relay import envelopes
from relay.client import PATIENT, Timeouts
from relay.conversations import Conversations, defer_all
from relay.crossroads import ANSWERED_WITHIN_S, Crossroads
from relay.database import in_database
from relay.lanes import LOW, Job, Lane, Slot
from relay.mx import Route
from relay.recorder import Outcomes, Recorder
from relay.screener import Screener
from relay.shaping import Destination, Destinations

CONNECTIONS = 20
# Beside them, for routes that nobody works on.
FURTHER = 20
# Part of the connections that a route keeps however many others wait.
SHARE = 4
# Then the worker is free for other tasks, and a new hint goes on.
RUN_FOR = timedelta(seconds=30)
# Recipients claimed at once.
BATCH = 200
# A few messages of an account find room wherever many of another wait.
FEW = 5
# A message that takes longer keeps the run alive; the other conversations then go on beside it.
SLOW_S = 5.0
# On a shutdown: how long an answer after the final dot may take, and the commit of it, in seconds.
LAST_ANSWERS_S = 3.0
LAST_COMMIT_S = 1.0
# How often to look for a shutdown.
TICK_S = 0.1
# How often to look for what became due while slow messages are on their way.
LOOK_S = 1.0
# How often runs tell each other what they learned, and that they are there.
SHARE_S = 5.0
# A run that is not heard of counts no more.
RUN_LEASE = timedelta(seconds=30)
# What waits for an answer about its domain comes again after this.
LATER = timedelta(seconds=30)

TOO_LATE = Outcome(Result.FAILED, "its destination takes too little: its time is over", "5.4.7")

logger = logging.getLogger("facteur.delivery")


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
        asyncio.create_task(run.share()),
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
        self._lease = timedelta(seconds=settings.LEASE_S)
        # There may be something to do: a slot ended, little waits, or we must stop.
        self._wake = asyncio.Event()
        self._recorder = Recorder(clock, self._live)
        self._conversations = Conversations(
            clock, self._recorder, timeouts, self._goes_on, self._wake.set
        )
        self._destinations = Destinations()
        self._crossroads = Crossroads(self._sort)
        self._screener = Screener(clock, self._find_ways)
        self._lanes: dict[Route, Lane] = {}
        self._slots: dict[asyncio.Task[None], Slot] = {}
        self._claims: set[str] = set()
        self._token = uuid.uuid4().hex
        self._has_joined = False
        self._last_account = 0
        self._claim_again_at = 0.0
        # Sorted out, and not yet written down: what has no route, what finds no room, and what is
        # to be due later.
        self._routeless: Outcomes = []
        self._crowd: list[tuple[Claimed, Destination]] = []
        self._late: list[tuple[Claimed, datetime]] = []
        self._now_s = asyncio.get_running_loop().time

    async def work(self) -> None:
        """Claim, put slots to work, wait for news; until there is nothing left to wait for."""
        with contextlib.suppress(Error):
            # Without it every destination goes at its usual pace, until the next time.
            await self._destinations.refresh(self._clock())
        while not self.is_stopping:
            if self._wants_more() and self._may_claim():
                await self._claim()
            await self._clear_away()
            while (lane := self._lane_in_need()) is not None:
                self._start(lane)
            if self._wants_more() and self._may_claim():
                continue
            if self._slots or self._has_time_left():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), self._pause_s())
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

    async def share(self) -> None:
        """Tell other runs that this one is there, and what it learned; hear the same of them."""
        # A short run ends before that: it would only make work.
        await asyncio.sleep(LOOK_S)
        while True:
            now = self._clock()
            try:
                runs = await in_database(destinations.join, self._token, now, now + RUN_LEASE)
                self._has_joined = True
                await self._destinations.refresh(now, runs)
            except Error as error:
                logger.warning("share=failed error=%r", str(error))
            await asyncio.sleep(SHARE_S)

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
        left = await self._screener.close()
        left += await self._crossroads.close()
        left += [claimed for lane in self._lanes.values() for claimed in lane.clear()]
        left += [claimed for claimed, _ in (*self._routeless, *self._crowd, *self._late)]
        try:
            if left:
                await in_database(queue.give_back, left, self._clock())
            await self._destinations.keep()
            if self._has_joined:
                await in_database(destinations.leave, self._token)
        except Error as error:
            # Their leases run out.
            logger.warning("give_back=failed error=%r", str(error))

    def _live(self) -> int:
        return sum(slot.connection is not None for slot in self._slots.values())

    async def _slots_end(self, timeout_s: float) -> None:
        if self._slots:
            await asyncio.wait(self._slots, timeout=timeout_s)

    def _wants_more(self) -> bool:
        """Whether little waits that could go now, or it is long since we looked."""
        # What is being judged may go at any moment.
        ready = self._screener.waiting
        if len(self._slots) >= self._connections:
            ready += sum(lane.waiting for lane in self._lanes.values())
        else:
            # What may go at any moment is as good as ready: more of it would find no room.
            now_s = self._now_s()
            ready += self._crossroads.expected + sum(
                lane.waiting
                for lane in self._lanes.values()
                if lane.is_ready(now_s) or lane.is_opening(now_s)
            )
        return ready < LOW or self._now_s() >= self._claim_again_at + LOOK_S

    def _may_claim(self) -> bool:
        return self._now_s() >= self._claim_again_at and not self._is_ending()

    def _is_ending(self) -> bool:
        """Whether its time is over, and no slow message keeps it alive."""
        return self._clock() >= self._until and not any(
            slot.since is not None and self._now_s() - slot.since > SLOW_S
            for slot in self._slots.values()
        )

    def _has_time_left(self) -> bool:
        """Whether something waits for its route or its time, and this run may wait with it."""
        return self._clock() < self._until and (
            self._screener.waiting > 0
            or self._crossroads.is_busy
            or any(lane.waiting for lane in self._lanes.values())
        )

    def _pause_s(self) -> float:
        """How long to wait for news, in seconds: no longer than until a rate lets a message go."""
        waits = [
            lane.destination.wait_s(self._now_s())
            for lane in self._lanes.values()
            if lane.waiting and not lane.hands
        ]
        longest = ANSWERED_WITHIN_S if self._crossroads.expected else LOOK_S
        return max(0.01, min([longest, *(wait for wait in waits if wait > 0)]))

    async def _claim(self) -> None:
        """Claim a batch, have it judged, and let each find its way."""
        claimed: list[Claimed] = []
        try:
            claimed = await in_database(
                queue.claim_due, self._clock(), BATCH, self._lease, self._last_account
            )
        except Error as error:
            logger.warning("claim=failed error=%r", str(error))
        # After a full claim there may be more at once.
        self._claim_again_at = self._now_s() + (LOOK_S if len(claimed) < BATCH else 0.0)
        if claimed:
            self._last_account = claimed[-1].account_id
        self._claims |= {item.claim for item in claimed}
        self._find_ways(self._screener.add(claimed))

    def _find_ways(self, claimed: Sequence[Claimed]) -> None:
        """Let each find its way, now that it may go."""
        if late := self._crossroads.add(claimed):
            moment = self._clock() + LATER
            self._late += [(item, moment) for item in late]
        self._wake.set()

    def _sort(self, route: Route | Outcome, claimed: list[Claimed]) -> None:
        """Let what has one route wait in its lane, as far as there is room."""
        if isinstance(route, Outcome):
            self._routeless += [(item, route) for item in claimed]
        else:
            lane = self._lane(route)
            groups: dict[int, list[Claimed]] = {}
            for item in claimed:
                groups.setdefault(item.message_id, []).append(item)
            for group in groups.values():
                for job in envelopes.transactions(group):
                    self._admit(lane, job)
        self._wake.set()

    def _admit(self, lane: Lane, job: Job) -> None:
        has_room = (
            lane.waiting < lane.destination.room(self._now_s())
            or lane.waits_of(job[0].account_id) < FEW
        )
        # Who joins those that wait in vain is cleared away with them.
        if has_room or lane.trouble is not None:
            lane.add(job)
        else:
            self._crowd += [(item, lane.destination) for item in job]

    def _is_over(self, lane: Lane) -> bool:
        """Whether what waits is left to the next run: with a rate it could take long.

        While a slow message keeps this run alive there is no next one.
        """
        return lane.destination.allowed.per_minute > 0 and self._is_ending()

    def _resting(self, lane: Lane) -> Destination | None:
        """What of a lane takes nothing now, if anything."""
        both = (lane.server, lane.destination)
        return next((one for one in both if one.pace.rests(self._clock())), None)

    async def _clear_away(self) -> None:
        """Write down what was sorted out, and what waits in vain: for a rest, or in trouble."""
        for lane in self._lanes.values():
            if lane.trouble is not None and not lane.hands and not self._resting(lane):
                # A slow message may keep the run alive for hours; the server is back before that.
                lane.trouble = None
            if lane.waiting and lane.trouble is not None:
                self._routeless += defer_all(lane)
            elif lane.waiting and (resting := self._resting(lane)):
                self._crowd += [(item, resting) for item in lane.clear()]
        routeless, self._routeless = self._routeless, []
        crowd, self._crowd = self._crowd, []
        now = self._clock()
        late = [item for item, _ in crowd if item.deadline <= now]
        await self._recorder.settle([*routeless, *((item, TOO_LATE) for item in late)])
        by_destination: dict[Destination, list[Claimed]] = {}
        for item, destination in crowd:
            if item.deadline > now:
                by_destination.setdefault(destination, []).append(item)
        for destination, items in by_destination.items():
            destination.waiting += len(items)
            moments = destination.slots(len(items), now, self._now_s())
            self._late += zip(items, moments, strict=True)
        await self._put_off()

    async def _put_off(self) -> None:
        late, self._late = self._late, []
        try:
            if late:
                await in_database(queue.put_off, late, self._clock())
        except Error as error:
            # The next time: this run renews their leases as long as it lives.
            self._late += late
            logger.warning("put_off=failed error=%r", str(error))

    def _lane(self, route: Route) -> Lane:
        if route not in self._lanes:
            self._lanes[route] = Lane(route, *self._destinations.of(route))
        return self._lanes[route]

    def _lane_in_need(self) -> Lane | None:
        """A lane that may have another slot: the one with the fewest."""
        now_s = self._now_s()
        number = len(self._slots)
        if number >= self._connections + FURTHER:
            return None
        ready = [
            lane
            for lane in self._lanes.values()
            if (number < self._connections or not lane.hands)
            and lane.is_ready(now_s)
            and not self._is_over(lane)
        ]
        return min(ready, key=lambda lane: lane.hands, default=None)

    def _goes_on(self, slot: Slot) -> bool:
        """Whether a slot goes on: it ends when we stop, or another route needs its place."""
        if self.is_stopping:
            return False
        hands, destination = slot.lane.hands, slot.lane.destination
        if self._resting(slot.lane) or self._is_over(slot.lane):
            return False
        if destination.hands > destination.allowed.connections:
            return False
        if hands <= self._connections // SHARE or len(self._slots) < self._connections:
            return True
        now_s = self._now_s()
        return not any(
            lane.hands + 1 < hands and lane.is_ready(now_s) for lane in self._lanes.values()
        )

    def _start(self, lane: Lane) -> None:
        slot = Slot(lane, job=lane.take())
        if not lane.hands:
            lane.began_s = self._now_s()
        lane.hands += 1
        lane.destination.hands += 1
        task = asyncio.create_task(self._conversations.converse(slot))
        self._slots[task] = slot
        # Not in a `finally`: a task that is cancelled before it began has none.
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        slot = self._slots.pop(task)
        slot.hang_up()
        slot.lane.hands -= 1
        slot.lane.destination.hands -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            # What it had in hand waits for the end of its lease: at once it would do it again.
            logger.error("conversation=broken", exc_info=error)
        else:
            slot.put_back()
        if slot.lane.is_done:
            # A newsletter has thousands of routes with one message each.
            self._lanes.pop(slot.lane.route, None)
        self._wake.set()
