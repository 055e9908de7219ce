"""What refusals tell beyond their recipient: of dead addresses, and of who refuses this house."""

from collections.abc import Iterable
from datetime import datetime

from mailqueue import suppressions, troubles
from mailqueue.bounces import classify_reply
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue.claims import Claimed
from mailqueue.queue.rows import storable
from mailqueue.suppressions import Blow, Reason
from mailqueue.troubles import Trouble

LONGEST_WORDS = 500


def learn(refused: Iterable[tuple[Claimed, Outcome]], now: datetime) -> None:
    """Note what was refused, or put off, by a server. Part of the caller's transaction."""
    blows: list[Blow] = []
    found: list[Trouble] = []
    for claimed, outcome in refused:
        is_for_good = outcome.result is Result.FAILED
        # What no server said is of the way, and no refusal.
        if outcome.result is Result.DELIVERED or not (is_for_good or outcome.host):
            continue
        words = storable(outcome.reply, LONGEST_WORDS)
        verdict = classify_reply(words)
        if is_for_good and verdict.hard:
            blows.append(Blow(claimed.account_id, claimed.address.lower(), Reason.FAILED, words))
        found += troubles.trouble_of(
            claimed.account_id,
            verdict.category,
            troubles.destination_of(outcome.host, claimed.domain),
            words,
            is_for_good=is_for_good,
        )
    suppressions.strike(blows, now)
    troubles.note(found, now)
