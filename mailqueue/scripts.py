"""Which scripts of an account send, how much, and which of them are blocked: the only writer.

A script is known by what its message tells of it: the file that PHP names, the folder that the
sendmail command was started in, and the way in. Whoever writes the message may write all of that,
so it is a hint about mistakes and break-ins, never proof: an account has at most MOST scripts, and
all others are counted together under one row, whose key is empty.

What becomes of the mail of a blocked script is for `queue`; who may block one for `service`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from django.db import connection, transaction
from django.db.models import Q

from mailqueue import statements
from mailqueue.models import HostingAccount, Message, Recipient, Script, ScriptCount

MOST = 500
# The key of the row that counts all others.
REST = ""
# Every batch would else write the row of each of its scripts, and its place in an index.
SEEN_EVERY = timedelta(minutes=1)
KEPT = timedelta(days=90)

_SCRIPTS = Script._meta.db_table
_COUNTS = ScriptCount._meta.db_table
# Rows of one statement on SQLite, which ends at some ten thousand values.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Seen:
    """What to add to the counts of a script, in recipients.

    `name`, `folder` and `origin` as the message has them. `handed`: it was to go out, told once;
    `failed`: it ended so, or came back; `bounced`: by a fault of the recipient.
    """

    account_id: int
    name: str
    folder: str
    origin: str
    handed: int = 0
    failed: int = 0
    bounced: int = 0
    spam: int = 0

    @property
    def key(self) -> str:
        return key_of(self.name, self.folder, self.origin)


def way_of(origin: str) -> str:
    """The way in that tells scripts apart: that the relay was away does not."""
    return Message.Origin.SOCKET.value if origin == Message.Origin.MAILDROP else str(origin)


def key_of(name: str, folder: str, origin: str) -> str:
    """What a script of an account is known by: of a message's script, folder and origin."""
    # No NUL can be in any of them: both databases refuse it.
    told = "\0".join((way_of(origin), folder, name))
    return sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def sent_by(script: Script) -> Q:
    """The condition on messages that a script sent them."""
    ways = [way for way in Message.Origin.values if way_of(way) == script.origin]
    return Q(script=script.name, folder=script.folder, origin__in=ways)


def see(seen: Iterable[Seen], now: datetime) -> None:
    """Count what scripts sent, and note that they are there.

    Part of the caller's transaction, which comes here after recipients and before `counters`: so
    two of them cannot wait for each other. One round trip on PostgreSQL.
    """
    scripts: dict[tuple[int, str], Seen] = {}
    counted: dict[tuple[int, str], Counter[str]] = {}
    for one in seen:
        place = (one.account_id, one.key)
        scripts.setdefault(place, one)
        counted.setdefault(place, Counter()).update({name: getattr(one, name) for name in _NUMBERS})
    rows = [
        (
            *place,
            way_of(scripts[place].origin),
            scripts[place].name,
            scripts[place].folder,
            *(counted[place][name] for name in _NUMBERS),
        )
        for place in sorted(scripts)
    ]
    day = now.astimezone(UTC).date()
    for start in range(0, len(rows), _CHUNK):
        _write(rows[start : start + _CHUNK], day, now)


class Blocks:
    """Which scripts of accounts are blocked, and since when."""

    def __init__(self, since: Mapping[int, Mapping[str, datetime]]) -> None:
        self._since = since

    def __bool__(self) -> bool:
        return any(self._since.values())

    def stops(self, account_id: int, name: str, folder: str, origin: str) -> bool:
        """Whether new mail of a script is held."""
        return self._blocked_at(account_id, name, folder, origin) is not None

    def stops_recipient(self, row: Recipient) -> bool:
        """Whether a recipient is held: unless somebody let it go since its script was blocked."""
        if not self._since.get(row.account_id):
            return False
        message = row.message
        since = self._blocked_at(row.account_id, message.script, message.folder, message.origin)
        return since is not None and not row.was_let_go_since(since)

    def _blocked_at(self, account_id: int, name: str, folder: str, origin: str) -> datetime | None:
        since = self._since.get(account_id)
        return since.get(key_of(name, folder, origin)) if since else None


def blocks_of(accounts: Iterable[HostingAccount]) -> Blocks:
    """Which scripts of these accounts are blocked. No query where none is, else one."""
    return Blocks(blocked(account.pk for account in accounts if account.blocks_scripts))


def blocked(account_ids: Iterable[int]) -> dict[int, dict[str, datetime]]:
    """The keys of the blocked scripts of these accounts, and since when each is.

    Ask only for accounts that have one (`HostingAccount.blocks_scripts`). One query.
    """
    wanted = sorted(set(account_ids))
    if not wanted:
        return {}
    condition, values = statements.among(wanted)
    rows = statements.fetch(
        f"SELECT account_id, key, blocked_at FROM {_SCRIPTS} "  # noqa: S608
        f"WHERE account_id {condition} AND blocked_at IS NOT NULL",
        values,
    )
    found: dict[int, dict[str, datetime]] = {pk: {} for pk in wanted}
    for account_id, key, blocked_at in rows:
        found[account_id][key] = statements.aware(blocked_at)
    return found


