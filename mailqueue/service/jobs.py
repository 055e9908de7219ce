"""Slow work on queues: jobs in slices, and what drips out as the quotas allow.

A slice is a transaction of its own; the rows say where it stopped, so it survives a restart.
"""

from datetime import datetime

from django.db import transaction

from mailqueue import queue
from mailqueue.models import AccountTotals, HostingAccount, QueueJob
from mailqueue.service.changing import change, open_job
from mailqueue.states import DELIVERING, after_purge

# Recipients that a click or a task handles in one transaction.
SLICE = 500


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
        account = queue.lock_account(job.account_id)
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


def advance_at_once(job: QueueJob, now: datetime) -> None:
    """Do the first slices with the click, so that a short queue is done when the page answers."""
    rest = advance(job.pk, now)
    if rest is not None and rest != job.pk:
        advance(rest, now)


def drip_due(now: datetime, after_id: int = 0, limit: int = SLICE) -> tuple[int, int | None]:
    """Let go what the quotas of the next account after `after_id` allow.

    Returns how many recipients went, and the account to go on after; None at the end.
    """
    following = next_line(after_id)
    return (0, None) if following is None else (drip(following, now, limit), following)


def next_line(after_id: int) -> int | None:
    """The next account after `after_id` of which e-mails wait for the quotas."""
    lines = AccountTotals.objects.filter(overflow__gt=0, account_id__gt=after_id)
    return lines.order_by("account_id").values_list("account_id", flat=True).first()


def drip(account_id: int, now: datetime, limit: int = SLICE) -> int:
    """Let go what the quotas of an account allow, up to `limit`; return how many recipients went.

    If that many went, more may.
    """
    with transaction.atomic():
        return queue.drip(queue.lock_account(account_id), limit, now)


def _end_purge(job: QueueJob, account: HostingAccount, now: datetime) -> int | None:
    stay_blocked = job.stay_blocked or account.closed_at is not None
    event = after_purge(review_required=account.review_required, stay_blocked=stay_blocked)
    change(account, event, job.actor, now)
    if account.state not in DELIVERING:
        return None
    return open_job(account, QueueJob.Kind.RELEASE, job.actor, now).pk
