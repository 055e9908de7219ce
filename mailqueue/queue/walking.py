"""A walk along an account's recipients, a slice at a time, in the order of arrival.

Owns what every walk shares: its rows, who of them the quotas let through, and its counting. Each
function is part of its caller's transaction, which has the account locked.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, F, QuerySet, Value, When
from django.db.models.functions import Coalesce

from mailqueue import limits, policy, schedule, windows
from mailqueue.counters import Tallies
from mailqueue.models import HostingAccount, Message, Recipient
from mailqueue.queue.rows import HoldReason, Status, drop_bodies, lock_messages


@dataclass(frozen=True, slots=True)
class Slice:
    """What a slice of slow work did: how many recipients it went through, and where it stopped.

    `last_id` is None when the walk has come to its end.
    """

    number: int
    last_id: int | None


@dataclass(frozen=True, slots=True)
class Row:
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


def walk(found: QuerySet[Recipient], limit: int) -> list[Row]:
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
        Row(pk, message_id, status, reason, admitted_at is not None, sizes[message_id])
        for pk, message_id, status, reason, admitted_at in rows
    ]


def release_rows(account_id: int, rows: list[Row], now: datetime, *, has_line: bool) -> None:
    """Let held recipients go as far as the quotas allow; the rest waits for them.

    With `has_line` others wait before them.
    """
    let_through, held_back = _by_quota(account_id, rows, now, has_line=has_line)
    let_go(let_through, now)
    update(held_back, hold_reason=HoldReason.OVERFLOW)
    tally(
        account_id,
        now,
        held=-len(let_through),
        held_bytes=-size_of(let_through),
        admitted=sum(not row.is_admitted for row in let_through),
        overflow=len(held_back) - sum(row.is_overflow for row in rows),
    )


def purge_rows(account_id: int, rows: list[Row], now: datetime) -> None:
    """End recipients, none of which is being sent, as purged."""
    update(
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
    tally(
        account_id,
        now,
        purged=len(rows),
        held=-len(held),
        held_bytes=-size_of(held),
        overflow=-sum(row.is_overflow for row in held),
    )


def _by_quota(
    account_id: int, rows: list[Row], now: datetime, *, has_line: bool
) -> tuple[list[Row], list[Row]]:
    """Which of the rows may go now, and which must wait for the quotas, in order."""
    account = HostingAccount.objects.get(pk=account_id)
    usage = windows.usages([account], now)[account_id]
    room = 0 if has_line else policy.room(limits.of(account), usage)
    let_through: list[Row] = []
    held_back: list[Row] = []
    for row in rows:
        if row.is_admitted or room is None:
            let_through.append(row)
        elif room > 0:
            room -= 1
            let_through.append(row)
        else:
            held_back.append(row)
    return let_through, held_back


def let_go(rows: list[Row], now: datetime) -> None:
    """Have recipients tried at once; they have at least 24 hours of tries."""
    end = now + schedule.AFTER_RELEASE
    update(
        rows,
        status=Status.WAITING,
        hold_reason=HoldReason.NONE,
        next_attempt_at=now,
        admitted_at=Coalesce("admitted_at", Value(now)),
        deadline=Case(When(deadline__lt=end, then=Value(end)), default=F("deadline")),
    )


def update(rows: list[Row], **changes: Any) -> None:
    """Change all of the rows alike."""
    Recipient.objects.filter(pk__in=[row.pk for row in rows]).update(**changes)


def size_of(rows: list[Row]) -> int:
    """The bytes of their messages."""
    return sum(row.size_bytes for row in rows)


def tally(account_id: int, now: datetime, **numbers: int) -> None:
    """Count these numbers of an account."""
    tallies = Tallies()
    for name, number in numbers.items():
        setattr(tallies[account_id], name, number)
    tallies.write(now)


def slice_of(rows: list[Row], limit: int) -> Slice:
    """What a walk did that found these rows, and wanted `limit`."""
    return Slice(len(rows), rows[-1].pk if len(rows) == limit else None)
