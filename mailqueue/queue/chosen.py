"""Letting go, or purging, what somebody chose in the queue, row by row.

Holds the rule of who may let go what: it is looked up under the lock of the account, so that no
click of somebody else comes between. Each function is one transaction.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction

from mailqueue import limits, policy, schedule, windows
from mailqueue.counters import Tallies
from mailqueue.errors import IllegalTransition
from mailqueue.models import HostingAccount, Recipient
from mailqueue.queue.rows import (
    HoldReason,
    Status,
    count,
    drop_bodies,
    end,
    lock_account,
    lock_rows,
    save,
)
from mailqueue.states import State

# Recipients that one choice may hold: a page of them, and a short transaction.
MOST_CHOSEN = 200


def may_release(account: HostingAccount, *, as_administrator: bool) -> bool:
    """Whether held mail may be let go by itself.

    An owner may where he could unblock all of it; after spam, and where an administrator has yet to
    look, he may not. An administrator may unless the queue is being purged. Of a closed account
    nothing goes.
    """
    if account.closed_at is not None:
        return False
    if as_administrator:
        return account.state != State.PURGING
    return account.state in {State.KO, State.BOUNCE} and not account.review_required


def may_purge(account: HostingAccount) -> bool:
    """Whether mail may be purged by itself: always, unless all of it is being purged."""
    return account.state != State.PURGING


def release_chosen(
    account_id: int, recipient_ids: Collection[int], now: datetime, *, as_administrator: bool
) -> int:
    """Let those held recipients of the account go at once; return how many went.

    They have at least 24 hours of tries. What is over the quota waits for it, unless an
    administrator lets it go. What is not held is left alone.
    Raises IllegalTransition if `may_release` does not allow it, UnknownAccount.
    """
    with transaction.atomic():
        account = lock_account(account_id)
        if not may_release(account, as_administrator=as_administrator):
            raise IllegalTransition(account.state, "release_chosen")
        rows = _locked(account, recipient_ids, {Status.HELD})
        if not as_administrator:
            rows = _within_quota(account, rows, now)
        tallies = Tallies()
        for row in rows:
            reason = row.hold_reason
            if row.admitted_at is None:
                tallies[account.pk].admitted += 1
            # Of two machines one clock is behind; this came after the stop all the same.
            row.admitted_at = max(now, account.state_changed_at)
            row.status = Status.WAITING
            row.hold_reason = HoldReason.NONE
            row.next_attempt_at = now
            row.is_released = True
            count(tallies, row, Status.HELD, reason)
        save(rows)
        latest = now + schedule.AFTER_RELEASE
        Recipient.objects.filter(pk__in=[row.pk for row in rows], deadline__lt=latest).update(
            deadline=latest
        )
        tallies.write(now)
    return len(rows)


def purge_chosen(account_id: int, recipient_ids: Collection[int], now: datetime) -> int:
    """Purge those held or waiting recipients of the account; return how many there were.

    What is being sent is left alone.
    Raises IllegalTransition if the queue is being purged, UnknownAccount.
    """
    with transaction.atomic():
        account = lock_account(account_id)
        if not may_purge(account):
            raise IllegalTransition(account.state, "purge_chosen")
        rows = _locked(account, recipient_ids, {Status.HELD, Status.WAITING})
        tallies = Tallies()
        for row in rows:
            before, reason = Status(row.status), row.hold_reason
            end(row, Status.PURGED, now)
            count(tallies, row, before, reason)
        save(rows)
        drop_bodies({row.message_id for row in rows})
        tallies.write(now)
    return len(rows)


def _within_quota(account: HostingAccount, rows: list[Recipient], now: datetime) -> list[Recipient]:
    """Those that are held by the block alone, as far as the quotas let them through, in order."""
    room = policy.room(limits.of(account), windows.usages([account], now)[account.pk])
    chosen = []
    for row in sorted(rows, key=lambda row: row.pk):
        if row.hold_reason != HoldReason.BLOCKED:
            continue
        if row.admitted_at is None and room is not None:
            if room == 0:
                continue
            room -= 1
        chosen.append(row)
    return chosen


def _locked(
    account: HostingAccount, recipient_ids: Iterable[int], statuses: set[Status]
) -> list[Recipient]:
    """Those of the recipients that are the account's and stand so, locked.

    Raises ValueError if too many were chosen.
    """
    ids = set(recipient_ids)
    if len(ids) > MOST_CHOSEN:
        raise ValueError(f"at most {MOST_CHOSEN} recipients can be chosen")
    own = Recipient.objects.filter(pk__in=ids, account=account).values_list("pk", flat=True)
    return [row for row in lock_rows(own).values() if row.status in statuses]
