"""Which keys sign a message, and the signatures of what is on its way: one `Signer` for a run.

Keys are looked up by account and author, and kept for a few seconds: a key that is activated or
retired counts from then on. No trouble with a key stops mail: it goes out unsigned, and the log
tells so.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import Error

from mailqueue import signing_keys
from mailqueue.queue import Claimed
from relay import signing
from relay.database import in_database
from relay.signing import Signs

KEPT = timedelta(seconds=10)
# Looked-up authors, and signatures of messages that go out in several transactions.
MOST_KEPT = 1000
# Larger ones are hashed beside the event loop.
AT_ONCE = 256 * 1024

K = TypeVar("K")
V = TypeVar("V")
logger = logging.getLogger("facteur.signer")


class Signer:
    """Signs what goes out."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        # With the moment from which on they are looked up again.
        self._keys: dict[tuple[int, str], tuple[datetime, list[Signs]]] = {}
        self._made: dict[int, tuple[datetime, bytes]] = {}

    async def signed(self, claimed: Claimed, content: bytes) -> bytes:
        """The message of this recipient with its signatures before it; as it is if nobody signs.

        A message that goes to many is signed once.
        """
        now = self._clock()
        until, made = self._made.get(claimed.message_id, (now, b""))
        if now >= until:
            made = await self._signatures(claimed, content, now)
            _keep(self._made, claimed.message_id, (now + KEPT, made))
        return made + content if made else content

    async def _signatures(self, claimed: Claimed, content: bytes, now: datetime) -> bytes:
        fields = signing.read(content)
        keys = await self._keys_of(claimed.account_id, signing.author_domain(fields), now)
        if not keys:
            return b""
        try:
            if len(content) <= AT_ONCE:
                return signing.signatures(fields, keys, now)
            return await asyncio.to_thread(signing.signatures, fields, keys, now)
        except ValueError as error:
            logger.warning("q=%s signed=no error=%r", claimed.queue_id, str(error))
            return b""

    async def _keys_of(self, account_id: int, author_domain: str, now: datetime) -> list[Signs]:
        wanted = account_id, author_domain
        until, known = self._keys.get(wanted, (now, []))
        if now < until:
            return known
        try:
            found = await in_database(_look_up, account_id, author_domain)
        except Error as error:
            # What was known before is better than none.
            logger.warning("keys=unread account=%d error=%r", account_id, str(error))
            return known
        _keep(self._keys, wanted, (now + KEPT, found))
        return found


def _keep(kept: dict[K, V], name: K, value: V) -> None:
    if len(kept) >= MOST_KEPT:
        kept.clear()
    kept[name] = value


def _look_up(account_id: int, author_domain: str) -> list[Signs]:
    found = []
    for key in signing_keys.signing(account_id, author_domain):
        private = signing_keys.unsealed(key)
        if private is None:
            logger.warning("key=%s unread=yes", signing_keys.record_name(key))
        else:
            found.append(Signs(key.domain, key.selector, private))
    return found
