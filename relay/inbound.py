"""The listener for what comes back: bounces, complaints, answers about a stop.

Owns who may bring what: mail to our own return paths (`mailqueue.return_path`) and nothing else,
whoever brings it; so it is no relay, and no mailbox that can be guessed. It is answered 250 after
it was kept; what it says is read later, by a task. TLS is offered where there is a certificate.

A stranger has a minute in all until he names a return path of ours; after that, a minute for each
command. Connections, messages and bytes are limited by source, and messages by return path.
"""

import asyncio
import contextlib
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import Error

from mailqueue import return_path, returns
from mailqueue.celery import CLASSIFY
from mailqueue.return_tokens import Token
from mailqueue.returns import KEPT_BYTES, Arrival
from relay import disk, network
from relay.content import Content
from relay.database import in_database
from relay.dialogue import House
from relay.hints import Hints
from relay.intake import TOO_LARGE, Intake
from relay.network import Bound, NetworkConnection, Terms
from relay.throttle import Throttle

# A report may hold the largest message there is, and its own words about it.
LARGEST = settings.MESSAGE_SIZE_LIMIT + 1024 * 1024
# Recipients of one message, and wrong ones of one connection.
MOST_RECIPIENTS = 20
MOST_WRONG = 10
# Messages of one source within a minute: a smarthost brings all bounces of a house.
MOST_A_MINUTE = 3000
MINUTE_S = 60.0
# Bounds of one transaction.
MOST_ARRIVALS = 200
# At most one hint in this time: a worker handles all that is there.
HINT_EVERY_S = 0.5

KEPT = "250 2.0.0 Message kept"
NOBODY_HERE = "550 5.1.1 No such address here"
TOO_MANY_WRONG = "421 4.7.0 Too many addresses that are none"
TOO_MANY = "452 4.5.3 Too many recipients"
TOO_FAST = "451 4.7.0 Too many messages, come back later"
NOT_NOW = "451 4.3.0 The message cannot be kept now, come back later"
DISK_FULL = "452 4.3.1 The disk is nearly full, come back later"
ENOUGH = "552 5.2.2 So much has come back to this address already"

logger = logging.getLogger("facteur.inbound")


@dataclass(slots=True, eq=False)
class _Waiting:
    arrivals: Sequence[Arrival]
    answer: asyncio.Future[str]


