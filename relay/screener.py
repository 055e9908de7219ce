"""Has messages judged between the claim and their first MAIL FROM.

Owns what waits for that in one run; what is known beside a message is for `unjudged`, the rules are
`mailqueue.screening`'s, and what is made of a verdict is `queue.judge`'s. It looks at messages in a
thread of its own, so that conversations go on meanwhile, and writes many verdicts at once.
Between `unjudged` and the rules `engines` are asked, where they are set up.

Screening that breaks stops no mail: what could not be judged goes out, and the log says so.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import Error, InterfaceError, OperationalError, close_old_connections, transaction

from mailqueue import maillog, queue, service, statements
from mailqueue.judgements import Judged
from mailqueue.models import Screening
from mailqueue.queue import Claimed, Sentence
from mailqueue.screening import judge
from relay import unjudged
from relay.database import in_database
from relay.engines import Engines, Envelope
from relay.outages import Outages
from relay.unjudged import Loaded, Unjudged

P = ParamSpec("P")
T = TypeVar("T")
L = TypeVar("L", bound=Loaded)

# Messages that are looked at together, and their bytes: a larger one is looked at alone.
LUMP = 50
LUMP_BYTES = 4 * 1024 * 1024
# Recipients that an engine is told of.
MOST_TOLD = 100
# A verdict waits so long for others to be written down with it, in seconds.
GATHER_S = 0.2
# Ours: the worst of all messages takes a quarter of a second.
LONGEST_S = 20.0
# Between two tries while the database is away, in seconds; and tries when it is not.
PAUSE_S = 1.0
TRIES = 3

# Its thread begins with the first call: a process that forks before has none to lose.
_thread = ThreadPoolExecutor(1, "screening")

logger = logging.getLogger("facteur.delivery")


class Screener:
    """Holds back what was claimed until its message is judged; `go` gets what may go on."""

    def __init__(
        self, clock: Callable[[], datetime], go: Callable[[Sequence[Claimed]], None]
    ) -> None:
        self._clock = clock
        self._go = go
        # How many recipients wait for a verdict.
        self.waiting = 0
        # In the order in which they came, by message.
        self._waiting: dict[int, list[Claimed]] = {}
        # Those that are being looked at, or judged and not written down.
        self._in_hand: dict[int, list[Claimed]] = {}
        self._judged: list[Judged] = []
        self._task: asyncio.Task[None] | None = None
        self._stuck: asyncio.Future[Any] | None = None
        self._engines = Engines(clock)
        self._outages = Outages(clock)
        self._now_s = asyncio.get_running_loop().time

    def add(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Have these judged; those that need it not, and may go at once."""
        through = []
        for item in claimed:
            if _may_go(item):
                through.append(item)
            else:
                self._waiting.setdefault(item.message_id, []).append(item)
        self.waiting += len(claimed) - len(through)
        if self._waiting and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._work())
        return through

    async def close(self) -> list[Claimed]:
        """Judge no more; who waits for a verdict."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._engines.keep()
        await self._outages.keep()
        groups = [*self._in_hand.values(), *self._waiting.values()]
        self._waiting, self._in_hand, self.waiting = {}, {}, 0
        return [item for group in groups for item in group]

    async def _work(self) -> None:
        await self._outages.load()
        began_s = self._now_s()
        while self._waiting or self._in_hand:
            if self._waiting:
                lump = self._next_lump()
                try:
                    self._judged += await self._look(lump)
                except Exception:
                    # A fault of ours, or of what is known beside a message, must not stop mail.
                    logger.exception("screening=broken messages=%d", len(lump))
                    self._outages.missed(len(lump), "screening=broken")
            if not self._waiting or self._now_s() - began_s > GATHER_S:
                await self._write()
                began_s = self._now_s()

    def _next_lump(self) -> list[list[Claimed]]:
        """Take messages that may be in memory together, with their recipients in hand."""
        lump: list[list[Claimed]] = []
        size = 0
        for group in self._waiting.values():
            size += group[0].size_bytes
            if lump and (size > LUMP_BYTES or len(lump) == LUMP):
                break
            lump.append(group)
        for group in lump:
            message_id = group[0].message_id
            del self._waiting[message_id]
            self._in_hand.setdefault(message_id, []).extend(group)
        return lump

    async def _look(self, lump: list[list[Claimed]]) -> list[Judged]:
        """What screening makes of messages; those that cannot be judged are left out."""
        if self._stuck is not None and not self._stuck.done():
            self._outages.missed(len(lump), "screening=broken")
            return []
        done = {one.message_id for one in self._judged}
        unknown = [
            group for group in lump if not group[0].is_judged and group[0].message_id not in done
        ]
        if not unknown:
            return []
        loaded = await self._patiently(unjudged.load, unknown)
        letters = await self._in_thread(_each, unjudged.parse, loaded)
        # What these look like is told by what went before, written down or not.
        before = [one.sighting for one in self._judged if one.sighting is not None]
        letters = await self._patiently(unjudged.look_up, letters, before, self._clock())
        if self._engines.are_set_up:
            letters = await asyncio.gather(*(asked(self._engines, letter) for letter in letters))
            await self._engines.keep_now_and_then()
        judged = await self._in_thread(_each, _judged, letters)
        if len(judged) < len(loaded):
            self._outages.missed(len(loaded) - len(judged), "screening=broken")
        else:
            self._outages.worked(len(judged))
        return judged

    async def _in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do what takes the processor for a while beside the loop. Raises TimeoutError."""
        call = partial(work, *args, **kwargs)
        looking = asyncio.get_running_loop().run_in_executor(_thread, call)
        try:
            return await asyncio.wait_for(asyncio.shield(looking), LONGEST_S)
        except TimeoutError:
            self._stuck = looking
            raise

    async def _write(self) -> None:
        """Write verdicts down, and let go what may go."""
        judged, self._judged = self._judged, []
        claimed = [item for group in self._in_hand.values() for item in group]
        try:
            held, missed = await self._patiently(_settle, judged, claimed, self._clock())
            if missed:
                self._outages.missed(missed, "screening=unrecorded")
        except Exception:
            # What is known to be spam waits for the end of its lease, and is tried again.
            logger.exception("screening=unrecorded messages=%d", len(judged))
            self._outages.missed(len(judged), "screening=unrecorded")
            held = {item.recipient_id for item in claimed if _is_known_spam(item)}
        self._in_hand = {}
        self.waiting -= len(claimed)
        self._go([item for item in claimed if item.recipient_id not in held])

    async def _patiently(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Take a step in the database; while that is away, this waits.

        Raises django.db.Error if the database is there and the step fails all the same.
        """
        tries = 0
        while True:
            try:
                return await in_database(step, *args, **kwargs)
            except (OperationalError, InterfaceError) as error:
                logger.warning("screening=%s failed error=%r", step.__name__, str(error))
                tries += await in_database(_answers)
                if tries == TRIES:
                    raise
            await asyncio.sleep(PAUSE_S)


def _may_go(item: Claimed) -> bool:
    """Whether a recipient may go as it is: its message was judged, or need not be."""
    is_off = item.screening is Screening.OFF
    return is_off or (item.is_judged and not _is_known_spam(item))


def _is_known_spam(item: Claimed) -> bool:
    """Whether a recipient is to be held for a verdict of before."""
    return item.is_spam and item.screening is Screening.HOLD and not item.is_released


def _answers() -> bool:
    """Whether the database answers at all."""
    try:
        return bool(statements.fetch("SELECT 1"))
    except (OperationalError, InterfaceError):
        close_old_connections()
        return False


async def asked(engines: Engines, letter: Unjudged) -> Unjudged:
    """The message, with what engines find in it."""
    claimed, context = letter.claimed, letter.context
    whose = (claimed.account_id, letter.site, claimed.queue_id, claimed.sender)
    found = await engines.ask(letter.content, Envelope(*whose, letter.to.addresses[:MOST_TOLD]))
    return replace(letter, context=replace(context, observed=(*context.observed, *found)))


def _each(step: Callable[[L], T], letters: Sequence[L]) -> list[T]:
    """What a step makes of messages; where screening breaks there is nothing."""
    made = []
    for one in letters:
        try:
            made.append(step(one))
        except Exception:
            logger.exception("q=%s screening=broken", one.claimed.queue_id)
    return made


def _judged(one: Unjudged) -> Judged:
    """The verdict on a message that was read."""
    return Judged(
        one.claimed.message_id,
        one.claimed.account_id,
        judge(one.letter, one.context),
        one.to.number,
        script=one.claimed.script,
        folder=one.claimed.folder,
        origin=one.claimed.origin,
        holds=one.claimed.screening is Screening.HOLD,
        sighting=one.sighting,
    )


def _settle(
    judged: Sequence[Judged], claimed: Sequence[Claimed], now: datetime
) -> tuple[set[int], int]:
    """Write verdicts down, and hold what is spam.

    Returns the numbers of the recipients that do not go on, and how many verdicts could not be
    written. Of what others judged meanwhile their word counts.
    """
    sentences, missed = _judge(judged, claimed, now)
    fresh = frozenset[int]().union(*(sentence.fresh for sentence in sentences))
    spam = frozenset[int]().union(*(sentence.spam for sentence in sentences))
    held = set()
    again = []
    for item in claimed:
        if item.screening is not Screening.HOLD:
            continue
        if item.message_id in fresh & spam:
            held.add(item.recipient_id)
        elif (item.is_spam or item.message_id in spam) and not item.is_released:
            held.add(item.recipient_id)
            again.append(item)
    queue.hold_spam(again, now)
    return held, missed


def _judge(
    judged: Sequence[Judged], claimed: Sequence[Claimed], now: datetime
) -> tuple[list[Sentence], int]:
    """Write verdicts down, with the stops that follow; where one cannot be, the others are.

    Returns what was made of them, and how many could not be written.
    """
    if not judged:
        return [], 0
    try:
        with transaction.atomic():
            sentence = queue.judge(judged, claimed, now)
            stops = service.judge_spam(sentence.struck, now)
    except (OperationalError, InterfaceError):
        raise
    except Error:
        if len(judged) == 1:
            logger.exception("message=%d verdict=unrecorded", judged[0].message_id)
            return [], 1
        each = [_judge([one], claimed, now) for one in judged]
        return [one for found, _ in each for one in found], sum(missed for _, missed in each)
    queue_ids = {item.message_id: item.queue_id for item in claimed}
    for one in judged:
        if one.message_id in sentence.fresh & sentence.spam:
            maillog.judged(queue_ids[one.message_id], one)
    for stop in stops:
        maillog.stopped(stop)
    return [sentence], 0
