"""The engines of the settings, asked about messages: at once, within bounds, and never in the way.

An engine that is absent, slow, broken or lying has found nothing, and the message goes on: fail
open. Owns how long they may take, how many questions there are at once, and what is learned of
them; what they say is for `rspamd` and `clamd`.

Note: a worker looks at up to fifty messages together, so whoever sends files that take an engine
seconds makes the others of his lump wait as long.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings
from django.db import Error

from mailqueue import engines as kept
from mailqueue.engines import Known
from mailqueue.screening import Finding
from relay.database import in_database
from relay.engines.circuit import Circuit
from relay.engines.clamd import Clamd
from relay.engines.exchange import Envelope, NoAnswer
from relay.engines.rspamd import Rspamd

# All ours.
PING_S = 2.0
# An engine that answered about a message as lately as that is not asked whether it is there.
FRESH = timedelta(minutes=2)
# The mean time is of about so many answers.
MEAN_OF = 100
# How often a run writes down what it learned.
KEEP_S = 5.0
TOO_SLOW = "no answer in time"

logger = logging.getLogger("facteur.engines")


class Engine(Protocol):
    """What an engine can be asked. Both raise NoAnswer or OSError, and take as long as it takes."""

    name: str
    # Questions that it is asked at once.
    at_once: int

    async def ask(self, content: bytes, envelope: Envelope) -> Sequence[Finding]:
        """What it found in a message."""

    async def ping(self) -> None:
        """Whether it is there."""


class Engines:
    """The engines of one run of a worker; it begins with what earlier runs of it learned."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._asked = asked_of_settings(clock)
        self._node = os.uname().nodename
        self._is_loaded = False
        self._keep_at = 0.0

    @property
    def are_set_up(self) -> bool:
        """Whether there is any."""
        return bool(self._asked)

    async def _load(self) -> None:
        """Take over what earlier runs of this machine learned."""
        if not self._asked or self._is_loaded:
            return
        self._is_loaded = True
        try:
            found = await in_database(kept.load, self._node)
        except Error as error:
            logger.warning("engines=unread error=%r", str(error))
            return
        for one in self._asked:
            if one.engine.name in found:
                one.begin_with(found[one.engine.name])

    async def ask(self, content: bytes, envelope: Envelope) -> tuple[Finding, ...]:
        """What all of them find in a message; nothing from those that do not answer in time."""
        await self._load()
        return await ask_all(self._asked, content, envelope)

    async def check(self) -> None:
        """Ask those that nobody asked lately whether they are there."""
        await self._load()
        await asyncio.gather(*(one.check() for one in self._asked))

    async def keep_now_and_then(self) -> None:
        """`keep`, if it is some seconds since the last time."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._keep_at:
            self._keep_at = now_s + KEEP_S
            await self.keep()

    async def keep(self) -> None:
        """Write what was learned since the last time."""
        changed = {one.engine.name: one.known for one in self._asked if one.take_news()}
        if not changed:
            return
        try:
            await in_database(kept.keep, self._node, changed)
        except Error as error:
            # The next news hold this, too.
            logger.warning("engines=unwritten error=%r", str(error))


class Asked:
    """One engine, asked within bounds, with what is known of it."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self.engine = engine
        self._clock = clock
        self._room = asyncio.Semaphore(engine.at_once)
        self._circuit = Circuit()
        now = clock()
        self._known = Known(True, now, now)
        self._has_news = False

    @property
    def known(self) -> Known:
        """What its row should say."""
        circuit = self._circuit
        return replace(
            self._known,
            failures=circuit.failures,
            rests=circuit.rests,
            rest_until=circuit.rest_until,
        )

    def begin_with(self, known: Known) -> None:
        """Take over what another run knew."""
        self._known = known
        self._circuit = Circuit(known.rests, known.rest_until, known.failures)

    def take_news(self) -> bool:
        """Whether something was learned since this was last asked."""
        has_news, self._has_news = self._has_news, False
        return has_news

    async def ask(self, content: bytes, envelope: Envelope) -> Sequence[Finding]:
        """What it found; nothing if it is away, fails, or is asked too much else.

        Takes no more than twice the time of an answer.
        """
        try:
            async with asyncio.timeout(settings.ENGINE_TIMEOUT_S):
                await self._room.acquire()
        except TimeoutError:
            self._missed()
            return ()
        try:
            # Asked here, not before: while this one waited, others may have found it away.
            if not self._circuit.lets_pass(self._clock()):
                self._missed()
                return ()
            begun = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(settings.ENGINE_TIMEOUT_S):
                    found = await self.engine.ask(content, envelope)
            except (NoAnswer, OSError) as error:
                # TimeoutError is an OSError.
                self._failed(envelope, error)
                return ()
            except asyncio.CancelledError:
                self._circuit.gave_up()
                raise
            except Exception as error:
                # A fault of ours, on what an engine said: the message goes on all the same.
                logger.exception("q=%s engine=%s", envelope.queue_id, self.engine.name)
                self._failed(envelope, error)
                return ()
            self._answered(asyncio.get_running_loop().time() - begun)
            return found
        finally:
            self._room.release()

    async def check(self) -> None:
        """Ask whether it is there, unless a message did so lately."""
        now = self._clock()
        judged_at = self._known.judged_at
        if judged_at is not None and now - judged_at < FRESH:
            return
        try:
            async with asyncio.timeout(PING_S):
                await self.engine.ping()
        except (NoAnswer, OSError) as error:
            self._learn(is_answering=False, words=_words(error))
        else:
            is_slow = not self._known.is_answering and self._known.words == TOO_SLOW
            if is_slow:
                # It is there, as it was when it took too long: only a message can tell.
                self._circuit.may_try(now)
            elif not self._known.is_answering:
                self._circuit.answered()
            self._learn(is_answering=not is_slow)

    def _answered(self, took_s: float) -> None:
        self._circuit.answered()
        self._learn(is_answering=True)
        known = replace(self._known, judged_at=self._clock())
        share = 1 / min(MEAN_OF, known.answers + 1)
        mean_ms = known.mean_ms + (1000 * took_s - known.mean_ms) * share
        self._known = replace(known, answers=known.answers + 1, mean_ms=mean_ms)

    def _failed(self, envelope: Envelope, error: Exception) -> None:
        is_slow = isinstance(error, TimeoutError)
        self._circuit.failed(self._clock(), envelope.account_id, is_slow=is_slow)
        words = _words(error)
        logger.warning(
            "q=%s engine=%s answer=none error=%r", envelope.queue_id, self.engine.name, words
        )
        # One failure is none of the engine's yet; a rest says that it is away.
        is_away = self._circuit.rest_until is not None
        self._learn(is_answering=self._known.is_answering and not is_away, words=words)
        self._missed()

    def _missed(self) -> None:
        self._known = replace(self._known, missed=self._known.missed + 1)
        self._has_news = True

    def _learn(self, *, is_answering: bool, words: str = "") -> None:
        now = self._clock()
        if is_answering is not self._known.is_answering:
            status = "answers" if is_answering else "away"
            logger.warning("engine=%s status=%s error=%r", self.engine.name, status, words)
        self._known = self._known.after(now, is_answering=is_answering, words=words)
        self._has_news = True


def asked_of_settings(clock: Callable[[], datetime]) -> list[Asked]:
    """The engines that the settings have."""
    found: list[Engine] = []
    if settings.RSPAMD is not None:
        found.append(Rspamd(settings.RSPAMD))
    if settings.CLAMD is not None:
        found.append(Clamd(settings.CLAMD))
    return [Asked(engine, clock) for engine in found]


async def ask_all(
    asked: Sequence[Asked], content: bytes, envelope: Envelope
) -> tuple[Finding, ...]:
    """What engines find, asked beside each other."""
    found = await asyncio.gather(*(one.ask(content, envelope) for one in asked))
    return tuple(finding for findings in found for finding in findings)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return TOO_SLOW
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return str(error)
