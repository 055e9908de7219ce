"""One event, one line, `key=value`, queue id first. Nothing else writes about a mail's way.

What strangers wrote (addresses, replies) comes as `%r`, so that it can't forge a line.
"""

import logging
from datetime import datetime

from mailqueue.examining import Examined
from mailqueue.judgements import Judged
from mailqueue.models import StateChange
from mailqueue.queue import Recorded, Submission
from mailqueue.returns import Handled

logger = logging.getLogger("facteur.mail")


def accepted(queue_id: str, submission: Submission) -> None:
    """A message was taken over, and is durable."""
    logger.info(
        "q=%s account=%d from=%r nrcpt=%d size=%d origin=%s script=%r status=accepted",
        queue_id,
        submission.account_id,
        submission.sender,
        len(submission.recipients),
        submission.size_bytes,
        submission.origin,
        submission.script,
    )


def refused(uid: int | None, code: int, reason: str) -> None:
    """A message was not taken over. `code` is the exit status that the caller got."""
    logger.info("q=- uid=%s exit=%d reason=%r status=refused", uid, code, reason)


def judged(queue_id: str, one: Judged) -> None:
    """A message was judged to be spam."""
    logger.warning(
        "q=%s account=%d nrcpt=%d script=%r score=%.1f rules=%s status=%s",
        queue_id,
        one.account_id,
        one.recipients,
        one.script,
        one.verdict.score,
        ",".join(dict.fromkeys(finding.rule for finding in one.verdict.findings)),
        "spam" if one.is_held else "noted",
    )


def probed(queue_id: str, account_id: int, examined: Examined) -> None:
    """A message to a test address was looked at; it goes nowhere."""
    logger.info(
        "q=%s account=%d size=%d score=%.1f rules=%s status=probed",
        queue_id,
        account_id,
        examined.size_bytes,
        examined.score,
        ",".join(dict.fromkeys(finding.rule for finding in examined.findings)),
    )


def stopped(change: StateChange) -> None:
    """A rule stopped an account."""
    logger.warning(
        "q=- account=%d rule=%s from=%s to=%s figures=%r status=stopped",
        change.account_id,
        change.event,
        change.from_state,
        change.to_state,
        {name: number for name, number in change.figures.items() if isinstance(number, int)},
    )


def returned(handled: Handled) -> None:
    """A message to one of our return paths was handled."""
    logger.info(
        "q=%s returned=%d account=%s to=%r status=%s category=%s reply=%r",
        handled.queue_id or "-",
        handled.returned_id,
        "-" if handled.account_id is None else handled.account_id,
        handled.address,
        handled.outcome.value,
        handled.category or "-",
        handled.words,
    )


def attempt(recorded: Recorded, now: datetime) -> None:
    """One try at one recipient, and what was made of it."""
    claimed, outcome = recorded.claimed, recorded.outcome
    logger.info(
        "q=%s to=%r mx=%s tls=%s delay=%.1fs dsn=%s status=%s try=%d reply=%r%s",
        claimed.queue_id,
        claimed.address,
        outcome.host or "-",
        outcome.tls,
        (now - claimed.accepted_at).total_seconds(),
        outcome.status,
        recorded.status if recorded.was_ours else outcome.result,
        claimed.tries + 1,
        outcome.reply,
        "" if recorded.was_ours else " late=yes",
    )
