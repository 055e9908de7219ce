"""What every writer of the queue shares: locks, the steps of a row, and its counting.

Locks are taken in one order everywhere: accounts by number, then messages, then recipients, then
counts. Each function but `put_back` is part of its caller's transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, cast

from django.db import connection, models, transaction
from django.db.models import Q

from mailqueue import scripts, statements
from mailqueue.bounces import classify_reply
from mailqueue.counters import Tallies
from mailqueue.errors import UnknownAccount
from mailqueue.models import Body, HostingAccount, Message, Recipient, RecipientStatus
from mailqueue.scripts import Blocks
from mailqueue.states import DELIVERING

Status: TypeAlias = RecipientStatus
HoldReason: TypeAlias = Recipient.HoldReason
TABLE = Recipient._meta.db_table
_BODIES = Body._meta.db_table
_MESSAGES = Message._meta.db_table


def lock_accounts(account_ids: Iterable[int]) -> dict[int, HostingAccount]:
    """The accounts, locked by number, so that a click and this transaction follow each other."""
    wanted = sorted(set(account_ids))
    if not wanted:
        return {}
    condition, values = statements.among(wanted)
    locked = "FOR NO KEY UPDATE" if connection.vendor == "postgresql" else ""
    rows = statements.load(HostingAccount, f"WHERE id {condition} ORDER BY id {locked}", values)
    return {row.pk: row for row in rows}


def lock_account(account_id: int) -> HostingAccount:
    """The account, locked. Raises UnknownAccount."""
    try:
        return lock_accounts([account_id])[account_id]
    except KeyError:
        raise UnknownAccount(str(account_id)) from None


def lock_rows(recipient_ids: Iterable[int]) -> dict[int, Recipient]:
    """The recipients and their messages, locked.

    The message too: of two workers that end the last two recipients at once, one must see that
    nobody needs the body any more. And before its recipients: of two transactions that share a
    message and a recipient of it, none may hold what the other waits for.
    """
    rows = (
        Recipient.objects.filter(pk__in=set(recipient_ids))
        .select_related("message")
        .order_by("message_id", "pk")
    )
    # In this order: of two that lock recipients of one message, each would else hold what the other
    # wants.
    locked = rows.select_for_update(no_key=True, of=("message", "self"))
    return {row.pk: row for row in locked}


def lock_messages(message_ids: set[int]) -> None:
    """Wait for workers that end other recipients of these messages; SQLite has one writer anyway.

    For walks, which lock recipients alone. That is against the order, and does no harm: who holds a
    message wants recipients that are being sent, and walks pass those by.
    """
    if message_ids and connection.vendor == "postgresql":
        among, values = statements.among(message_ids)
        locked = "ORDER BY id FOR NO KEY UPDATE"
        statements.fetch(f"SELECT id FROM {_MESSAGES} WHERE id {among} {locked}", values)  # noqa: S608


def delivers(account: HostingAccount) -> bool:
    return account.is_system or account.state in DELIVERING


def fate_of(row: Recipient, account: HostingAccount) -> Status:
    """What becomes of a recipient that was not delivered: it waits, or shares its account's lot."""
    if row.pk <= account.purged_through:
        return Status.PURGED
    goes = delivers(account) or row.was_let_go_since(account.state_changed_at)
    return Status.WAITING if goes else Status.HELD


def was_let_go_of(account: HostingAccount) -> Q:
    """Recipients that somebody let go since the state changed: a stop holds what went before it."""
    return was_let_go_since(account.state_changed_at)


def was_let_go_since(moment: datetime) -> Q:
    """Recipients that somebody let go since then."""
    return Q(is_released=True, admitted_at__gte=moment)


def settle(
    row: Recipient, account: HostingAccount, blocks: Blocks, due: datetime, now: datetime
) -> None:
    """Give a recipient that was not delivered its place: waiting, held or purged."""
    fate = fate_of(row, account)
    if fate is Status.PURGED:
        end(row, fate, now)
        return
    is_stopped = blocks.stops_recipient(row)
    row.status = Status.HELD if is_stopped else fate
    row.lease_until = None
    row.hold_reason = HoldReason.NONE
    if row.status is Status.HELD:
        row.hold_reason = HoldReason.SCRIPT if is_stopped else HoldReason.BLOCKED
    row.next_attempt_at = due if row.status is Status.WAITING else None


