"""What screening makes of messages that are about to go out: written once, and spam held.

Each message is judged once, by whichever worker comes first; who comes later takes its word. What
is held as spam stays so until it is purged, expires, or somebody lets it go.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from mailqueue import behaviour, judgements, scripts, statements
from mailqueue.counters import Tallies
from mailqueue.judgements import Judged
from mailqueue.models import HostingAccount, Message, Recipient
from mailqueue.queue.claims import Claimed
from mailqueue.queue.rows import (
    TABLE,
    HoldReason,
    Status,
    count,
    drop_bodies,
    end,
    lock_accounts,
    lock_messages,
    lock_rows,
    save,
)
from mailqueue.queue.values import update_matching
from mailqueue.scripts import Seen

# Recipients of spam that one transaction holds beside those that were claimed. The others are held
# when it is their turn.
MOST_HELD = 2000
_MESSAGES = Message._meta.db_table


@dataclass(frozen=True, slots=True)
class Sentence:
    """What `judge` made of verdicts.

    `fresh` are the messages that were judged by it, `spam` all of those judged that are spam,
    whoever came first, and `struck` the accounts of which spam was held.
    """

    fresh: frozenset[int]
    spam: frozenset[int]
    struck: frozenset[int]


@dataclass(frozen=True, slots=True)
class Addressees:
    """How many recipients a message has, and one address of each domain among them."""

    number: int
    addresses: tuple[str, ...]


def addressees_of(message_ids: Iterable[int]) -> dict[int, Addressees]:
    """To whom messages go, by their numbers."""
    among, values = statements.among(message_ids)
    rows = statements.fetch(
        "SELECT message_id, COUNT(*), MIN(address) "  # noqa: S608 - names of our own
        f"FROM {TABLE} WHERE message_id {among} GROUP BY message_id, domain",
        values,
    )
    found: dict[int, Addressees] = {}
    for message_id, number, address in rows:
        before = found.get(message_id, Addressees(0, ()))
        found[message_id] = Addressees(before.number + number, (*before.addresses, address))
    return found


def judge(judged: Sequence[Judged], claimed: Sequence[Claimed], now: datetime) -> Sentence:
    """Write down what screening made of messages, of which `claimed` are in hand; hold spam.

    One transaction. What is judged spam and to be held is held with all its recipients that have
    not ended, also those that wait for a quota, or for a block to end.
    """
    guilty = {one.message_id: one.account_id for one in judged if one.is_held}
    with transaction.atomic():
        accounts = lock_accounts(guilty.values())
        lock_messages({one.message_id for one in judged})
        fresh = update_matching(
            _MESSAGES,
            "spam_score = given.points, is_spam = given.guilty",
            {"number": "bigint", "points": "double precision", "guilty": "boolean"},
            [(one.message_id, float(one.verdict.score), one.verdict.is_spam) for one in judged],
            f"{_MESSAGES}.id = given.number AND spam_score IS NULL",
        )
        news = [one for one in judged if one.message_id in fresh]
        spam = {one.message_id for one in news if one.verdict.is_spam}
        tallies = Tallies()
        for one in news:
            if one.verdict.is_spam:
                tallies[one.account_id].spam += one.recipients
                tallies[one.account_id].spam_messages += 1
        held = spam & guilty.keys()
        in_hand = [item.recipient_id for item in claimed if item.message_id in held]
        _hold([*in_hand, *_others(held)], accounts, tallies, now)
        judgements.keep(news, now)
        scripts.see([_seen(one) for one in news], now)
        behaviour.observe([one.sighting for one in news if one.sighting], spam, now)
        tallies.write(now)
        spam |= _known_spam({one.message_id for one in judged} - fresh)
    return Sentence(
        frozenset(fresh), frozenset(spam), frozenset(guilty[message_id] for message_id in held)
    )


def hold_spam(claimed: Sequence[Claimed], now: datetime) -> None:
    """Hold claimed recipients of messages that were judged spam before. One transaction."""
    if not claimed:
        return
    with transaction.atomic():
        accounts = lock_accounts(item.account_id for item in claimed)
        tallies = Tallies()
        _hold([item.recipient_id for item in claimed], accounts, tallies, now)
        tallies.write(now)


def _seen(one: Judged) -> Seen:
    spam = one.recipients if one.verdict.is_spam else 0
    script = (one.account_id, one.script, one.folder, one.origin)
    return Seen(*script, handed=one.recipients, spam=spam)


def _others(message_ids: Collection[int]) -> list[int]:
    """Recipients of messages that have not ended, up to MOST_HELD of them."""
    found = Recipient.objects.filter(message__in=message_ids, status__in=Recipient.LIVE)
    return list(found.values_list("pk", flat=True)[:MOST_HELD]) if message_ids else []


def _known_spam(message_ids: Collection[int]) -> set[int]:
    """Which of these messages another worker judged to be spam."""
    if not message_ids:
        return set()
    found = Message.objects.filter(pk__in=message_ids, is_spam=True)
    return set(found.values_list("pk", flat=True))


def _hold(
    recipient_ids: Sequence[int],
    accounts: Mapping[int, HostingAccount],
    tallies: Tallies,
    now: datetime,
) -> None:
    """Hold recipients as spam; what was being sent when the queue was purged, is purged.

    Also what another worker has in hand: it asks before it sends.
    """
    if not recipient_ids:
        return
    rows = [row for row in lock_rows(recipient_ids).values() if row.status in Recipient.LIVE]
    for row in rows:
        before, reason = Status(row.status), row.hold_reason
        is_purged = row.pk <= accounts[row.account_id].purged_through
        if is_purged and before is Status.SENDING:
            end(row, Status.PURGED, now)
        else:
            row.status = Status.HELD
            row.hold_reason = HoldReason.SPAM
            row.lease_until = row.next_attempt_at = None
            row.is_released = False
        count(tallies, row, before, reason)
    save(rows)
    drop_bodies({row.message_id for row in rows if row.ended_at is not None})
