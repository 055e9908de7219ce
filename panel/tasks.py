"""Celery tasks of the web side."""

from datetime import UTC, datetime

from celery import shared_task

from mailqueue.celery import REPORT
from panel import reports


@shared_task(name=REPORT)
def report() -> int:
    """Send the error reports that are due; return how many."""
    return reports.send_due(datetime.now(UTC))
