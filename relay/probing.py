"""Looks at the e-mails that scripts sent to a test address, as a worker looks at all mail.

Owns the step from a probe to what a page tells of it. What is known beside a message is
`unjudged`'s to say; nothing here sends, holds, counts or strikes.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime

import uvloop
from django.db import InterfaceError, OperationalError

from mailqueue import examining, maillog, probes, queue
from mailqueue.examining import Examined, Prepared
from mailqueue.models import Probe
from mailqueue.queue import Claimed
from mailqueue.screening import judge
from relay import screener, unjudged
from relay.database import in_database
from relay.engines import Engines

# A run looks for so long, in seconds, before mail that is due has its turn; at so many at once:
# each has its content in memory.
SHARE_S = 2.0
AT_ONCE = 5

logger = logging.getLogger("facteur.delivery")


def look(clock: Callable[[], datetime]) -> bool:
    """Look at probes that wait; return whether some are left.

    Raises django.db.Error if the database is away.
    """
    return bool(probes.waiting(1)) and uvloop.run(_look(clock))


async def _look(clock: Callable[[], datetime]) -> bool:
    until = time.monotonic() + SHARE_S
    engines = Engines(clock)
    try:
        while waiting := await in_database(probes.waiting, AT_ONCE):
            for probe in waiting:
                await _look_at(probe, engines, clock)
                if time.monotonic() > until:
                    return bool(await in_database(probes.waiting, 1))
        return False
    finally:
        await engines.keep()


async def _look_at(probe: Probe, engines: Engines, clock: Callable[[], datetime]) -> None:
    try:
        examined = await _examined(probe, engines, clock())
        await in_database(probes.settle, probe, examined.as_row(), clock())
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        # A fault of ours: nobody must wait for an answer for ever, nor the next probe for this one.
        logger.exception("q=%s probe=broken", probe.queue_id)
        await in_database(probes.settle, probe, {}, clock())
    else:
        maillog.probed(probe.queue_id, probe.account_id, examined)


async def _examined(probe: Probe, engines: Engines, now: datetime) -> Examined:
    content = queue.unpack(bytes(probe.content or b""), probe.is_compressed)
    letter = await in_database(unjudged.beside, _as_claimed(probe), content, now)
    if engines.are_set_up:
        letter = await screener.asked(engines, letter)
    prepared = Prepared(
        content,
        probe.size_bytes,
        added=tuple(probe.changes["added"]),
        removed=tuple(probe.changes["removed"]),
    )
    return examining.examine(prepared, judge(letter.letter, letter.context), letter.context)


def _as_claimed(probe: Probe) -> Claimed:
    """A probe as if it were mail that is about to go out."""
    return Claimed(
        recipient_id=0,
        message_id=0,
        account_id=probe.account_id,
        queue_id=probe.queue_id,
        sender=probe.sender,
        address=f"test@{probes.DOMAIN}",
        domain=probes.DOMAIN,
        tries=0,
        accepted_at=probe.accepted_at,
        deadline=probe.accepted_at,
        claim="",
        size_bytes=probe.size_bytes,
        script=probe.script,
        folder=probe.folder,
        origin=probe.origin,
    )