def put_back(
    moments: Mapping[int, datetime],
    claims: set[str],
    now: datetime,
    late_by: datetime | None = None,
) -> int:
    """Return untried recipients, due when `moments` says, by their numbers; how many were ours.

    With `late_by`, only those whose lease is over by then. One transaction.
    """
    if not moments:
        return 0
    account_ids = Recipient.objects.filter(pk__in=moments).values_list("account_id", flat=True)
    with transaction.atomic():
        accounts = lock_accounts(account_ids)
        blocks = scripts.blocks_of(accounts.values())
        rows = [
            row
            for row in lock_rows(moments).values()
            if row.status == Status.SENDING
            and row.claim in claims
            and (late_by is None or (row.lease_until is not None and row.lease_until <= late_by))
        ]
        tallies = Tallies()
        for row in rows:
            settle(row, accounts[row.account_id], blocks, moments[row.pk], now)
            count(tallies, row, Status.SENDING)
        save(rows)
        drop_bodies({row.message_id for row in rows if row.ended_at is not None})
        tallies.write(now)
    return len(rows)


def end(row: Recipient, status: Status, now: datetime) -> None:
    row.status = status
    row.hold_reason = HoldReason.NONE
    row.lease_until = None
    row.next_attempt_at = None
    row.ended_at = now
    if status is Status.FAILED:
        # Now, while the words are fresh: what is read later must not change with the rules.
        row.category = classify_reply(row.reply).category


def count(
    tallies: Tallies, row: Recipient, before: Status, reason: str = HoldReason.BLOCKED
) -> None:
    """Count the step of a row from `before` to the status that it has now.

    `reason` is why it was held, if it was.
    """
    tally = tallies[row.account_id]
    change = (row.status == Status.HELD) - (before == Status.HELD)
    tally.held += change
    tally.held_bytes += change * row.message.size_bytes
    tally.overflow += _is_overflow(row.status, row.hold_reason) - _is_overflow(before, reason)
    if row.ended_at is not None:
        setattr(tally, row.status, getattr(tally, row.status) + 1)


def _is_overflow(status: str, reason: str) -> bool:
    return status == Status.HELD and reason == HoldReason.OVERFLOW


_WRITTEN = (
    "status",
    "hold_reason",
    "lease_until",
    "next_attempt_at",
    "ended_at",
    "tries",
    "reply",
    "reply_status",
    "reply_host",
    "category",
    "admitted_at",
    "is_released",
)


def save(rows: Sequence[Recipient]) -> None:
    """Write changed rows, which this transaction has locked, in one round trip."""
    columns = [cast("models.Field[Any, Any]", Recipient._meta.get_field(name)) for name in _WRITTEN]
    values = [
        [
            *(
                column.get_db_prep_save(getattr(row, column.attname), connection)
                for column in columns
            ),
            row.pk,
        ]
        for row in rows
    ]
    if values:
        sets = ", ".join(f"{column.column} = %s" for column in columns)
        with connection.cursor() as cursor:
            cursor.executemany(f"UPDATE {TABLE} SET {sets} WHERE id = %s", values)  # noqa: S608


def drop_bodies(message_ids: set[int]) -> None:
    """Delete the bodies that nobody needs any more: no recipient is live, none has failed."""
    if message_ids:
        statuses = ", ".join(f"'{status}'" for status in (*Recipient.LIVE, Status.FAILED))
        among, values = statements.among(message_ids)
        statements.run_each(
            f"DELETE FROM {_BODIES} WHERE message_id {among} AND NOT EXISTS ("  # noqa: S608
            f"SELECT 1 FROM {TABLE} AS one WHERE one.message_id = {_BODIES}.message_id "
            f"AND one.status IN ({statuses}))",
            [values],
        )


def storable(value: str, limit: int) -> str:
    """What both databases can store: no NUL, no lone surrogate, not too long."""
    clean = (
        value.encode("utf-8", "replace").decode("utf-8").replace("\0", "\N{REPLACEMENT CHARACTER}")
    )
    return clean[:limit]
