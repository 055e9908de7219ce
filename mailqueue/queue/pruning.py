"""What is deleted with age: rows after 90 days, bodies that are kept for a look after 7."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from mailqueue.models import AccountTotals, Body, Message, Recipient
from mailqueue.queue.rows import Status

FAILED_BODIES_KEPT = timedelta(days=7)
ROWS_KEPT = timedelta(days=90)
_TOTALS = AccountTotals._meta.db_table


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` of the oldest rows that ended over 90 days ago; return how many.

    Walks by number from the oldest, and stops at the first that is too young.
    """
    with transaction.atomic():
        # Two that prune at once must not count the same rows.
        free = Recipient.objects.select_for_update(skip_locked=True).order_by("pk")
        oldest = free.values_list("pk", "account_id", "message_id", "accepted_at", "ended_at")[
            :limit
        ]
        old = [
            (pk, account_id, message_id)
            for pk, account_id, message_id, accepted_at, ended_at in oldest
            if accepted_at <= now - ROWS_KEPT and ended_at is not None
        ]
        _count_pruned(account_id for _, account_id, _ in old)
        Recipient.objects.filter(pk__in=[pk for pk, _, _ in old]).delete()
        left = Recipient.objects.filter(message=OuterRef("pk"))
        Message.objects.filter(~Exists(left), pk__in={message for _, _, message in old}).delete()
    return len(old)


def prune_bodies(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` bodies whose last live recipient failed over 7 days ago."""
    stale = (
        Body.objects.filter(message__accepted_at__lte=now - FAILED_BODIES_KEPT)
        .filter(
            ~Exists(Recipient.objects.filter(message=OuterRef("pk"), status__in=Recipient.LIVE)),
            ~Exists(
                Recipient.objects.filter(
                    message=OuterRef("pk"),
                    status=Status.FAILED,
                    ended_at__gt=now - FAILED_BODIES_KEPT,
                )
            ),
        )
        .order_by("pk")
        .values_list("pk", flat=True)[:limit]
    )
    with transaction.atomic():
        return Body.objects.filter(pk__in=list(stale)).delete()[0]


def _count_pruned(account_ids: Iterable[int]) -> None:
    numbers: dict[int, int] = defaultdict(int)
    for account_id in account_ids:
        numbers[account_id] += 1
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {_TOTALS} SET pruned = pruned + %s WHERE account_id = %s",  # noqa: S608
            [(number, account_id) for account_id, number in sorted(numbers.items())],
        )
