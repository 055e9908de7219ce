"""Slow work on rows, in slices: holds, releases, purges; and what is deleted with age.

A slice is a transaction of its own: a worker that dies loses at most one, and the next sweep goes
on where it stopped.
"""

import time
from datetime import UTC, datetime

from celery import shared_task

from mailqueue import alerts, counters, queue, service
from mailqueue.celery import DELIVER, PRUNE, WARN, WORK, hint

# A task ends after this many seconds, so that a worker's shutdown does not wait for it.
SHARE_S = 20.0


def follow_up() -> None:
    """Tell workers that a click has left them something to do. Waits as long as `hint` may."""
    if hint(WORK):
        hint(DELIVER)


@shared_task(name=WORK)
def work() -> int:
    """Go on with all open jobs, a slice of each in turn; return how many slices were done."""
    until = time.monotonic() + SHARE_S
    slices = 0
    service.recover(datetime.now(UTC))
    went, lines = _drip(until)
    if went:
        hint(DELIVER)
    jobs = service.open_jobs()
    while (jobs or lines) and time.monotonic() < until:
        left = [service.advance(job, datetime.now(UTC)) for job in jobs]
        slices += len(jobs) + len(lines)
        jobs = [job for job in left if job is not None]
        lines = [pk for pk in lines if service.drip(pk, datetime.now(UTC)) == service.SLICE]
        # What was released waits to go out, and need not wait for the end of the release.
        if not (jobs or lines) or slices % 20 == 0:
            hint(DELIVER)
    if jobs or lines:
        hint(WORK)
    return slices


def _drip(until: float) -> tuple[int, list[int]]:
    """Let go what the quotas allow, a slice of each account in turn.

    Returns how many recipients went, and the accounts of which more may go.
    """
    number, account_id = service.drip_due(datetime.now(UTC))
    went, lines = 0, []
    while account_id is not None:
        went += number
        if number == service.SLICE:
            lines.append(account_id)
        if time.monotonic() >= until:
            break
        number, account_id = service.drip_due(datetime.now(UTC), account_id)
    return went, lines


@shared_task(name=WARN)
def warn() -> int:
    """Have owners told of held mail that is about to expire; return how many accounts."""
    return alerts.note_expiring(datetime.now(UTC))


@shared_task(name=PRUNE)
def prune() -> None:
    """Delete old rows, minutes and alerts, and the bodies that are kept for a look only."""
    until = time.monotonic() + SHARE_S
    counters.prune_minutes(datetime.now(UTC))
    for step in (queue.prune, queue.prune_bodies, alerts.prune):
        while step(datetime.now(UTC)) and time.monotonic() < until:
            pass
