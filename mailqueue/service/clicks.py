"""What people do to a service by a click: block, unblock, purge, lift.

A click changes the state and opens a job, in one transaction; the first slice of the job follows
at once, and `tasks` does the rest. `by_administrator` says that an administrator clicked: his block
requires a review, and his unblocking or purging is that review.
"""

from datetime import datetime

from django.db import transaction

from mailqueue import queue
from mailqueue.errors import AccountClosed, ReviewRequired
from mailqueue.models import HostingAccount, QueueJob, StateChange
from mailqueue.service.changing import change, open_job
from mailqueue.service.jobs import advance_at_once
from mailqueue.service.reviews import answer_open_review
from mailqueue.states import Event


def block(
    account_id: int, actor: str, now: datetime, *, by_administrator: bool = False
) -> StateChange:
    """Stop deliveries; what waits and what comes is held (Bloquer l'envoi).

    Raises IllegalTransition if the service is not running, UnknownAccount.
    """
    with transaction.atomic():
        account = queue.lock_account(account_id)
        account.review_required |= by_administrator
        made = change(account, Event.BLOCK, actor, now)
        job = open_job(account, QueueJob.Kind.HOLD, actor, now)
    advance_at_once(job, now)
    return made


def unblock(
    account_id: int, actor: str, now: datetime, *, by_administrator: bool = False
) -> StateChange:
    """Let deliveries and the held mail go on (Débloquer l'envoi).

    Raises IllegalTransition if the state does not allow it, ReviewRequired if an administrator
    must look first, AccountClosed, UnknownAccount.
    """
    with transaction.atomic():
        account = queue.lock_account(account_id)
        _check_open(account, Event.UNBLOCK)
        if account.review_required and not by_administrator:
            raise ReviewRequired(account.state, Event.UNBLOCK)
        if by_administrator:
            _end_review(account, actor, now, "")
        made = change(account, Event.UNBLOCK, actor, now)
        job = open_job(account, QueueJob.Kind.RELEASE, actor, now)
    advance_at_once(job, now)
    return made


def purge(
    account_id: int,
    actor: str,
    now: datetime,
    *,
    stay_blocked: bool = False,
    by_administrator: bool = False,
) -> StateChange:
    """Delete what stands in the queue now, then let deliveries go on (Purger les e-mails).

    With `stay_blocked` it stays blocked, until an administrator lets it go: it is his block now. A
    closed account stays blocked too. Raises IllegalTransition if the service is running or a purge
    is, UnknownAccount.
    """
    with transaction.atomic():
        account = queue.lock_account(account_id)
        if stay_blocked:
            account.review_required = True
        elif by_administrator:
            _end_review(account, actor, now, "")
        made = change(account, Event.PURGE, actor, now)
        job = open_job(account, QueueJob.Kind.PURGE, actor, now, stay_blocked=stay_blocked)
        account.purged_through = job.through_id
        account.save(update_fields=["purged_through"])
    advance_at_once(job, now)
    return made


def lift(account_id: int, actor: str, now: datetime, word: str = "") -> StateChange:
    """End a stop after a review, by an administrator: the service is as usual again.

    What is held goes out; `word` is for the owner. Raises IllegalTransition if the service is
    running or a purge is, AccountClosed, UnknownAccount.
    """
    with transaction.atomic():
        account = queue.lock_account(account_id)
        _check_open(account, Event.LIFT)
        _end_review(account, actor, now, word)
        made = change(account, Event.LIFT, actor, now, reason=word)
        job = open_job(account, QueueJob.Kind.RELEASE, actor, now)
    advance_at_once(job, now)
    return made


def _check_open(account: HostingAccount, event: Event) -> None:
    if account.closed_at is not None:
        raise AccountClosed(account.state, event)


def _end_review(account: HostingAccount, actor: str, now: datetime, word: str) -> None:
    """The administrator has looked; `change` saves it."""
    account.review_required = False
    answer_open_review(account.pk, actor, now, word, is_lifted=True)
