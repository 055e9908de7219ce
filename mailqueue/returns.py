"""Messages to our return paths: kept when they come, and handled once. The only writer of them.

    relay/inbound -> store -> (hint) -> handle: what it says -> `queue.come_back`, or a review

Owns what is kept of them, for how long, and what follows from each. Whose a message is was told by
the token it was sent to, and nothing in it is believed about that: a report about somebody else
changes nothing else.

A report may be here before the outcome of its delivery is written down; it is then looked at again
until it is, or nobody can be asked any more.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import zstandard
from django.db import transaction

from mailqueue import answers, queue
from mailqueue.bounces import NOT_FAILURES, Category, Report, classify_report
from mailqueue.models import Message, Returned
from mailqueue.queue import CameBack, Fate, storable
from mailqueue.return_tokens import VALID_FOR, Purpose, Token

Outcome = Returned.Outcome
# Of a message, what is kept: reports stand before the message they return.
KEPT_BYTES = 128 * 1024
# Of one token, so many messages are taken: replaying one fills no disk.
MOST_OF_ONE = 20
# How long to wait at least for the outcome of a delivery, whose commit may be under way; each time
# as long again as it has waited, for it may take until that is tried again.
LOOK_SOON = timedelta(seconds=2)
# As long as their tokens count.
KEPT = max(VALID_FOR.values())

logger = logging.getLogger("facteur.returns")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message to one of our addresses, as `relay` takes it; `size_bytes` is the whole of it."""

    token: Token
    sender: str
    source: str
    content: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Handled:
    """A message that was handled: what it was, and whose.

    `account_id` is None where there is none any more; `words` are the other side's.
    """

    returned_id: int
    outcome: Returned.Outcome
    account_id: int | None = None
    queue_id: str = ""
    address: str = ""
    category: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class _Said:
    """What one message says, read before any row is locked."""

    row: Returned
    outcome: Returned.Outcome
    failure: CameBack | None = None
    statement: str = ""
    author: str = ""


def store(arrivals: Sequence[Arrival], now: datetime) -> list[bool]:
    """Keep messages, in one transaction; tell of each whether it was: not of too many of a token.

    Raises django.db.Error; then none was kept.
    """
    with transaction.atomic():
        numbers = {arrival.token.number for arrival in arrivals}
        kept = Counter(
            Returned.objects.filter(
                purpose__in=[purpose.value for purpose in Purpose], number__in=numbers
            ).values_list("purpose", "number")
        )
        rows: list[Returned] = []
        answers: list[bool] = []
        for arrival in arrivals:
            key = (arrival.token.purpose.value, arrival.token.number)
            answers.append(kept[key] < MOST_OF_ONE)
            if answers[-1]:
                kept[key] += 1
                rows.append(_row(arrival, now))
        Returned.objects.bulk_create(rows)
    return answers


def has_due(now: datetime) -> bool:
    """Whether any message waits to be handled."""
    return Returned.objects.filter(handled_at=None, due_at__lte=now).exists()


def handle(now: datetime, limit: int = 100) -> list[Handled] | None:
    """Handle up to `limit` of the messages that wait; None if none does, or others handle them.

    Two that handle at once never handle the same one twice.
    """
    due = Returned.objects.filter(handled_at=None, due_at__lte=now).order_by("due_at", "pk")
    # Read before anything is locked: it takes milliseconds for each.
    read = [said for row in due[:limit] if (said := _read_if_possible(row, now)) is not None]
    if not read:
        return None
    with transaction.atomic():
        locked = set(
            Returned.objects.select_for_update(skip_locked=True)
            .filter(pk__in=[said.row.pk for said in read], handled_at=None)
            .values_list("pk", flat=True)
        )
        mine = [said for said in read if said.row.pk in locked]
        return _settle(mine, now) if mine else None


