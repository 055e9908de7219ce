"""Holding, releasing, purging and expiring, a slice at a time, in the order of arrival."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, F, Value, When

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
    save,
)


@dataclass(frozen=True, slots=True)
class Slice:
    """What a slice of slow work did: how many recipients it changed, and where it stopped.

    `last_id` is None when the walk has come to its end.
    """

    number: int
    last_id: int | None


def hold(account_id: int, after_id: int, through_id: int, limit: int, now: datetime) -> Slice:
    """Hold up to `limit` waiting recipients numbered after `after_id`, up to `through_id`.

    Part of the caller's transaction, which has the account locked. `now` is when it is counted.
    """
    rows = _walk(account_id, "status = 'waiting'", after_id, through_id, limit)
    _update(rows, status=Status.HELD, hold_reason=HoldReason.BLOCKED, next_attempt_at=None)
    _tally(account_id, now, held=len(rows))
    return _slice(rows, limit)


def release(account_id: int, after_id: int, through_id: int, limit: int, now: datetime) -> Slice:
    """Let up to `limit` held recipients numbered after `after_id`, up to `through_id`, go.

    They are due at once, in the order of their arrival, and have at least 24 hours of tries.
    Part of the caller's transaction, which has the account locked.
    """
    rows = _walk(account_id, "status = 'held'", after_id, through_id, limit)
    end = now + schedule.AFTER_RELEASE
    _update(
        rows,
        status=Status.WAITING,
        hold_reason=HoldReason.NONE,
        next_attempt_at=now,
        deadline=Case(When(deadline__lt=end, then=Value(end)), default=F("deadline")),
    )
    _tally(account_id, now, held=-len(rows))
    return _slice(rows, limit)


def purge(account_id: int, after_id: int, through_id: int, limit: int, now: datetime) -> Slice:
    """Purge up to `limit` held or waiting recipients numbered after `after_id`, up to `through_id`.

    Part of the caller's transaction, which has the account locked.
    """
    # The first condition is that of the index, to the letter: SQLite proves no more than that.
    condition = "status IN ('waiting', 'sending', 'held') AND status <> 'sending'"
    rows = _walk(account_id, condition, after_id, through_id, limit)
    _update(
        rows,
        status=Status.PURGED,
        hold_reason=HoldReason.NONE,
        next_attempt_at=None,
        ended_at=now,
    )
    drop_bodies({message_id for _, message_id, _ in rows})
    held = sum(status == Status.HELD for _, _, status in rows)
    _tally(account_id, now, held=-held, purged=len(rows))
    return _slice(rows, limit)


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


def _walk(
    account_id: int, condition: str, after_id: int, through_id: int, limit: int
) -> list[tuple[int, int, str]]:
    """The next recipients of an account that meet `condition`: number, message, status; locked.

    The literal condition matches a partial index, and the walk goes on where it stopped: on
    PostgreSQL a walk from the start would pass all that earlier slices have changed.
    """
    sql = (
        f"SELECT id, message_id, status FROM {TABLE} WHERE account_id = %s AND {condition} "  # noqa: S608
        "AND id > %s AND id <= %s ORDER BY id LIMIT %s"
    )
    if connection.vendor == "postgresql":
        sql += " FOR NO KEY UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(sql, [account_id, after_id, through_id, limit])
        return [(int(pk), int(message_id), str(status)) for pk, message_id, status in cursor]


def _update(rows: list[tuple[int, int, str]], **changes: Any) -> None:
    Recipient.objects.filter(pk__in=[pk for pk, _, _ in rows]).update(**changes)


def _tally(account_id: int, now: datetime, **numbers: int) -> None:
    tallies = Tallies()
    for name, number in numbers.items():
        setattr(tallies[account_id], name, number)
    tallies.write(now)


def _slice(rows: list[tuple[int, int, str]], limit: int) -> Slice:
    return Slice(len(rows), rows[-1][0] if len(rows) == limit else None)
