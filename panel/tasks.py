"""Celery tasks of the web side."""

import time
from datetime import UTC, datetime

from celery import shared_task

from mailqueue.celery import ALERT, PRUNE_PANEL, REPORT
from panel import alerts, audit, reports

# A task ends after this many seconds, so that a worker's shutdown does not wait for it.
SHARE_S = 20.0


@shared_task(name=REPORT)
def report() -> int:
    """Send the error reports that are due; return how many."""
    return reports.send_due(datetime.now(UTC))


@shared_task(name=ALERT)
def alert() -> int:
    """Send the alerts that wait; return how many letters that was."""
    return alerts.send_due(datetime.now(UTC))


@shared_task(name=PRUNE_PANEL)
def prune() -> None:
    """Delete entries of the journal, and reports, that are over a year old."""
    until = time.monotonic() + SHARE_S
    for step in (audit.prune, reports.prune):
        while step(datetime.now(UTC)) and time.monotonic() < until:
            pass
