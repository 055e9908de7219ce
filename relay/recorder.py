"""Group commit for many conversations: what waits when a round ends shares the next one.

Owns the rounds to the database that stand between two messages of a conversation: write down what
became of the first, then see whether the second may still go. Who converses is for `delivery`.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import Error, InterfaceError, OperationalError

from mailqueue import maillog, queue, service
from mailqueue.models import Recipient
from mailqueue.outcomes import Outcome
from mailqueue.queue import Claimed
from relay.database import in_database

# Between two tries while the database is away, in seconds.
PAUSE_S = 1.0
# How long a round waits for conversations that are under way to join it, in seconds. Without it
# they fall into two halves that take turns, and a third fewer mails go out (measured).
GATHER_S = 0.001

logger = logging.getLogger("facteur.delivery")

Outcomes = list[tuple[Claimed, Outcome]]


@dataclass(frozen=True, slots=True)
class Cleared:
    """What of a message may go out now; `content` is None if it is no longer kept."""

    claimed: tuple[Claimed, ...]
    content: bytes | None


_NOTHING = Cleared((), None)


@dataclass(slots=True, eq=False)
class _Wish:
    outcomes: Outcomes
    wanted: Sequence[Claimed]
    answer: asyncio.Future[Cleared]


class Recorder:
    """Writes outcomes down and clears the next messages, for all conversations of a run.

    `conversations` says how many there are: a round waits a moment for those that are under way.
    """

    def __init__(self, clock: Callable[[], datetime], conversations: Callable[[], int]) -> None:
        self._clock = clock
        self._conversations = conversations
        self._wishes: list[_Wish] = []
        self._rounds: asyncio.Task[None] | None = None
        # Accounts with failures that rules have yet to look at.
        self._failed: set[int] = set()

    async def settle(self, outcomes: Outcomes, wanted: Sequence[Claimed] = ()) -> Cleared:
        """Return when `outcomes` are committed, with what of `wanted` may still go out.

        `wanted` are recipients of one message. Those that may not go are given back. While the
        database is away this waits.
        """
        if not outcomes and not wanted:
            return _NOTHING
        wish = _Wish(outcomes, wanted, asyncio.get_running_loop().create_future())
        self._wishes.append(wish)
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.create_task(self._go_round())
        return await wish.answer

    async def close(self, timeout_s: float) -> None:
        """Wait for the last round, then give up what is left: others take it up by its lease."""
        if self._rounds is not None:
            await asyncio.wait([self._rounds], timeout=timeout_s)
            self._rounds.cancel()
            await asyncio.gather(self._rounds, return_exceptions=True)

    async def _go_round(self) -> None:
        wishes: list[_Wish] = []
        try:
            while self._wishes:
                if len(self._wishes) < self._conversations():
                    await asyncio.sleep(GATHER_S)
                wishes, self._wishes = self._wishes, []
                for wish, answer in zip(wishes, await self._fulfil(wishes), strict=True):
                    if not wish.answer.done():
                        wish.answer.set_result(answer)
        except Exception as error:  # noqa: BLE001 - it is theirs who wait
            for wish in wishes:
                if not wish.answer.done():
                    wish.answer.set_exception(error)
        finally:
            for wish in (*wishes, *self._wishes):
                wish.answer.cancel()

    async def _fulfil(self, wishes: list[_Wish]) -> list[Cleared]:
        while True:
            try:
                return await in_database(self._round, wishes)
            except (OperationalError, InterfaceError) as error:
                logger.warning("database=away error=%r", str(error))
                await asyncio.sleep(PAUSE_S)

    def _round(self, wishes: list[_Wish]) -> list[Cleared]:
        now = self._clock()
        outcomes = [item for wish in wishes for item in wish.outcomes]
        if outcomes:
            self._failed |= _record(outcomes, now)
            # What follows may fail and be tried again; this is done.
            for wish in wishes:
                wish.outcomes = []
        if self._failed:
            # Part of the round: what a rule stops is not sent by the next one.
            for stop in service.judge_failures(self._failed, now):
                maillog.stopped(stop)
            self._failed = set()
        return _clear([wish.wanted for wish in wishes], now)


def _record(outcomes: Outcomes, now: datetime) -> set[int]:
    """Write outcomes down; return the accounts that had failures."""
    try:
        recorded = queue.record(outcomes, now)
    except (OperationalError, InterfaceError):
        raise
    except Error:
        if len(outcomes) == 1:
            # Its lease runs out and it is tried again; the others must not wait for it.
            logger.exception("q=%s outcome=unrecorded", outcomes[0][0].queue_id)
            return set()
        return set[int]().union(*(_record([outcome], now) for outcome in outcomes))
    for item in recorded:
        maillog.attempt(item, now)
    return {
        item.claimed.account_id
        for item in recorded
        if item.was_ours and item.status is Recipient.Status.FAILED
    }


def _clear(wanted: list[Sequence[Claimed]], now: datetime) -> list[Cleared]:
    everybody = [claimed for group in wanted for claimed in group]
    if not everybody:
        return [_NOTHING] * len(wanted)
    may_go = queue.cleared(everybody)
    queue.give_back([claimed for claimed in everybody if claimed.recipient_id not in may_go], now)
    groups = [
        tuple(claimed for claimed in group if claimed.recipient_id in may_go) for group in wanted
    ]
    contents = queue.contents_of({group[0].message_id for group in groups if group})
    return [
        Cleared(group, contents.get(group[0].message_id)) if group else _NOTHING for group in groups
    ]
