"""One slot's work: connect, send message after message, and tell what became of each.

Nothing of a message is sent before the outcome of the one before it, on the same connection, is
committed: what a crash can repeat is one message for each connection. `client` speaks, `recorder`
commits; who works on which route is for `delivery`.

A server that cannot be reached costs one time-out: the first conversation of a route opens alone,
and when it fails, whatever else waits for that route shares its trouble. A server that takes some
connections and refuses others gets as many as it takes.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from django.conf import settings

from mailqueue import pace
from mailqueue.bounce_rules import Category
from mailqueue.bounces import classify_reply
from mailqueue.outcomes import Outcome, Result
from relay import dialing, envelopes
from relay.client import Connection, Timeouts, connect
from relay.lanes import LOW, Lane, Slot
from relay.mx import Route
from relay.recorder import Cleared, Outcomes, Recorder
from relay.signer import Signer

# Waits before the first connection of a route is tried again: a restart takes seconds, a deferral
# minutes. Only if it was refused at once.
SECOND_TRIES = (0.3, 1.0, 2.0)
AT_ONCE_S = 0.4
# What a restart says: no connection, one that is closed at once, a system that begins or ends.
# Other troubles, of TLS or the login or our name, are the same a second later.
_MAY_PASS = ("4.4.1", "4.4.2", "4.3.")
# A connection waits as long for the next message's time; for longer, another time is as good.
SHORT_S = 2.0

# A promise that was broken: a live recipient has a body.
CONTENT_LOST = Outcome(Result.FAILED, "the content of the message is lost", "5.3.0")
# When the silence came after the last outcome was known.
OUT_OF_ORDER = Outcome(Result.DEFERRED, "the server fell silent", "4.4.2")


class Conversations:
    """The work of the slots of a run.

    `goes_on` is asked before each message whether a slot shall go on; `tell` is called when there
    is news: little waits for a route, or its destination wants less or was away.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        recorder: Recorder,
        timeouts: Timeouts,
        goes_on: Callable[[Slot], bool],
        tell: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._recorder = recorder
        self._timeouts = timeouts
        self._goes_on = goes_on
        self._tell = tell
        self._signer = Signer(clock)
        self._now_s = asyncio.get_running_loop().time

    async def converse(self, slot: Slot) -> None:
        """Send job after job; each outcome is committed before the next message begins."""
        lane = slot.lane
        outcomes: Outcomes = []
        while slot.job and self._goes_on(slot):
            if slot.connection is None:
                # To connect may take long: an outcome does not wait for that.
                await self._recorder.settle(outcomes)
                outcomes = []
                await self._open(slot)
                if slot.connection is None:
                    slot.put_back()
                    if lane.trouble is not None:
                        await self._recorder.settle(defer_all(lane))
                    return
            cleared = await self._recorder.settle(outcomes, slot.job)
            outcomes = []
            if not self._goes_on(slot):
                return
            outcomes = await self._send(slot, slot.connection, cleared)
            if not slot.job and lane.waiting and lane.trouble is None:
                wait_s = lane.destination.wait_s(self._now_s())
                if wait_s > 0:
                    await self._recorder.settle(outcomes)
                    outcomes = []
                    if wait_s > SHORT_S:
                        return
                    await asyncio.sleep(wait_s)
                if lane.waiting:
                    slot.job = lane.take()
                if lane.waiting < LOW:
                    self._tell()
        await self._recorder.settle(outcomes)

    async def _open(self, slot: Slot) -> None:
        """Get the slot a connection, unless the server is in trouble or takes no more of them."""
        lane = slot.lane
        answer: Connection | Outcome | None = None
        # Alone, while nobody has a connection: a dead server costs one time-out, not ten.
        async with lane.opening:
            if lane.live == 0 and lane.trouble is None:
                answer = await self._connect_patiently(lane.route)
                slot.connection = answer if isinstance(answer, Connection) else None
                lane.live += slot.connection is not None
                # Now others may work on it, too.
                self._tell()
        if answer is None and lane.trouble is None:
            answer = await connect(lane.route, settings.HOSTNAME, self._timeouts)
            slot.connection = answer if isinstance(answer, Connection) else None
            lane.live += slot.connection is not None
        if isinstance(answer, Outcome):
            if lane.live:
                lane.most = lane.live
            else:
                lane.trouble = answer
                self._learn_of_trouble(lane, answer)

    def _learn_of_trouble(self, lane: Lane, trouble: Outcome) -> None:
        now = self._clock()
        if pace.wants_less(trouble):
            lane.destination.learn([trouble], now, self._now_s())
        else:
            lane.server.is_away(trouble, now)
        self._tell()

    async def _connect_patiently(self, route: Route) -> Connection | Outcome:
        """Connect; if that is refused at once, as by a server that restarts, try a few times."""
        for pause_s in SECOND_TRIES:
            began = self._now_s()
            answer = await connect(route, settings.HOSTNAME, self._timeouts)
            if isinstance(answer, Connection) or self._now_s() - began > AT_ONCE_S:
                return answer
            if not answer.status.startswith(_MAY_PASS):
                return answer
            await asyncio.sleep(pause_s)
        return await connect(route, settings.HOSTNAME, self._timeouts)

    async def _send(self, slot: Slot, connection: Connection, cleared: Cleared) -> Outcomes:
        """Send what was cleared of the job in hand; return what became of it."""
        lane = slot.lane
        if not cleared.claimed or cleared.content is None:
            slot.job = ()
            return [(claimed, CONTENT_LOST) for claimed in cleared.claimed]
        content = await self._signer.signed(cleared.claimed[0], cleared.content)
        envelope = envelopes.envelope_of(cleared.claimed, content, self._clock())
        answered = lane.answered
        slot.since = self._now_s()
        lane.destination.spend(slot.since)
        answers = await connection.deliver(envelope)
        slot.since = None
        if slot.was_cut or connection.is_stale:
            slot.hang_up()
            return []
        if not slot.has_moved and _is_out_of_order(answers) and len(dialing.doors(lane.route)) > 1:
            # Another server may be well (RFC 5321 §5.1): one is tried at once, by a new connection.
            dialing.shun(connection.door)
            slot.has_moved = True
            slot.hang_up()
            return []
        slot.job, slot.has_moved = (), False
        outcomes = list(zip(cleared.claimed, answers, strict=True))
        if lane.destination.learn(answers, self._clock(), self._now_s()):
            self._tell()
        if connection.is_usable:
            lane.answered += 1
            lane.server.answers()
        elif connection.is_silent and lane.answered == answered:
            # Nobody got an answer all that time: the others need not wait as long.
            silence = (answer for answer in answers if answer.result is Result.DEFERRED)
            lane.trouble = next(silence, OUT_OF_ORDER)
            self._learn_of_trouble(lane, lane.trouble)
            outcomes += defer_all(lane)
        most = lane.destination.allowed.messages
        if not connection.is_usable or connection.messages >= most:
            slot.hang_up()
        return outcomes


def _is_out_of_order(answers: Sequence[Outcome]) -> bool:
    """Whether a server took a message for nobody, for a trouble of its own."""
    return all(
        answer.result is Result.DEFERRED
        and classify_reply(answer.reply).category is Category.REMOTE_ERROR
        and not pace.wants_less(answer)
        for answer in answers
    )


def defer_all(lane: Lane) -> Outcomes:
    """Let nothing wait for a route in trouble: it shares the trouble."""
    if lane.trouble is None:
        return []
    return [(claimed, lane.trouble) for claimed in lane.clear()]
