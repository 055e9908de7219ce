"""Who works on what, for how long, and what became of it.

A claim is a conditional update with a lease, so that a dead worker returns its mail.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import random

from django.db import connection, transaction

from mailqueue import schedule
from mailqueue.bounces import OF_RECIPIENT, Verdict, classify_reply
from mailqueue.counters import Tallies
from mailqueue.models import HostingAccount, Message, Recipient
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue.rows import (
    TABLE,
    Status,
    count,
    drop_bodies,
    end,
    fate_of,
    lock_accounts,
    lock_rows,
    moment_in_sql,
    save,
    settle,
    storable,
)
from mailqueue.suppressions import Blow, Reason, strike
from mailqueue.troubles import Trouble, destination_of, note, trouble_of

LONGEST_REPLY = 4096


@dataclass(frozen=True, slots=True)
class Claimed:
    """A recipient that a worker has claimed. `tries` counts those before this one."""

    recipient_id: int
    message_id: int
    account_id: int
    queue_id: str
    sender: str
    address: str
    domain: str
    tries: int
    accepted_at: datetime
    deadline: datetime
    claim: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """What `record` made of an outcome: the status of the row now, and its next attempt.

    `was_ours` is False if another worker had claimed it, or it had ended: nothing was changed.
    """

    claimed: Claimed
    outcome: Outcome
    status: Status
    next_attempt_at: datetime | None
    was_ours: bool


def claim_due(now: datetime, limit: int, lease: timedelta) -> list[Claimed]:
    """Claim up to `limit` recipients whose time has come, the longest due first.

    They are `sending`, and this worker's, until `now + lease`; see `renew`.
    """
    claim = uuid.uuid4().hex
    due = (
        f"SELECT id FROM {TABLE} WHERE status = 'waiting' AND next_attempt_at <= %s "  # noqa: S608
        f"ORDER BY next_attempt_at, id LIMIT %s"
    )
    if connection.vendor == "postgresql":
        # ARRAY: evaluated once, so that the rows locked are the rows changed.
        chosen = f"id = ANY(ARRAY({due} FOR UPDATE SKIP LOCKED))"
    else:
        chosen = f"id IN ({due})"
    sql = (
        f"UPDATE {TABLE} SET status = 'sending', next_attempt_at = NULL, "  # noqa: S608
        f"lease_until = %s, claim = %s WHERE {chosen} "
        "RETURNING id, message_id, account_id, address, domain, tries, accepted_at, deadline"
    )
    with transaction.atomic():
        rows = list(
            Recipient.objects.raw(
                sql, [moment_in_sql(now + lease), claim, moment_in_sql(now), limit]
            )
        )
    messages = Message.objects.only("queue_id", "sender").in_bulk(
        list({row.message_id for row in rows})
    )
    return [
        Claimed(
            recipient_id=row.pk,
            message_id=row.message_id,
            account_id=row.account_id,
            queue_id=messages[row.message_id].queue_id,
            sender=messages[row.message_id].sender,
            address=row.address,
            domain=row.domain,
            tries=row.tries,
            accepted_at=row.accepted_at,
            deadline=row.deadline,
            claim=claim,
        )
        for row in sorted(rows, key=lambda row: row.pk)
    ]


def cleared(claimed: Sequence[Claimed]) -> set[int]:
    """The numbers of those recipients that may still be sent, read afresh.

    Ask before each MAIL FROM: since the claim its account may have been blocked or purged, or the
    lease may have run out and another worker have claimed it.
    """
    rows = Recipient.objects.filter(
        pk__in=[item.recipient_id for item in claimed],
        claim__in={item.claim for item in claimed},
        status=Status.SENDING,
    ).select_related("account")
    return {row.pk for row in rows if fate_of(row, row.account) is Status.WAITING}


def renew(claim: str, now: datetime, lease: timedelta) -> int:
    """Prolong the lease of what is left of a claim; return how many recipients that is."""
    with transaction.atomic():
        return Recipient.objects.filter(status=Status.SENDING, claim=claim).update(
            lease_until=now + lease
        )


def record(outcomes: Sequence[tuple[Claimed, Outcome]], now: datetime) -> list[Recorded]:
    """Write down what became of claimed recipients, in one transaction.

    A worker whose lease ran out may still report, as long as nobody else has claimed. What is
    deferred waits for its next attempt; it becomes held or purged if its account was blocked or
    purged meanwhile, and failed when its time is over.
    """
    with transaction.atomic():
        accounts = lock_accounts(
            claimed.account_id for claimed, outcome in outcomes if outcome.result is Result.DEFERRED
        )
        rows = lock_rows(claimed.recipient_id for claimed, _ in outcomes)
        tallies = Tallies()
        blows: list[Blow] = []
        troubles: list[Trouble] = []
        recorded: list[Recorded] = []
        changed: list[Recipient] = []
        for claimed, outcome in outcomes:
            row = rows.get(claimed.recipient_id)
            if row is None or row.claim != claimed.claim or row.status not in Recipient.LIVE:
                status = Status.PURGED if row is None else Status(row.status)
                recorded.append(Recorded(claimed, outcome, status, None, was_ours=False))
                continue
            # Put back since, when its worker was late, it may even be held.
            before, reason = Status(row.status), row.hold_reason
            verdict = _apply(row, outcome, accounts, now)
            count(tallies, row, before, reason)
            if verdict is not None:
                is_for_good = outcome.result is Result.FAILED
                tallies[row.account_id].bounced += is_for_good and verdict.category in OF_RECIPIENT
                if is_for_good and verdict.hard:
                    address = row.address.lower()
                    blows.append(Blow(row.account_id, address, Reason.FAILED, row.reply))
                destination = destination_of(row.reply_host, row.domain)
                troubles += trouble_of(
                    row.account_id,
                    verdict.category,
                    destination,
                    row.reply,
                    is_for_good=is_for_good,
                )
            changed.append(row)
            recorded.append(
                Recorded(claimed, outcome, Status(row.status), row.next_attempt_at, was_ours=True)
            )
        save(changed)
        drop_bodies({row.message_id for row in changed if row.ended_at is not None})
        strike(blows, now)
        note(troubles, now)
        tallies.write(now)
    return recorded


def give_back(claimed: Sequence[Claimed], now: datetime) -> int:
    """Return recipients that were claimed and not tried; say how many were still ours.

    They wait, due at once; or are held or purged if their account was meanwhile.
    """
    return _put_back({item.recipient_id for item in claimed}, {item.claim for item in claimed}, now)


def recover_leases(now: datetime, limit: int = 1000) -> int:
    """Return recipients whose worker did not report within its lease; say how many."""
    late = list(
        Recipient.objects.filter(status=Status.SENDING, lease_until__lte=now)
        .order_by("lease_until")
        .values_list("pk", "claim")[:limit]
    )
    return _put_back({pk for pk, _ in late}, {claim for _, claim in late}, now, late_by=now)


def has_due(now: datetime) -> bool:
    """Whether any recipient's time has come."""
    return Recipient.objects.filter(status=Status.WAITING, next_attempt_at__lte=now).exists()


