"""Celery tasks of the web side."""

from datetime import UTC, datetime

from celery import shared_task

from mailqueue.celery import ALERT, REPORT
from panel import alerts, reports


@shared_task(name=REPORT)
def report() -> int:
    """Send the error reports that are due; return how many."""
    return reports.send_due(datetime.now(UTC))


@shared_task(name=ALERT)
def alert() -> int:
    """Send the alerts that wait; return how many letters that was."""
    return alerts.send_due(datetime.now(UTC))
