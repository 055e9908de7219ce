"""Letting go, or purging, what somebody chose in the queue, row by row.

Holds the rule of who may let go what: it is looked up under the lock of the account, so that no
click of somebody else comes between. Each function is one transaction.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import Case, F, Value, When

from mailqueue import schedule
from mailqueue.counters import Tallies
from mailqueue.errors import IllegalTransition, UnknownAccount
from mailqueue.models import HostingAccount, Recipient
from mailqueue.queue.rows import (
    HoldReason,
    Status,
    count,
    drop_bodies,
    end,
    lock_accounts,
    lock_rows,
    save,
)
from mailqueue.states import State

# Recipients that one choice may hold: a page of them, and a short transaction.
MOST_CHOSEN = 200


def may_release(account: HostingAccount, *, as_administrator: bool) -> bool:
    """Whether held mail may be let go by itself.

    An owner may where he could unblock all of it; after spam, and where an administrator has yet to
    look, he may not. An administrator may unless the queue is being purged.
    """
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
        account = _lock(account_id)
        if not may_release(account, as_administrator=as_administrator):
            raise IllegalTransition(account.state, "release_chosen")
        rows = [
            row
            for row in _locked(account, recipient_ids, {Status.HELD})
            if as_administrator or row.hold_reason == HoldReason.BLOCKED
        ]
        tallies = Tallies()
        for row in rows:
            if row.admitted_at is None:
                tallies[account.pk].admitted += 1
                row.admitted_at = now
            row.status = Status.WAITING
            row.hold_reason = HoldReason.NONE
            row.next_attempt_at = now
            row.is_released = True
            count(tallies, row, Status.HELD)
        save(rows)
        latest = now + schedule.AFTER_RELEASE
        Recipient.objects.filter(pk__in=[row.pk for row in rows]).update(
            is_released=True,
            admitted_at=Case(When(admitted_at=None, then=Value(now)), default=F("admitted_at")),
            deadline=Case(When(deadline__lt=latest, then=Value(latest)), default=F("deadline")),
        )
        tallies.write(now)
    return len(rows)


def purge_chosen(account_id: int, recipient_ids: Collection[int], now: datetime) -> int:
    """Purge those held or waiting recipients of the account; return how many there were.

    What is being sent is left alone.
    Raises IllegalTransition if the queue is being purged, UnknownAccount.
    """
    with transaction.atomic():
        account = _lock(account_id)
        if not may_purge(account):
            raise IllegalTransition(account.state, "purge_chosen")
        rows = _locked(account, recipient_ids, {Status.HELD, Status.WAITING})
        tallies = Tallies()
        for row in rows:
            before = Status(row.status)
            end(row, Status.PURGED, now)
            count(tallies, row, before)
        save(rows)
        drop_bodies({row.message_id for row in rows})
        tallies.write(now)
    return len(rows)


def _lock(account_id: int) -> HostingAccount:
    account = lock_accounts([account_id]).get(account_id)
    if account is None:
        raise UnknownAccount(str(account_id))
    return account


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
