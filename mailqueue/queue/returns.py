"""What came back of recipients that were sent: they are in error then, each once.

A recipient that came back stays `sent`: it left, and is counted as such. When, why and in what
words it came back stands beside it, and it is counted as returned.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from mailqueue import scripts
from mailqueue.bounces import OF_RECIPIENT, Category
from mailqueue.counters import Tallies
from mailqueue.models import Recipient
from mailqueue.queue.rows import Status, lock_rows, storable
from mailqueue.queue.work import LONGEST_REPLY
from mailqueue.scripts import Seen
from mailqueue.suppressions import Blow, Reason, strike
from mailqueue.troubles import Trouble, note, trouble_of


@dataclass(frozen=True, slots=True)
class CameBack:
    """What a message that came back says of a recipient: that it failed, or a complaint.

    `is_hard` says that the address itself is dead; `words` are the other side's.
    """

    recipient_id: int
    category: Category
    status: str
    is_hard: bool
    words: str


class Fate(Enum):
    """What was made of it."""

    COUNTED = auto()
    # It was in error, or had complained, already; or its message was never sent.
    KNOWN = auto()
    # Its delivery is not written down yet: ask again later.
    EARLY = auto()
    GONE = auto()


@dataclass(frozen=True, slots=True)
class Back:
    """What was made of one message that came back, and whose the recipient is."""

    fate: Fate
    recipient: Recipient | None = None


def come_back(said: Sequence[CameBack], now: datetime) -> list[Back]:
    """Take recipients for in error, or for complained about; each once, however often it is said.

    Part of the caller's transaction. Answers stand in the order of what was said.
    """
    rows = lock_rows(one.recipient_id for one in said)
    tallies, failures = Tallies(), list[Seen]()
    blows: list[Blow] = []
    troubles: list[Trouble] = []
    answers: list[Back] = []
    for one in said:
        row = rows.get(one.recipient_id)
        fate = _take(row, one, now)
        answers.append(Back(fate, row))
        if row is None or fate is not Fate.COUNTED:
            continue
        tally = tallies[row.account_id]
        address = row.address.lower()
        if one.category is Category.COMPLAINT:
            tally.complaints += 1
            blows.append(Blow(row.account_id, address, Reason.COMPLAINED, ""))
            continue
        is_bounced = one.category in OF_RECIPIENT
        tally.returned += 1
        tally.bounced += is_bounced
        failures.append(_failure(row, is_bounced=is_bounced))
        if one.is_hard:
            blows.append(Blow(row.account_id, address, Reason.FAILED, row.reply))
        troubles += trouble_of(row.account_id, one.category, row.domain, row.reply)
    Recipient.objects.bulk_update(
        [back.recipient for back in answers if back.recipient and back.fate is Fate.COUNTED],
        ["returned_at", "complained_at", "reply", "reply_status", "category"],
    )
    strike(blows, now)
    note(troubles, now)
    scripts.see(failures, now)
    tallies.write(now)
    return answers


def _failure(row: Recipient, *, is_bounced: bool) -> Seen:
    """What the script that sent it is told by it."""
    message = row.message
    return Seen(
        *(row.account_id, message.script, message.folder, message.origin),
        failed=1,
        bounced=int(is_bounced),
    )


def _take(row: Recipient | None, said: CameBack, now: datetime) -> Fate:
    if row is None:
        return Fate.GONE
    if said.category is Category.COMPLAINT:
        # Who complains has got it, whatever is written down of its delivery.
        if row.complained_at is not None:
            return Fate.KNOWN
        row.complained_at = now
        return Fate.COUNTED
    if row.status in Recipient.LIVE:
        return Fate.EARLY
    if row.status != Status.SENT or row.returned_at is not None:
        return Fate.KNOWN
    row.returned_at = now
    row.category = said.category
    row.reply = storable(said.words, LONGEST_REPLY)
    row.reply_status = storable(said.status, 16)
    return Fate.COUNTED
