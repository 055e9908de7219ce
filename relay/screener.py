"""Has messages judged between the claim and their first MAIL FROM.

Owns what waits for that in one run, and what is known beside a message (`_with_context`); the rules
are `mailqueue.screening`'s, and what is made of a verdict is `queue.judge`'s. It looks at messages
in a thread of its own, so that conversations go on meanwhile, and writes many verdicts at once.
Before that `engines` are asked, where they are set up.

Screening that breaks stops no mail: what could not be judged goes out, and the log says so.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ParamSpec, TypeVar

from django.db import Error, InterfaceError, OperationalError, close_old_connections, transaction

from mailqueue import headers, maillog, queue, senders, service, statements
from mailqueue.judgements import Judged
from mailqueue.models import HostingAccount, Screening
from mailqueue.queue import Addressees, Claimed, Sentence
from mailqueue.screening import Context, Verdict, screen
from relay.database import in_database
from relay.engines import Engines, Envelope

P = ParamSpec("P")
T = TypeVar("T")

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
_NOBODY = Addressees(0, ())

logger = logging.getLogger("facteur.delivery")


@dataclass(frozen=True, slots=True)
class Unjudged:
    """A message to be looked at: one of its recipients that are in hand, and what is known."""

    claimed: Claimed
    content: bytes
    to: Addressees
    context: Context
    # The name of its account.
    site: str = ""


class Screener:
    """Holds back what was claimed until its message is judged; `go` gets what may go on."""

    def __init__(
        self, clock: Callable[[], datetime], go: Callable[[Sequence[Claimed]], None]
    ) -> None:
        self._clock = clock
        self._go = go
        # In the order in which they came, by message.
        self._waiting: dict[int, list[Claimed]] = {}
        # Those that are being looked at, or judged and not written down.
        self._in_hand: dict[int, list[Claimed]] = {}
        self._judged: list[Judged] = []
        self._task: asyncio.Task[None] | None = None
        self._stuck: asyncio.Future[list[Judged]] | None = None
        self._engines = Engines(clock)
        self._now_s = asyncio.get_running_loop().time

    @property
    def waiting(self) -> int:
        """How many recipients wait for a verdict."""
        return sum(map(len, (*self._waiting.values(), *self._in_hand.values())))

    def add(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Have these judged; those that need it not, and may go at once."""
        through = []
        for item in claimed:
            if _may_go(item):
                through.append(item)
            else:
                self._waiting.setdefault(item.message_id, []).append(item)
        if self._waiting and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._work())
        return through

    async def close(self) -> list[Claimed]:
        """Judge no more; who waits for a verdict."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._engines.keep()
        groups = [*self._in_hand.values(), *self._waiting.values()]
        self._waiting, self._in_hand = {}, {}
        return [item for group in groups for item in group]

    async def _work(self) -> None:
        began_s = self._now_s()
        while self._waiting or self._in_hand:
            if self._waiting:
                lump = self._next_lump()
                try:
                    self._judged += await self._look(lump)
                except Exception:
                    # A fault of ours, or of what is known beside a message, must not stop mail.
                    logger.exception("screening=broken messages=%d", len(lump))
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
            return []
        done = {one.message_id for one in self._judged}
        unknown = [
            group[0] for group in lump if not group[0].is_judged and group[0].message_id not in done
        ]
        if not unknown:
            return []
        letters = await self._patiently(_letters, unknown)
        if self._engines.are_set_up:
            letters = await asyncio.gather(*(self._ask_engines(letter) for letter in letters))
            await self._engines.keep_now_and_then()
        looking = asyncio.get_running_loop().run_in_executor(_thread, _screen_all, letters)
        try:
            return await asyncio.wait_for(asyncio.shield(looking), LONGEST_S)
        except TimeoutError:
            self._stuck = looking
            raise

    async def _ask_engines(self, letter: Unjudged) -> Unjudged:
        """The message, with what engines find in it."""
        claimed, context = letter.claimed, letter.context
        whose = (claimed.account_id, letter.site, claimed.queue_id, claimed.sender)
        found = await self._engines.ask(
            letter.content, Envelope(*whose, letter.to.addresses[:MOST_TOLD])
        )
        return replace(letter, context=replace(context, observed=(*context.observed, *found)))

    async def _write(self) -> None:
        """Write verdicts down, and let go what may go."""
        judged, self._judged = self._judged, []
        claimed = [item for group in self._in_hand.values() for item in group]
        try:
            held = await self._patiently(_settle, judged, claimed, self._clock())
        except Error:
            logger.exception("screening=unrecorded messages=%d", len(judged))
            held = set()
        self._in_hand = {}
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
    if item.screening is Screening.OFF:
        return True
    is_stopped = item.is_spam and item.screening is Screening.HOLD and not item.is_released
    return item.is_judged and not is_stopped


def _answers() -> bool:
    """Whether the database answers at all."""
    try:
        return bool(statements.fetch("SELECT 1"))
    except (OperationalError, InterfaceError):
        close_old_connections()
        return False


def _letters(unknown: Sequence[Claimed]) -> list[Unjudged]:
    """Messages with their contents, and what is known beside them; without those that are gone."""
    ids = [item.message_id for item in unknown]
    contents, to = queue.contents_of(ids), queue.addressees_of(ids)
    letters = [
        Unjudged(item, contents[item.message_id], to.get(item.message_id, _NOBODY), Context())
        for item in unknown
        if item.message_id in contents
    ]
    try:
        return _with_context(letters)
    except Error:
        logger.exception("screening=without_facts messages=%d", len(letters))
        return letters


def _with_context(letters: Sequence[Unjudged]) -> list[Unjudged]:
    """The messages with what is known beside them: a few queries for all of them."""
    ids = {one.claimed.account_id for one in letters}
    accounts = {account.pk: account for account in HostingAccount.objects.filter(pk__in=ids)}
    domains = senders.domains_of(accounts.values())
    return [
        replace(
            one,
            site=accounts[one.claimed.account_id].service_name,
            context=Context(
                own_domains=domains[one.claimed.account_id],
                added=headers.completed(one.content, one.claimed.sender),
                recipients=one.to.addresses,
            ),
        )
        for one in letters
    ]


def _screen_all(letters: Sequence[Unjudged]) -> list[Judged]:
    """The verdicts on messages; where screening breaks there is none."""
    judged = []
    for one in letters:
        try:
            judged.append(_judged(one, screen(one.content, one.context)))
        except Exception:
            logger.exception("q=%s screening=broken", one.claimed.queue_id)
    return judged


def _judged(one: Unjudged, verdict: Verdict) -> Judged:
    return Judged(
        one.claimed.message_id,
        one.claimed.account_id,
        verdict,
        one.to.number,
        script=one.claimed.script,
        folder=one.claimed.folder,
        origin=one.claimed.origin,
        holds=one.claimed.screening is Screening.HOLD,
    )


def _settle(judged: Sequence[Judged], claimed: Sequence[Claimed], now: datetime) -> set[int]:
    """Write verdicts down, and hold what is spam; the numbers of recipients that do not go on.

    Of what others judged meanwhile their word counts.
    """
    sentences = _judge(judged, claimed, now)
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
    return held


def _judge(judged: Sequence[Judged], claimed: Sequence[Claimed], now: datetime) -> list[Sentence]:
    """Write verdicts down, with the stops that follow; where one cannot be, the others are."""
    if not judged:
        return []
    try:
        with transaction.atomic():
            sentence = queue.judge(judged, claimed, now)
            stops = service.judge_spam(sentence.struck, now)
    except (OperationalError, InterfaceError):
        raise
    except Error:
        if len(judged) == 1:
            logger.exception("message=%d verdict=unrecorded", judged[0].message_id)
            return []
        return [found for one in judged for found in _judge([one], claimed, now)]
    queue_ids = {item.message_id: item.queue_id for item in claimed}
    for one in judged:
        if one.message_id in sentence.fresh & sentence.spam:
            maillog.judged(queue_ids[one.message_id], one)
    for stop in stops:
        maillog.stopped(stop)
    return [sentence]
