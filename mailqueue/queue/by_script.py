"""What is done with the mail of one script, a slice at a time: held, let go, purged.

No index knows scripts, so a walk looks at `limit` recipients of the account's queue, whosever they
are, and changes those of the script. Each function is part of its caller's transaction, which has
the account locked.
"""

from datetime import datetime

from mailqueue import scripts
from mailqueue.models import HostingAccount, Message, Script
from mailqueue.queue.rows import HoldReason, Status, delivers, was_let_go_since
from mailqueue.queue.walking import (
    Row,
    Slice,
    purge_rows,
    release_rows,
    size_of,
    slice_of,
    tally,
    update,
    walk,
)
from mailqueue.walks import Index, along


def hold_of_script(
    script: Script, after_id: int, through_id: int, limit: int, now: datetime
) -> Slice:
    """Hold what waits of a blocked script, and what is held of it already, for that reason.

    What was judged spam stays spam. What is being sent is held when it is not delivered. What
    somebody let go since the script was blocked goes its way.
    """
    queued = along(Index.QUEUED, script.account_id, after_id, through_id + 1)
    if script.blocked_at is not None:
        queued = queued.exclude(was_let_go_since(script.blocked_at))
    found = walk(queued.exclude(status=Status.SENDING), limit)
    stays = {HoldReason.SPAM.value, HoldReason.SCRIPT.value}
    rows = [row for row in _of(script, found) if row.hold_reason not in stays]
    waited = [row for row in rows if row.status == Status.WAITING]
    update(
        rows,
        status=Status.HELD,
        hold_reason=HoldReason.SCRIPT,
        next_attempt_at=None,
        is_released=False,
    )
    tally(
        script.account_id,
        now,
        held=len(waited),
        held_bytes=size_of(waited),
        overflow=-sum(row.is_overflow for row in rows),
    )
    return _slice(rows, found, limit)


def release_of_script(
    script: Script, after_id: int, through_id: int, limit: int, now: datetime
) -> Slice:
    """Let go what is held because the script was blocked: as far as the quotas allow.

    Where the service is blocked meanwhile, it stays held for that.
    """
    account = HostingAccount.objects.get(pk=script.account_id)
    found = walk(along(Index.SCRIPT, account.pk, after_id, through_id + 1), limit)
    rows = _of(script, found)
    if delivers(account):
        # Whoever waits for the quotas already comes first.
        has_line = along(Index.OVERFLOW, account.pk).exists()
        release_rows(account.pk, rows, now, has_line=has_line)
    else:
        update(rows, hold_reason=HoldReason.BLOCKED)
    return _slice(rows, found, limit)


def purge_of_script(
    script: Script, after_id: int, through_id: int, limit: int, now: datetime
) -> Slice:
    """Purge what is held or waits of a script, for whatever reason."""
    queued = along(Index.QUEUED, script.account_id, after_id, through_id + 1)
    found = walk(queued.exclude(status=Status.SENDING), limit)
    rows = _of(script, found)
    purge_rows(script.account_id, rows, now)
    return _slice(rows, found, limit)


def _of(script: Script, found: list[Row]) -> list[Row]:
    """Those of the rows whose message the script sent."""
    messages = Message.objects.filter(
        scripts.sent_by(script), pk__in={row.message_id for row in found}
    )
    own = set(messages.values_list("pk", flat=True))
    return [row for row in found if row.message_id in own]


def _slice(rows: list[Row], found: list[Row], limit: int) -> Slice:
    return Slice(len(rows), slice_of(found, limit).last_id)
