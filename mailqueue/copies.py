"""Copies of what came back, to authors who want them.

They belong to the system account and have the null sender, so no copy can come back or be answered,
and none counts against anybody. `returns` says who gets one.
"""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from mailqueue import accounts, queue, returns
from mailqueue.models import Message, Returned
from mailqueue.queue import Receipt, Submission


def send(now: datetime, limit: int = 50) -> list[Receipt]:
    """Hand up to `limit` copies over to the queue, each once; empty when there is none."""
    waiting = list(
        Returned.objects.exclude(copy_to="").order_by("pk").values_list("pk", flat=True)[:limit]
    )
    if not waiting:
        return []
    account = accounts.system(now)
    with transaction.atomic():
        queue.lock_account(account.pk)
        rows = list(
            Returned.objects.select_for_update(skip_locked=True)
            .filter(pk__in=waiting)
            .exclude(copy_to="")
        )
        receipts = queue.accept(_submissions(rows, account.pk), now)
        Returned.objects.filter(pk__in=[row.pk for row in rows]).update(copy_to="")
    return receipts


def _submissions(rows: Sequence[Returned], account_id: int) -> list[Submission]:
    copies = []
    for row in rows:
        # To ourselves it would come back for ever.
        if row.copy_to.lower().endswith(f"@{settings.BOUNCE_DOMAIN}"):
            continue
        content = _content(row)
        copies.append(
            Submission(
                account_id=account_id,
                sender="",
                recipients=(row.copy_to,),
                content=content,
                size_bytes=len(content),
                subject="",
                origin=Message.Origin.PANEL,
            )
        )
    return copies


def _content(row: Returned) -> bytes:
    """The message as it came, with who passed it on; its end may be missing."""
    lines = returns.content_of(row).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    if len(lines[-1]) > 0:
        # Where it was cut.
        lines.append(b"")
    trace = f"Resent-From: <postmaster@{settings.HOSTNAME}>".encode()
    # A line of the network ends at 998 bytes (RFC 5321 §4.5.3.1.6).
    return b"\r\n".join([trace, *(line[:998] for line in lines)])
