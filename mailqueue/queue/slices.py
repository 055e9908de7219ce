"""Holding, releasing, purging and expiring, a slice at a time, in the order of arrival.

A walk goes on where it stopped: on PostgreSQL one from the start would pass all that earlier slices
have changed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Coalesce

from mailqueue import limits, policy, schedule, windows
from mailqueue.counters import Tallies
from mailqueue.models import HostingAccount, Message, Recipient
from mailqueue.queue.rows import (
    HoldReason,
    Status,
    count,
    delivers,
    drop_bodies,
    end,
    lock_accounts,
    lock_messages,
    lock_rows,
    save,
    was_let_go_of,
)
from mailqueue.walks import Index, along

# What is held for itself, and not because its account is blocked.
_STAYS = frozenset({HoldReason.SPAM, HoldReason.SCRIPT})


@dataclass(frozen=True, slots=True)
class Slice:
    """What a slice of slow work did: how many recipients it went through, and where it stopped.

    `last_id` is None when the walk has come to its end.
    """

    number: int
    last_id: int | None


def hold(account_id: int, after_id: int, through_id: int, limit: int, now: datetime) -> Slice:
    """Hold up to `limit` waiting recipients numbered after `after_id`, up to `through_id`.

    What somebody let go since the service was stopped goes its way. Part of the caller's
    transaction, which has the account locked. `now` is when it is counted.
    """
    account = HostingAccount.objects.get(pk=account_id)
    waiting = along(Index.WAITING, account_id, after_id, through_id + 1)
    rows = _walk(waiting.exclude(was_let_go_of(account)), limit)
    _update(
        rows,
        status=Status.HELD,
        hold_reason=HoldReason.BLOCKED,
        next_attempt_at=None,
        is_released=False,
    )
    _tally(account_id, now, held=len(rows), held_bytes=_bytes(rows))
    return _slice(rows, limit)


def release(account_id: int, after_id: int, through_id: int, limit: int, now: datetime) -> Slice:
    """Let up to `limit` held recipients numbered after `after_id`, up to `through_id`, go.

    They are due at once, in the order of their arrival, and have at least 24 hours of tries. What
    the quotas have not let through yet goes as far as they allow; the rest waits for them. Spam,
    and what a blocked script sent, is gone through and stays.
    Part of the caller's transaction, which has the account locked.
    """
    found = _walk(along(Index.HELD, account_id, after_id, through_id + 1), limit)
    rows = [row for row in found if row.hold_reason not in _STAYS]
    # Whoever an earlier slice left to wait for the quotas comes first.
    has_line = along(Index.OVERFLOW, account_id, 0, after_id + 1).exists()
    let_through, held_back = _by_quota(account_id, rows, now, has_line=has_line)
    _let_go(let_through, now)
    _update(held_back, hold_reason=HoldReason.OVERFLOW)
    _tally(
        account_id,
        now,
        held=-len(let_through),
        held_bytes=-_bytes(let_through),
        admitted=sum(not row.is_admitted for row in let_through),
        overflow=len(held_back) - sum(row.is_overflow for row in rows),
    )
    return _slice(found, limit)


def drip(account: HostingAccount, limit: int, now: datetime) -> int:
    """Let up to `limit` of the recipients that wait for the quotas go; return how many went.

    In the order of their arrival, as many as the quotas allow now. Part of the caller's
    transaction, which has the account locked.
    """
    room = policy.room(limits.of(account), windows.usages([account], now)[account.pk])
    limit = limit if room is None else min(limit, room)
    if not limit or not delivers(account):
        return 0
    rows = _walk(along(Index.OVERFLOW, account.pk), limit)
    _let_go(rows, now)
    _tally(
        account.pk,
        now,
        held=-len(rows),
        held_bytes=-_bytes(rows),
        overflow=-len(rows),
        admitted=sum(not row.is_admitted for row in rows),
    )
    return len(rows)


def purge(account_id: int, after_id: int, through_id: int, limit: int, now: datetime) -> Slice:
    """Purge up to `limit` held or waiting recipients numbered after `after_id`, up to `through_id`.

    Part of the caller's transaction, which has the account locked.
    """
    queued = along(Index.QUEUED, account_id, after_id, through_id + 1)
    rows = _walk(queued.exclude(status=Status.SENDING), limit)
    _update(
        rows,
        status=Status.PURGED,
        hold_reason=HoldReason.NONE,
        next_attempt_at=None,
        ended_at=now,
    )
    messages = {row.message_id for row in rows}
    lock_messages(messages)
    drop_bodies(messages)
    held = [row for row in rows if row.status == Status.HELD]
    _tally(
        account_id,
        now,
        purged=len(rows),
        held=-len(held),
        held_bytes=-_bytes(held),
        overflow=-sum(row.is_overflow for row in held),
    )
    return _slice(rows, limit)


def last_queued_id(account_id: int) -> int:
    """The number of the newest recipient in an account's queue, 0 if it is empty."""
    newest = along(Index.QUEUED, account_id, is_back=True)
    return newest.values_list("pk", flat=True).first() or 0


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
            reason = row.hold_reason
            end(row, Status.FAILED if row.tries else Status.EXPIRED, now)
            count(tallies, row, Status.HELD, reason)
        save(ended)
        drop_bodies({row.message_id for row in ended})
        tallies.write(now)
    return len(ended)


