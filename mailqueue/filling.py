"""A large database for trials: accounts, e-mails that have ended, and many that are held on one.

The database makes the rows itself, in batches: ten million by the way that mail takes would last a
day. So this writes past `queue` and `counters`, but to the same effect: each batch is a transaction
with its messages, bodies, recipients, quarters and totals, and the ledger balances after each.

Nothing of it waits to be sent, no address can exist (RFC 2606), and no account has an address for
letters. Note: minutes are not counted, so this mail uses up no hourly quota.
"""

import secrets
import string
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from mailqueue import accounts, schedule, service
from mailqueue.counters import QUARTER
from mailqueue.models import AccountTotals, Body, HostingAccount, Message, QuarterCount, Recipient

DAYS = 30
BATCH = 20_000
ACTOR = "filldatabase"
# What is held came in within this time, so that none of it expires while it is looked at.
HELD_WITHIN = timedelta(hours=12)
CONTENT = (
    b"Date: Mon, 2 Mar 2026 10:00:00 +0100\r\nFrom: site@essai.example\r\n"
    b"To: client@courrier.example\r\nSubject: Commande\r\n\r\n"
    + b"Bonjour, nous avons bien recu votre commande.\r\n"
    * 5
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much to make: accounts, recipients in all, and how many of these are held."""

    accounts: int
    recipients: int
    held: int


def fill(size: Size, now: datetime, batch: int = BATCH) -> Iterator[int]:
    """Fill the database; yields the number of recipients made so far, after each batch.

    The first account holds what is held; its service is blocked. Raises ValueError if more is to
    be held than there is, or there is no account.
    """
    if size.accounts < 1 or not 0 <= size.held <= size.recipients:
        raise ValueError("There must be an account, and no more held than there is in all.")
    ids = _make_accounts(size.accounts, now)
    ended = size.recipients - size.held
    first = now - timedelta(days=DAYS)
    for done in _series(_ENDED, ids, ended, (first, now - HELD_WITHIN), batch):
        yield done
    if size.held:
        service.block(ids[0], ACTOR, now - HELD_WITHIN)
    for done in _series("'held'", ids[:1], size.held, (now - HELD_WITHIN, now), batch):
        yield ended + done
    AccountTotals.objects.filter(account_id__in=ids, accepted__gt=0).update(
        largest_bytes=len(CONTENT)
    )
    if connection.vendor == "postgresql":
        # Its autovacuum would get there within minutes; until then plans are made for empty tables.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")


def _make_accounts(number: int, now: datetime) -> Sequence[int]:
    known = set(HostingAccount.objects.values_list("service_name", flat=True))
    names = (f"essai-{index:05}.example" for index in range(1, number + len(known) + 1))
    free = [name for name in names if name not in known][:number]
    with transaction.atomic():
        return [accounts.create(name, now - timedelta(days=DAYS)).pk for name in free]


def _series(
    status: str, ids: Sequence[int], number: int, span: tuple[datetime, datetime], batch: int
) -> Iterator[int]:
    """Make recipients of these accounts, spread over a span of time; yields how many so far."""
    # Nobody else's: the relay's queue ids have no digits above 7.
    token = "".join(secrets.choice(string.ascii_uppercase) for _ in range(5))
    with _helpers(ids, *span) as moments:
        for start in range(0, number, batch):
            end = min(start + batch, number)
            rows = _rows(status, token, (start, end, number), moments, len(ids))
            with transaction.atomic(), connection.cursor() as cursor:
                for statement in (_MESSAGES, _RECIPIENTS, _QUARTERS, _TOTALS):
                    cursor.execute(statement.replace("<rows>", rows))
                cursor.execute(
                    f"INSERT INTO {_BODY} (message_id, content, is_compressed)"  # noqa: S608
                    f" SELECT id, %s, FALSE FROM {_MESSAGE} message WHERE EXISTS"
                    f" (SELECT 1 FROM {_RECIPIENT} WHERE message_id = message.id"
                    " AND status = 'held') AND queue_id >= %s AND queue_id < %s",
                    [CONTENT, _queue_id(token, start), _queue_id(token, end)],
                )
            yield end


@contextmanager
def _helpers(ids: Sequence[int], first: datetime, last: datetime) -> Iterator[int]:
    """Tables of this connection, with the accounts and the moments that rows take by number.

    Both databases calculate with times in ways of their own; so Python does. Gives the number of
    moments: one for each quarter of an hour.
    """
    # Columns of times, as this database has them.
    time = HostingAccount._meta.get_field("created_at").db_type(connection)
    start = first.replace(minute=first.minute // 15 * 15, second=0, microsecond=0)
    moments = max(1, (last - start) // QUARTER)
    in_sql = connection.ops.adapt_datetimefield_value
    rows = []
    for number in range(moments):
        quarter = start + number * QUARTER
        at = quarter + timedelta(seconds=number * 37 % 800)
        times = (quarter, at, at + timedelta(seconds=5), schedule.deadline(at))
        rows.append((number, *(in_sql(moment) for moment in times)))
    columns = ", ".join(
        f"{name} {time}" for name in ("quarter", "accepted_at", "later", "deadline")
    )
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE filling_account (k bigint PRIMARY KEY, id bigint)")
        cursor.execute(f"CREATE TEMPORARY TABLE filling_moment (k bigint PRIMARY KEY, {columns})")
        try:
            cursor.executemany("INSERT INTO filling_account VALUES (%s, %s)", list(enumerate(ids)))
            cursor.executemany("INSERT INTO filling_moment VALUES (%s, %s, %s, %s, %s)", rows)
            yield moments
        finally:
            cursor.execute("DROP TABLE filling_account")
            cursor.execute("DROP TABLE filling_moment")


# A number between 0 and 99 that looks like chance (Knuth, TAOCP 6.4), of the number `i` of a row.
_CHANCE = "i * 2654435761 % 4294967296 / 42949673"
_ENDED = "CASE WHEN chance < 3 THEN 'failed' WHEN chance = 3 THEN 'purged' ELSE 'sent' END"
_FIRST_ID = 100_000_000


def _queue_id(token: str, number: int) -> str:
    return f"{token}{_FIRST_ID + number}"


def _rows(status: str, token: str, span: tuple[int, int, int], moments: int, accounts: int) -> str:
    """A WITH clause: the rows numbered from `start` to before `end`, of `number` in the series.

    Half of the mail belongs to a tenth of the accounts, the other half to all. It is all our own
    text and our own numbers: nothing is quoted.
    """
    start, end, number = span
    busy = max(1, accounts // 10)
    return f"""
        WITH RECURSIVE numbers(i) AS (
            SELECT CAST({start} AS bigint) UNION ALL
            SELECT i + 1 FROM numbers WHERE i + 1 < {end}
        ), chosen AS (
            SELECT i, {_CHANCE} AS chance, i * {moments} / {number} AS moment,
                CASE WHEN i % 2 = 0 THEN i / 2 % {accounts} ELSE i / 2 % {busy} END AS account,
                '{token}' || CAST({_FIRST_ID} + i AS text) AS queue_id,
                {len(CONTENT)} AS size_bytes
            FROM numbers
        ), made AS (
            SELECT chosen.*, filling_account.id AS account_id, quarter, accepted_at, later,
                deadline, {status} AS status
            FROM chosen
            JOIN filling_account ON filling_account.k = account
            JOIN filling_moment ON filling_moment.k = moment
        )
    """  # noqa: S608


_MESSAGE = Message._meta.db_table
_BODY = Body._meta.db_table
_RECIPIENT = Recipient._meta.db_table
_MESSAGES = f"""
    INSERT INTO {_MESSAGE} (account_id, queue_id, handover_id, origin, accepted_at, sender,
        subject, script, folder, size_bytes)
    <rows>
    SELECT account_id, queue_id, NULL, 'socket', accepted_at, 'site@essai.example',
        'Commande ' || CAST(i AS text), 'commande.php', '/var/www/essai', size_bytes
    FROM made ORDER BY i
"""  # noqa: S608
_RECIPIENTS = f"""
    INSERT INTO {_RECIPIENT} (message_id, account_id, address, domain, status, hold_reason,
        accepted_at, deadline, tries, next_attempt_at, lease_until, claim, ended_at, admitted_at,
        is_released, reply, reply_status, reply_host, category)
    <rows>
    SELECT message.id, made.account_id,
        'client' || CAST(i AS text) || '@courrier' || CAST(i % 20 AS text) || '.example',
        'courrier' || CAST(i % 20 AS text) || '.example',
        status,
        CASE WHEN status = 'held' THEN 'blocked' ELSE '' END,
        made.accepted_at, deadline,
        CASE WHEN status IN ('sent', 'failed') THEN 1 ELSE 0 END,
        NULL, NULL, '',
        CASE WHEN status <> 'held' THEN later END,
        CASE WHEN status IN ('sent', 'failed') THEN made.accepted_at END,
        FALSE,
        CASE WHEN status = 'sent' THEN '250 2.0.0 Ok' WHEN status <> 'failed' THEN ''
            WHEN chance = 0 THEN '550 5.1.1 User unknown'
            WHEN chance = 1 THEN '552 5.2.2 Mailbox full'
            ELSE '554 5.7.1 Message rejected because of its content' END,
        CASE WHEN status = 'sent' THEN '2.0.0' WHEN status <> 'failed' THEN ''
            WHEN chance = 0 THEN '5.1.1' WHEN chance = 1 THEN '5.2.2' ELSE '5.7.1' END,
        CASE WHEN status IN ('sent', 'failed') THEN 'mx.courrier.example' ELSE '' END,
        CASE WHEN status <> 'failed' THEN '' WHEN chance = 0 THEN 'user_unknown'
            WHEN chance = 1 THEN 'mailbox_full' ELSE 'content_rejected' END
    FROM made JOIN {_MESSAGE} message ON message.queue_id = made.queue_id
    ORDER BY i
"""  # noqa: S608
_COUNTED = {
    "accepted": "COUNT(*)",
    "sent": "SUM(CASE WHEN status = 'sent' THEN 1 ELSE 0 END)",
    "failed": "SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END)",
    "purged": "SUM(CASE WHEN status = 'purged' THEN 1 ELSE 0 END)",
    "expired": "0",
    "suppressed": "0",
    "returned": "0",
    "admitted": "SUM(CASE WHEN status IN ('sent', 'failed') THEN 1 ELSE 0 END)",
    "bounced": "SUM(CASE WHEN status = 'failed' AND chance < 2 THEN 1 ELSE 0 END)",
    "complaints": "0",
    "spam": "0",
    "spam_messages": "0",
}
_HELD_NOW = {
    "held": "SUM(CASE WHEN status = 'held' THEN 1 ELSE 0 END)",
    "held_bytes": "SUM(CASE WHEN status = 'held' THEN size_bytes ELSE 0 END)",
    "overflow": "0",
    "pruned": "0",
}


def _adding(table: str, columns: str, keys: str, counted: dict[str, str]) -> str:
    """Add what a batch counts, by `keys`, to the rows of `table` that `columns` name."""
    names = ", ".join(counted)
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in counted)
    # WHERE keeps SQLite from taking ON CONFLICT for the condition of a join.
    return f"""
        INSERT INTO {table} ({columns}, {names})
        <rows>
        SELECT {keys}, {", ".join(counted.values())} FROM made WHERE true GROUP BY {keys}
        ON CONFLICT ({columns}) DO UPDATE SET {sums}
    """  # noqa: S608


_QUARTERS = _adding(
    QuarterCount._meta.db_table, "account_id, start", "account_id, quarter", _COUNTED
)
_TOTALS = _adding(
    AccountTotals._meta.db_table,
    "account_id",
    "account_id",
    {**_COUNTED, **_HELD_NOW, "largest_bytes": "0"},
)