def content_of(row: Returned) -> bytes:
    """What is kept of a message."""
    return zstandard.ZstdDecompressor().decompress(bytes(row.content))


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` messages whose tokens count no more; return how many."""
    old = Returned.objects.filter(received_at__lte=now - KEPT).order_by("received_at")
    return Returned.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:limit])).delete()[
        0
    ]


def _row(arrival: Arrival, now: datetime) -> Returned:
    content = arrival.content[:KEPT_BYTES]
    return Returned(
        purpose=arrival.token.purpose.value,
        number=arrival.token.number,
        received_at=now,
        due_at=now,
        sender=storable(arrival.sender, 320),
        source=arrival.source,
        size_bytes=arrival.size_bytes,
        content=zstandard.ZstdCompressor().compress(content),
    )


def _read_if_possible(row: Returned, now: datetime) -> _Said | None:
    """What a message says; one that cannot be read must not stand before all others."""
    try:
        return _read(row)
    except Exception:
        logger.exception("returned=%d read=no", row.pk)
        _put_off(row, now)
        return None


def _put_off(row: Returned, now: datetime) -> None:
    row.due_at = now + max(LOOK_SOON, now - row.received_at)
    row.save(update_fields=["due_at"])


def _read(row: Returned) -> _Said:
    content = content_of(row)
    reports = classify_report(content)
    if row.purpose == Purpose.CASE:
        if reports or not row.sender:
            return _Said(row, Outcome.AUTO_REPLY)
        author, statement = answers.read(content)
        return _Said(row, Outcome.ANSWER, statement=statement, author=author or row.sender)
    if not reports:
        return _Said(row, Outcome.MAIL)
    return _Said(row, _outcome_of(reports), _failure(row.number, reports))


def _outcome_of(reports: Sequence[Report]) -> Returned.Outcome:
    first = _worst(reports)
    match first.category:
        case Category.COMPLAINT:
            return Outcome.COMPLAINT
        case Category.AUTO_REPLY:
            return Outcome.AUTO_REPLY
        case Category.DELIVERED:
            return Outcome.SUCCESS
    return Outcome.FAILURE if first.action == "failed" else Outcome.DELAY


def _failure(recipient_id: int, reports: Sequence[Report]) -> CameBack | None:
    """What to take down of a message: that it failed, or a complaint; None for all else."""
    report = _worst(reports)
    outcome = _outcome_of(reports)
    if outcome not in {Outcome.FAILURE, Outcome.COMPLAINT}:
        return None
    # Servers send such reports by themselves; nobody pressed a button.
    if outcome is Outcome.COMPLAINT and report.feedback in _NO_PERSONS:
        return None
    return CameBack(recipient_id, report.category, report.status, report.hard, report.words)


_NO_PERSONS = frozenset({"auth-failure", "not-spam"})


def _worst(reports: Sequence[Report]) -> Report:
    """The report that counts: of several, a failure. Each mail of ours has one recipient only.

    Where that is a list or passed on to others, reports are about addresses we never wrote to.
    """
    failed = [one for one in reports if one.action == "failed" and one.category not in NOT_FAILURES]
    return (failed or list(reports))[0]


def _settle(read: Sequence[_Said], now: datetime) -> list[Handled]:
    # Answers first: they lock accounts, which come before recipients everywhere.
    answers.lock([said.row.number for said in read if said.outcome is Outcome.ANSWER])
    read, gone = _without_erased(read)
    outcomes = {said.row.pk: _answered(said, now) for said in read}
    failures = [said.failure for said in read if said.failure is not None]
    backs = iter(queue.come_back(failures, now))
    handled = []
    for said in read:
        row, result = said.row, outcomes[said.row.pk]
        if said.failure is not None:
            back = next(backs)
            if back.fate is Fate.EARLY and now < row.received_at + VALID_FOR[Purpose.RETURN]:
                _put_off(row, now)
                continue
            result = _handled(said, back)
        row.handled_at, row.outcome = now, result.outcome
        handled.append(result)
    done = [said.row for said in read if said.row.handled_at is not None]
    _address_copies(done)
    Returned.objects.bulk_update(done, ["handled_at", "outcome", "copy_to"])
    return handled + gone


def _without_erased(read: Sequence[_Said]) -> tuple[list[_Said], list[Handled]]:
    """What is not about an address that was erased meanwhile; what is, is not kept."""
    about = {said.row.pk: said.row.number for said in read if said.row.purpose == Purpose.RETURN}
    erased = queue.erased(about.values())
    gone = [pk for pk, number in about.items() if number in erased]
    Returned.objects.filter(pk__in=gone).delete()
    kept = [said for said in read if said.row.pk not in gone]
    return kept, [Handled(pk, Outcome.GONE) for pk in gone]


def _answered(said: _Said, now: datetime) -> Handled:
    """What a message that is no failure was; an answer about a stop is stated."""
    if said.outcome is not Outcome.ANSWER:
        return Handled(said.row.pk, said.outcome)
    account_id = answers.state(said.row.number, said.author, said.statement, now)
    outcome = Outcome.UNASKED if account_id is None else Outcome.ANSWER
    return Handled(said.row.pk, outcome, account_id)


_FATES = {Fate.KNOWN: Outcome.KNOWN, Fate.GONE: Outcome.GONE, Fate.EARLY: Outcome.GONE}


def _handled(said: _Said, back: queue.Back) -> Handled:
    found = back.recipient
    failure = said.failure
    return Handled(
        returned_id=said.row.pk,
        outcome=_FATES.get(back.fate, said.outcome),
        account_id=found.account_id if found else None,
        queue_id=found.message.queue_id if found else "",
        address=found.address if found else "",
        category=failure.category if failure else "",
        words=failure.words if failure else "",
    )


# What an author would have got without us; complaints are the host's business.
_COPIED = frozenset({Outcome.FAILURE, Outcome.DELAY, Outcome.AUTO_REPLY, Outcome.MAIL})


def _address_copies(rows: Sequence[Returned]) -> None:
    """Note who gets a copy: the author, where the account wants that."""
    wanted = [row for row in rows if row.purpose == Purpose.RETURN and row.outcome in _COPIED]
    authors = Message.objects.filter(
        recipients__in=[row.number for row in wanted],
        account__copies_returns=True,
        account__closed_at=None,
    )
    senders = dict(authors.values_list("recipients", "sender"))
    for row in wanted:
        row.copy_to = senders.get(row.number, "")