@dataclass(frozen=True, slots=True)
class _Row:
    """What a walk sees of a recipient."""

    pk: int
    message_id: int
    status: str
    hold_reason: str
    is_admitted: bool
    size_bytes: int

    @property
    def is_overflow(self) -> bool:
        return self.hold_reason == HoldReason.OVERFLOW


def _walk(found: QuerySet[Recipient], limit: int) -> list[_Row]:
    """The next of the recipients along an index, locked."""
    rows = list(
        found.select_for_update(no_key=True).values_list(
            "pk", "message_id", "status", "hold_reason", "admitted_at"
        )[:limit]
    )
    sizes = dict(
        Message.objects.filter(pk__in={row[1] for row in rows}).values_list("pk", "size_bytes")
    )
    return [
        _Row(pk, message_id, status, reason, admitted_at is not None, sizes[message_id])
        for pk, message_id, status, reason, admitted_at in rows
    ]


def _by_quota(
    account_id: int, rows: list[_Row], now: datetime, *, has_line: bool
) -> tuple[list[_Row], list[_Row]]:
    """Which of the rows may go now, and which must wait for the quotas, in order."""
    account = HostingAccount.objects.get(pk=account_id)
    usage = windows.usages([account], now)[account_id]
    room = 0 if has_line else policy.room(limits.of(account), usage)
    let_through: list[_Row] = []
    held_back: list[_Row] = []
    for row in rows:
        if row.is_admitted or room is None:
            let_through.append(row)
        elif room > 0:
            room -= 1
            let_through.append(row)
        else:
            held_back.append(row)
    return let_through, held_back


def _let_go(rows: list[_Row], now: datetime) -> None:
    end = now + schedule.AFTER_RELEASE
    _update(
        rows,
        status=Status.WAITING,
        hold_reason=HoldReason.NONE,
        next_attempt_at=now,
        admitted_at=Coalesce("admitted_at", Value(now)),
        deadline=Case(When(deadline__lt=end, then=Value(end)), default=F("deadline")),
    )


def _update(rows: list[_Row], **changes: Any) -> None:
    Recipient.objects.filter(pk__in=[row.pk for row in rows]).update(**changes)


def _bytes(rows: list[_Row]) -> int:
    return sum(row.size_bytes for row in rows)


def _tally(account_id: int, now: datetime, **numbers: int) -> None:
    tallies = Tallies()
    for name, number in numbers.items():
        setattr(tallies[account_id], name, number)
    tallies.write(now)


def _slice(rows: list[_Row], limit: int) -> Slice:
    return Slice(len(rows), rows[-1].pk if len(rows) == limit else None)
