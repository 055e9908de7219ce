"""What refusals tell beyond their recipient: of dead addresses, of scripts, of who refuses us."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from mailqueue import scripts, statements, suppressions, troubles
from mailqueue.bounces import classify_reply
from mailqueue.models import Message
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue.claims import Claimed
from mailqueue.queue.rows import storable
from mailqueue.scripts import Seen
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


class Failures:
    """Collects what one transaction ends as failed, and counts it with the scripts that sent it."""

    def __init__(self) -> None:
        self._failed: Counter[int] = Counter()
        self._bounced: Counter[int] = Counter()

    def add(self, message_id: int, *, is_bounced: bool) -> None:
        """A recipient of a message failed; `is_bounced`: by a fault of its own."""
        self._failed[message_id] += 1
        self._bounced[message_id] += is_bounced

    def write(self, now: datetime) -> None:
        """Count them: no query where nothing failed. Call it inside the transaction."""
        if not self._failed:
            return
        condition, values = statements.among(self._failed)
        rows = statements.fetch(
            "SELECT id, account_id, script, folder, origin "  # noqa: S608 - names of our own
            f"FROM {Message._meta.db_table} WHERE id {condition}",
            values,
        )
        scripts.see(
            [
                Seen(pk, name, folder, origin, failed=self._failed[of], bounced=self._bounced[of])
                for of, pk, name, folder, origin in rows
            ],
            now,
        )
