"""How a state changes: the step in the table, the row of history, the job for the queue.

Each function is part of its caller's transaction, which has the account locked.
"""

from collections.abc import Mapping
from datetime import datetime

from mailqueue import cases, counters, queue
from mailqueue.models import AccountTotals, HostingAccount, QueueJob, StateChange
from mailqueue.states import DELIVERING, Event, State, following


def change(
    account: HostingAccount,
    event: Event,
    actor: str,
    now: datetime,
    *,
    reason: str = "",
    figures: Mapping[str, object] | None = None,
) -> StateChange:
    """Take an account to the state that `event` leads to, and keep who, when and why.

    Raises IllegalTransition if the table has no such step; then nothing was changed.
    """
    before = State(account.state)
    after = following(before, event)
    account.state = after
    account.state_changed_at = now
    if after in DELIVERING:
        account.windows_from = now
        account.over_ratio_at = None
        counters.begin_minute(account.pk, now)
        cases.close(account.pk, actor, now)
    account.save(
        update_fields=[
            "state",
            "state_changed_at",
            "windows_from",
            "over_ratio_at",
            "review_required",
        ]
    )
    return StateChange.objects.create(
        account=account,
        changed_at=now,
        event=event,
        from_state=before,
        to_state=after,
        actor=actor,
        reason=reason,
        figures=dict(figures or {}),
    )


def open_job(
    account: HostingAccount,
    kind: QueueJob.Kind,
    actor: str,
    now: datetime,
    *,
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


def _concerned(account: HostingAccount, kind: QueueJob.Kind) -> int:
    """How many recipients a job will go through, from the counts."""
    totals = AccountTotals.objects.get(account=account)
    return {
        QueueJob.Kind.HOLD: totals.queued - totals.held,
        QueueJob.Kind.RELEASE: totals.held,
        QueueJob.Kind.PURGE: totals.queued,
    }[kind]