class Inbox:
    """Keeps messages of all connections; what waits while a commit runs shares the next one."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self._waiting: deque[_Waiting] = deque()
        self._committing: asyncio.Task[None] | None = None
        self._hints = Hints(CLASSIFY, HINT_EVERY_S)

    async def keep(self, arrivals: Sequence[Arrival]) -> str:
        """Keep a message, once for each address; return the reply, after the commit."""
        waiting = _Waiting(arrivals, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_all())
        try:
            return await waiting.answer
        except asyncio.CancelledError:
            # Who brought it went away, and keeps it: it would only fill the memory.
            with contextlib.suppress(ValueError):
                self._waiting.remove(waiting)
            raise

    async def finish(self) -> None:
        """Wait until what was taken is committed and hinted at."""
        if self._committing is not None:
            await asyncio.gather(self._committing, return_exceptions=True)
        await self._hints.finish()

    async def _commit_all(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                replies = await self._commit(batch)
            except Exception:
                # Whoever brought them keeps them.
                logger.exception("commit=failed messages=%d", len(batch))
                replies = [NOT_NOW] * len(batch)
            for waiting, reply in zip(batch, replies, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(reply)
            if KEPT in replies:
                self._hints.give()

    def _next_batch(self) -> list[_Waiting]:
        batch = [self._waiting.popleft()]
        number = len(batch[0].arrivals)
        while self._waiting and number < MOST_ARRIVALS:
            batch.append(self._waiting.popleft())
            number += len(batch[-1].arrivals)
        return batch

    async def _commit(self, batch: Sequence[_Waiting]) -> list[str]:
        if disk.is_nearly_full():
            return [DISK_FULL] * len(batch)
        arrivals = [arrival for waiting in batch for arrival in waiting.arrivals]
        try:
            kept = iter(await in_database(returns.store, arrivals, self.clock()))
        except Error as error:
            logger.warning("commit=failed messages=%d error=%r", len(batch), str(error))
            return [NOT_NOW] * len(batch)
        replies = []
        for waiting in batch:
            of_each = [next(kept) for _ in waiting.arrivals]
            # Kept for one of its addresses, it is kept.
            replies.append(KEPT if any(of_each) else ENOUGH)
        return replies


@asynccontextmanager
async def serve(
    listeners: Sequence[Bound], terms: Terms, intake: Intake, inbox: Inbox
) -> AsyncIterator[None]:
    """Accept at these sockets while the block runs, then answer what is under way."""
    house = House(intake)
    throttle = Throttle()
    rates = _Rates()

    def connection(address: str) -> NetworkConnection:
        return _Connection(house, throttle, terms, address, inbox, rates)

    async with network.serve(listeners, house, terms.tls, connection, terms.handshake_s):
        yield
    await inbox.finish()


class _Rates:
    """How many messages each source brought in this minute."""

    def __init__(self) -> None:
        self._since_s = 0.0
        self._brought: Counter[str] = Counter()

    def may_bring(self, source: str, now_s: float) -> bool:
        """Count a message; False if the source has brought too many."""
        if now_s - self._since_s >= MINUTE_S:
            self._since_s = now_s
            self._brought.clear()
        self._brought[source] += 1
        return self._brought[source] <= MOST_A_MINUTE


class _Connection(NetworkConnection):
    """One server that brings something back."""

    largest = LARGEST

    def __init__(
        self,
        house: House,
        throttle: Throttle,
        terms: Terms,
        address: str,
        inbox: Inbox,
        rates: _Rates,
    ) -> None:
        self._inbox = inbox
        self._rates = rates
        self._wrong = 0
        super().__init__(house, throttle, terms, address)

    @property
    def payer(self) -> str:
        """The source that it comes from."""
        return self.source

    def _take_recipient(self, written: str) -> str:
        """Add one of our own addresses to the envelope; the reply."""
        if return_path.whose(written, self._inbox.clock()) is None:
            self._wrong += 1
            if self._wrong < MOST_WRONG:
                return NOBODY_HERE
            # What is said before is still sent.
            self.loop.call_soon(self.hang_up)
            return TOO_MANY_WRONG
        # From now on only its commands have a deadline, and no stranger takes its place.
        self._end_deadline()
        self._throttle.note_known(self)
        if len(self._envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return TOO_MANY
        self._envelope.rcpt_tos.append(written)
        return "250 2.1.5 Recipient taken"

    async def _refuse_size(self) -> None:
        # It is no account's refusal.
        await self.push(f"{TOO_LARGE.code} {TOO_LARGE.status} {TOO_LARGE.text}")

    async def _answer(self, content: Content) -> None:
        await self.push(await self._kept(content))

    async def _kept(self, content: Content) -> str:
        """Keep a message for each of its addresses; the reply."""
        if content.is_too_large:
            return f"{TOO_LARGE.code} {TOO_LARGE.status} {TOO_LARGE.text}"
        if not self._rates.may_bring(self.source, self.loop.time()):
            return TOO_FAST
        now = self._inbox.clock()
        tokens: dict[Token, None] = {}
        for address in self._envelope.rcpt_tos:
            # One may have ended since.
            if (token := return_path.whose(address, now)) is not None:
                tokens[token] = None
        kept = content.whole()[:KEPT_BYTES]
        arrivals = [
            Arrival(token, self._envelope.mail_from or "", self.source, kept, content.size_bytes)
            for token in tokens
        ]
        return await self._inbox.keep(arrivals) if arrivals else NOBODY_HERE