def block(script: Script, actor: str, now: datetime) -> None:
    """Have the mail of a script held. Part of a transaction that has the account locked."""
    script.blocked_at, script.blocked_by = now, actor
    script.save(update_fields=["blocked_at", "blocked_by"])
    HostingAccount.objects.filter(pk=script.account_id).update(blocks_scripts=True)


def unblock(script: Script) -> None:
    """Have the mail of a script held no more. Likewise."""
    script.blocked_at, script.blocked_by = None, ""
    script.save(update_fields=["blocked_at", "blocked_by"])
    others = Script.objects.filter(account_id=script.account_id, blocked_at__isnull=False)
    HostingAccount.objects.filter(pk=script.account_id).update(blocks_scripts=others.exists())


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` counts and scripts that were last seen 90 days ago; return how many.

    A blocked script stays, whenever it was seen.
    """
    old_counts = ScriptCount.objects.filter(day__lt=(now - KEPT).date()).order_by("day")
    deleted = ScriptCount.objects.filter(
        pk__in=list(old_counts.values_list("pk", flat=True)[:limit])
    ).delete()[0]
    silent = Script.objects.filter(last_seen_at__lt=now - KEPT, blocked_at=None, work=None)
    pks = list(silent.order_by("last_seen_at").values_list("pk", flat=True)[:limit])
    with transaction.atomic():
        # One may have been seen, or blocked, meanwhile.
        locked = silent.filter(pk__in=pks).order_by("account_id", "key")
        locked = locked.select_for_update(of=("self",))
        return deleted + Script.objects.filter(pk__in=[row.pk for row in locked]).delete()[0]


_NUMBERS = ("handed", "failed", "bounced", "spam")
_GIVEN = {
    "account_id": "bigint",
    "key": "text",
    "origin": "text",
    "name": "text",
    "folder": "text",
} | dict.fromkeys(_NUMBERS, "bigint")

# New ones are taken by their keys while there is room. Everywhere in one order: two transactions
# that write the same rows must not wait for each other.
_NOTE = f"""
    , placed AS (
        SELECT given.*, known.id IS NOT NULL AS is_known, ROW_NUMBER() OVER (
            PARTITION BY given.account_id, known.id IS NULL ORDER BY given.key
        ) AS place
        FROM given LEFT JOIN {_SCRIPTS} AS known
            ON known.account_id = given.account_id AND known.key = given.key
    )
    INSERT INTO {_SCRIPTS}
        (account_id, key, origin, name, folder, first_seen_at, last_seen_at, blocked_by)
    SELECT account_id, key, origin, name, folder, %s, %s, '' FROM placed
    WHERE is_known OR place <= %s - (
        SELECT COUNT(*) FROM {_SCRIPTS} AS one
        WHERE one.account_id = placed.account_id AND one.key <> ''
    )
    ORDER BY account_id, key
    ON CONFLICT (account_id, key) DO UPDATE SET last_seen_at = excluded.last_seen_at
    WHERE {_SCRIPTS}.last_seen_at <= %s
"""  # noqa: S608 - names of our own, as all below
_IS_KNOWN = (
    f"EXISTS (SELECT 1 FROM {_SCRIPTS} AS one "  # noqa: S608
    "WHERE one.account_id = given.account_id AND one.key = given.key)"
)
_NOTE_REST = f"""
    INSERT INTO {_SCRIPTS}
        (account_id, key, origin, name, folder, first_seen_at, last_seen_at, blocked_by)
    SELECT DISTINCT account_id, '', '', '', '', %s, %s, '' FROM given WHERE NOT {_IS_KNOWN}
    ORDER BY account_id
    ON CONFLICT (account_id, key) DO UPDATE SET last_seen_at = excluded.last_seen_at
    WHERE {_SCRIPTS}.last_seen_at <= %s
"""  # noqa: S608
_COUNT = f"""
    INSERT INTO {_COUNTS} (script_id, day, {", ".join(_NUMBERS)})
    SELECT script.id, %s, {", ".join(f"SUM(given.{name})" for name in _NUMBERS)}
    FROM given JOIN {_SCRIPTS} AS script ON script.account_id = given.account_id
        AND script.key = CASE WHEN {_IS_KNOWN} THEN given.key ELSE '' END
    GROUP BY script.id ORDER BY script.id
    ON CONFLICT (script_id, day) DO UPDATE
    SET {", ".join(f"{name} = {_COUNTS}.{name} + excluded.{name}" for name in _NUMBERS)}
"""  # noqa: S608


def _write(rows: statements.Rows, day: date, now: datetime) -> None:
    table, values = statements.given(_GIVEN, rows)
    at, before = statements.moment(now), statements.moment(now - SEEN_EVERY)
    today = connection.ops.adapt_datefield_value(day)
    with statements.together():
        statements.run_each(f"WITH {table} {_NOTE}", [(*values, at, at, MOST, before)])
        statements.run_each(f"WITH {table} {_NOTE_REST}", [(*values, at, at, before)])
        statements.run_each(f"WITH {table} {_COUNT}", [(*values, today)])
