"""Whether our own rules can be asked: learned by the runs of one machine, and shown like an engine.

Screening that breaks lets mail go; this is how administrators come to know. Nothing is written
while all goes well.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from django.db import Error

from mailqueue import engines
from mailqueue.engines import Known
from mailqueue.models import EngineState
from relay.database import in_database

RULES = EngineState.Name.RULES.value

logger = logging.getLogger("facteur.engines")


class Outages:
    """What is known of the rules in one run: `load`, then tell how it goes, then `keep`."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._node = os.uname().nodename
        self._known: Known | None = None
        self._is_loaded = self._has_news = False

    async def load(self) -> None:
        """Begin with what the run before knew; only the first time."""
        if self._is_loaded:
            return
        self._is_loaded = True
        try:
            self._known = (await in_database(engines.load, self._node)).get(RULES)
        except Error as error:
            logger.warning("rules=unread error=%r", str(error))

    def missed(self, number: int, words: str) -> None:
        """So many messages went unjudged; `words` stand in the log beside the cause."""
        now = self._clock()
        known = self._known or Known(True, now, now)
        known = known.after(now, is_answering=False, words=words)
        self._known = replace(known, missed=known.missed + number, judged_at=now)
        self._has_news = True

    def worked(self, number: int) -> None:
        """So many were judged."""
        if self._known is None or self._known.is_answering or not number:
            return
        now = self._clock()
        self._known = replace(self._known.after(now, is_answering=True), judged_at=now)
        self._has_news = True

    async def keep(self) -> None:
        """Write down what is new."""
        if self._known is None or not self._has_news:
            return
        try:
            await in_database(engines.keep, self._node, {RULES: self._known})
            self._has_news = False
        except Error as error:
            logger.warning("rules=unwritten error=%r", str(error))
