"""Holding, releasing, purging and expiring, a slice at a time, in the order of arrival.

A walk goes on where it stopped: on PostgreSQL one from the start would pass all that earlier slices
have changed.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from mailqueue import limits, policy, scripts, windows
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
    lock_rows,
    save,
    was_let_go_of,
)
from mailqueue.queue.walking import (
    Row,
    Slice,
    let_go,
    purge_rows,
    release_rows,
    size_of,
    slice_of,
    tally,
    update,
    walk,
)
from mailqueue.walks import Index, along

# What is held for itself, and not because its account is blocked.
_STAYS = frozenset({HoldReason.SPAM, HoldReason.SCRIPT})


def hold(account_id: int, after_id: int, through_id: int, limit: int, now: datetime) -> Slice:
    """Hold up to `limit` waiting recipients numbered after `after_id`, up to `through_id`.

    What somebody let go since the service was stopped goes its way. Part of the caller's
    transaction, which has the account locked. `now` is when it is counted.
    """
    account = HostingAccount.objects.get(pk=account_id)
    waiting = along(Index.WAITING, account_id, after_id, through_id + 1)
    rows = walk(waiting.exclude(was_let_go_of(account)), limit)
    update(
        rows,
        status=Status.HELD,
        hold_reason=HoldReason.BLOCKED,
        next_attempt_at=None,
        is_released=False,
    )
    # What somebody let go of a blocked script: that is why it stays when the account goes on.
    update(_of_blocked_scripts(account, rows), hold_reason=HoldReason.SCRIPT)
    tally(account_id, now, held=len(rows), held_bytes=size_of(rows))
    return slice_of(rows, limit)


def _of_blocked_scripts(account: HostingAccount, rows: Sequence[Row]) -> list[Row]:
    blocks = scripts.blocks_of([account])
    if not blocks:
        return []
    messages = Message.objects.filter(pk__in={row.message_id for row in rows})
    sources = messages.values_list("pk", "script", "folder", "origin")
    stopped = {pk for pk, *source in sources if blocks.stops(account.pk, *source)}
    return [row for row in rows if row.message_id in stopped]


def release(account_id: int, after_id: int, through_id: int, limit: int, now: datetime) -> Slice:
    """Let up to `limit` held recipients numbered after `after_id`, up to `through_id`, go.

    They are due at once, in the order of their arrival, and have at least 24 hours of tries. What
    the quotas have not let through yet goes as far as they allow; the rest waits for them. Spam,
    and what a blocked script sent, is gone through and stays.
    Part of the caller's transaction, which has the account locked.
    """
    found = walk(along(Index.HELD, account_id, after_id, through_id + 1), limit)
    rows = [row for row in found if row.hold_reason not in _STAYS]
    # Whoever an earlier slice left to wait for the quotas comes first.
    has_line = along(Index.OVERFLOW, account_id, 0, after_id + 1).exists()
    release_rows(account_id, rows, now, has_line=has_line)
    return slice_of(found, limit)


def drip(account: HostingAccount, limit: int, now: datetime) -> int:
    """Let up to `limit` of the recipients that wait for the quotas go; return how many went.

    In the order of their arrival, as many as the quotas allow now. Part of the caller's
    transaction, which has the account locked.
    """
    room = policy.room(limits.of(account), windows.usages([account], now)[account.pk])
    limit = limit if room is None else min(limit, room)
    if not limit or not delivers(account):
        return 0
    rows = walk(along(Index.OVERFLOW, account.pk), limit)
    let_go(rows, now)
    tally(
        account.pk,
        now,
        held=-len(rows),
        held_bytes=-size_of(rows),
        overflow=-len(rows),
        admitted=sum(not row.is_admitted for row in rows),
    )
    return len(rows)


def purge(account_id: int, after_id: int, through_id: int, limit: int, now: datetime) -> Slice:
    """Purge up to `limit` held or waiting recipients numbered after `after_id`, up to `through_id`.

    Part of the caller's transaction, which has the account locked.
    """
    queued = along(Index.QUEUED, account_id, after_id, through_id + 1)
    rows = walk(queued.exclude(status=Status.SENDING), limit)
    purge_rows(account_id, rows, now)
    return slice_of(rows, limit)


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
