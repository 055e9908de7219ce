"""Holding, releasing, purging and expiring, a slice at a time, in the order of arrival."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from mailqueue import schedule
from mailqueue.counters import Tallies
from mailqueue.models import Recipient
from mailqueue.queue.rows import (
    TABLE,
    HoldReason,
    Status,
    count,
    drop_bodies,
    end,
    lock_accounts,
    lock_rows,
    moment_in_sql,
    save,
)


def hold(account_id: int, through_id: int, limit: int, now: datetime) -> int:
    """Hold up to `limit` waiting recipients numbered up to `through_id`; return how many.

    Part of the caller's transaction, which has the account locked. `now` is when it is counted.
    """
    changed = _change_slice(
        account_id,
        "status = 'waiting'",
        through_id,
        limit,
        "status = 'held', hold_reason = %s, next_attempt_at = NULL",
        [HoldReason.BLOCKED.value],
    )
    tallies = Tallies()
    tallies[account_id].held += len(changed)
    tallies.write(now)
    return len(changed)


def release(account_id: int, through_id: int, limit: int, now: datetime) -> int:
    """Let up to `limit` held recipients numbered up to `through_id` go; return how many.

    They are due at once, in the order of their arrival, and have at least 24 hours of tries.
    Part of the caller's transaction, which has the account locked.
    """
    end = moment_in_sql(now + schedule.AFTER_RELEASE)
    changed = _change_slice(
        account_id,
        "status = 'held'",
        through_id,
        limit,
        "status = 'waiting', hold_reason = '', next_attempt_at = %s, "
        "deadline = CASE WHEN deadline < %s THEN %s ELSE deadline END",
        [moment_in_sql(now), end, end],
    )
    tallies = Tallies()
    tallies[account_id].held -= len(changed)
    tallies.write(now)
    return len(changed)


def purge(account_id: int, through_id: int, limit: int, now: datetime) -> int:
    """Purge up to `limit` held or waiting recipients numbered up to `through_id`.

    Returns how many. Part of the caller's transaction, which has the account locked.
    """
    held = _change_slice(account_id, "status = 'held'", through_id, limit, *_purged(now))
    waiting = _change_slice(
        account_id, "status = 'waiting'", through_id, limit - len(held), *_purged(now)
    )
    drop_bodies({message_id for _, message_id in (*held, *waiting)})
    tallies = Tallies()
    tallies[account_id].held -= len(held)
    tallies[account_id].purged += len(held) + len(waiting)
    tallies.write(now)
    return len(held) + len(waiting)


def last_queued_id(account_id: int) -> int:
    """The number of the newest recipient in an account's queue, 0 if it is empty."""
    newest = (
        Recipient.objects.filter(account_id=account_id, status__in=Recipient.LIVE)
        .order_by("-pk")
        .values_list("pk", flat=True)
        .first()
    )
    return newest or 0


def expire(now: datetime, limit: int = 1000) -> int:
    """End up to `limit` held recipients whose time is over; return how many.

    Those that were never tried are expired; those that were, failed with the last reply.
    """
    late = Recipient.objects.filter(status=Status.HELD, deadline__lte=now).order_by("deadline")
    candidates = list(late.values_list("pk", "account_id")[:limit])
    with transaction.atomic():
        # A click may have released them since.
        lock_accounts(account_id for _, account_id in candidates)
        rows = lock_rows(pk for pk, _ in candidates)
        ended = [row for row in rows.values() if row.status == Status.HELD and row.deadline <= now]
        tallies = Tallies()
        for row in ended:
            end(row, Status.FAILED if row.tries else Status.EXPIRED, now)
            count(tallies, row, Status.HELD)
        save(ended)
        drop_bodies({row.message_id for row in ended})
        tallies.write(now)
    return len(ended)


def _purged(now: datetime) -> tuple[str, list[Any]]:
    return (
        "status = 'purged', hold_reason = '', next_attempt_at = NULL, ended_at = %s",
        [moment_in_sql(now)],
    )


def _change_slice(
    account_id: int,
    condition: str,
    through_id: int,
    limit: int,
    changes: str,
    values: list[Any],
) -> list[tuple[int, int]]:
    """Change the oldest rows of an account that meet `condition`; return (number, message) each.

    The literal condition matches a partial index, so that the cost is that of the slice.
    """
    if limit <= 0:
        return []
    lock = " FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
    chosen = (
        f"SELECT id FROM {TABLE} WHERE account_id = %s AND {condition} AND id <= %s "  # noqa: S608
        f"ORDER BY id LIMIT %s{lock}"
    )
    among = f"id = ANY(ARRAY({chosen}))" if lock else f"id IN ({chosen})"
    sql = f"UPDATE {TABLE} SET {changes} WHERE {among} RETURNING id, message_id"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(sql, [*values, account_id, through_id, limit])
        return [(int(pk), int(message_id)) for pk, message_id in cursor.fetchall()]