def _apply(
    row: Recipient, outcome: Outcome, accounts: dict[int, HostingAccount], now: datetime
) -> Verdict | None:
    """Take a row on by an outcome; return what a refusal of the other side means, if it is one."""
    row.tries += 1
    row.reply = storable(outcome.reply, LONGEST_REPLY)
    row.reply_status = storable(outcome.status, 16)
    row.reply_host = storable(outcome.host, 255)
    if outcome.result is Result.DELIVERED:
        end(row, Status.SENT, now)
        return None
    # What no server said is of the way, and no refusal.
    is_refusal = outcome.result is Result.FAILED or bool(row.reply_host)
    verdict = classify_reply(row.reply) if is_refusal else None
    if outcome.result is Result.FAILED:
        end(row, Status.FAILED, now, verdict)
        return verdict
    account = accounts[row.account_id]
    moment = schedule.next_attempt(now, row.tries, row.deadline, random())  # noqa: S311
    if moment is None and fate_of(row, account) is not Status.PURGED:
        end(row, Status.FAILED, now, verdict)
    else:
        settle(row, account, moment or now, now)
    return verdict


def _put_back(
    recipient_ids: set[int], claims: set[str], now: datetime, late_by: datetime | None = None
) -> int:
    """Return untried recipients; with `late_by`, only those whose lease is over by then."""
    if not recipient_ids:
        return 0
    account_ids = Recipient.objects.filter(pk__in=recipient_ids).values_list(
        "account_id", flat=True
    )
    with transaction.atomic():
        accounts = lock_accounts(account_ids)
        rows = [
            row
            for row in lock_rows(recipient_ids).values()
            if row.status == Status.SENDING
            and row.claim in claims
            and (late_by is None or (row.lease_until is not None and row.lease_until <= late_by))
        ]
        tallies = Tallies()
        for row in rows:
            settle(row, accounts[row.account_id], now, now)
            count(tallies, row, Status.SENDING)
        save(rows)
        drop_bodies({row.message_id for row in rows if row.ended_at is not None})
        tallies.write(now)
    return len(rows)
