"""The service state of accounts: its only writer, and the history of its changes.

A click changes the state and opens a job, in one transaction; the first slice of the job follows
at once, so that a short queue is done when the page answers, and `tasks` does the rest.
"""

from datetime import datetime

from django.db import transaction

from mailqueue import queue
from mailqueue.errors import UnknownAccount
from mailqueue.models import AccountTotals, HostingAccount, QueueJob, StateChange
from mailqueue.states import DELIVERING, Event, State, after_purge, following

# Recipients that a click or a task handles in one transaction.
SLICE = 500


def block(account_id: int, actor: str, now: datetime) -> StateChange:
    """Stop deliveries; what waits and what comes is held (Bloquer l'envoi).

    Raises IllegalTransition if the service is not running, UnknownAccount.
    """
    return _click(account_id, Event.BLOCK, QueueJob.Kind.HOLD, actor, now)


def unblock(account_id: int, actor: str, now: datetime) -> StateChange:
    """Let deliveries and the held mail go on (Débloquer l'envoi).

    Raises IllegalTransition if the state does not allow it, UnknownAccount.
    """
    return _click(account_id, Event.UNBLOCK, QueueJob.Kind.RELEASE, actor, now)


def purge(account_id: int, actor: str, now: datetime, *, stay_blocked: bool = False) -> StateChange:
    """Delete what stands in the queue now, then let deliveries go on (Purger les e-mails).

    Raises IllegalTransition if the service is running or a purge is, UnknownAccount.
    """
    return _click(account_id, Event.PURGE, QueueJob.Kind.PURGE, actor, now, stay_blocked)


def open_jobs() -> list[int]:
    """The numbers of the jobs that are not finished, the oldest first."""
    return list(
        QueueJob.objects.filter(finished_at=None).order_by("pk").values_list("pk", flat=True)
    )


def advance(job_id: int, now: datetime, limit: int = SLICE) -> int | None:
    """Do one slice of a job; return the job to go on with, None if nothing is left.

    A purge that lets mail go on is followed by a release of what arrived while it ran.
    """
    with transaction.atomic():
        job = QueueJob.objects.get(pk=job_id)
        account = _lock(job.account_id)
        # Another worker, or a click that opened another job, may have ended it meanwhile.
        job.refresh_from_db()
        if job.finished_at is not None:
            return None
        work = {
            QueueJob.Kind.HOLD: queue.hold,
            QueueJob.Kind.RELEASE: queue.release,
            QueueJob.Kind.PURGE: queue.purge,
        }[QueueJob.Kind(job.kind)]
        piece = work(account.pk, job.after_id, job.through_id, limit, now)
        job.done += piece.number
        if piece.last_id is not None:
            job.after_id = piece.last_id
            job.save(update_fields=["done", "after_id"])
            return job.pk
        job.finished_at = now
        job.save(update_fields=["done", "finished_at"])
        return _end_purge(job, account, now) if job.kind == QueueJob.Kind.PURGE else None


def _end_purge(job: QueueJob, account: HostingAccount, now: datetime) -> int | None:
    event = after_purge(review_required=account.review_required, stay_blocked=job.stay_blocked)
    _change(account, event, job.actor, now)
    if account.state not in DELIVERING:
        return None
    return _open_job(account, QueueJob.Kind.RELEASE, job.actor, now).pk


def _click(
    account_id: int,
    event: Event,
    kind: QueueJob.Kind,
    actor: str,
    now: datetime,
    stay_blocked: bool = False,
) -> StateChange:
    with transaction.atomic():
        account = _lock(account_id)
        change = _change(account, event, actor, now)
        job = _open_job(account, kind, actor, now, stay_blocked)
        if kind == QueueJob.Kind.PURGE:
            account.purged_through = job.through_id
            account.save(update_fields=["purged_through"])
    rest = advance(job.pk, now)
    if rest is not None and rest != job.pk:
        advance(rest, now)
    return change


def _open_job(
    account: HostingAccount,
    kind: QueueJob.Kind,
    actor: str,
    now: datetime,
    stay_blocked: bool = False,
) -> QueueJob:
    """Open a job for what stands in the queue now, in place of the one that is open."""
    QueueJob.objects.filter(account=account, finished_at=None).update(finished_at=now)
    return QueueJob.objects.create(
        account=account,
        kind=kind,
        through_id=queue.last_queued_id(account.pk),
        total=_concerned(account, kind),
        stay_blocked=stay_blocked,
        actor=actor,
        created_at=now,
    )


def _change(account: HostingAccount, event: Event, actor: str, now: datetime) -> StateChange:
    before = State(account.state)
    after = following(before, event)
    account.state = after
    account.state_changed_at = now
    if after in DELIVERING:
        account.windows_from = now
    account.save(update_fields=["state", "state_changed_at", "windows_from"])
    return StateChange.objects.create(
        account=account,
        changed_at=now,
        event=event,
        from_state=before,
        to_state=after,
        actor=actor,
    )


def _lock(account_id: int) -> HostingAccount:
    try:
        return HostingAccount.objects.select_for_update(no_key=True).get(pk=account_id)
    except HostingAccount.DoesNotExist:
        raise UnknownAccount(str(account_id)) from None


def _concerned(account: HostingAccount, kind: QueueJob.Kind) -> int:
    """How many recipients a job will go through, from the counts."""
    totals = AccountTotals.objects.get(account=account)
    return {
        QueueJob.Kind.HOLD: totals.queued - totals.held,
        QueueJob.Kind.RELEASE: totals.held,
        QueueJob.Kind.PURGE: totals.queued,
    }[kind]
