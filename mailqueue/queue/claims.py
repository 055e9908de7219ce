"""Who works on what, and for how long: a claim is a conditional update with a lease.

Accounts take turns: a claim asks each that has mail due for an equal share, so that the hundred
thousand e-mails of one do not stand before the single one of another. Along the index of (account,
time) that takes a step for each account with mail waiting, and one for each e-mail that is taken,
however many wait behind.
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from mailqueue import judgements, scripts, statements
from mailqueue.models import HostingAccount, Message, Recipient, Screening
from mailqueue.queue.rows import TABLE, Status, put_back
from mailqueue.scripts import Blocks
from mailqueue.states import DELIVERING

# How often a claim begins anew when all that it found was of blocked scripts.
_ROUNDS = 5
# From account to account along the index. Its condition stands here to the letter: SQLite proves
# nothing of one with parameters.
_NEXT_ACCOUNT = (
    f"SELECT MIN(account_id) FROM {TABLE} "  # noqa: S608 - names of our own, as all below
    "WHERE status = 'waiting' AND account_id > "
)
DUE_ACCOUNTS = (
    f"WITH RECURSIVE turn(account) AS ({_NEXT_ACCOUNT} %s UNION ALL "  # noqa: S608
    f"SELECT ({_NEXT_ACCOUNT} turn.account) FROM turn WHERE turn.account IS NOT NULL) "
    "SELECT account FROM turn WHERE account IS NOT NULL AND EXISTS("
    f"SELECT 1 FROM {TABLE} WHERE status = 'waiting' AND account_id = account "
    "AND next_attempt_at <= %s) LIMIT %s"
)
DUE = (
    f"SELECT id FROM {TABLE} WHERE status = 'waiting' AND account_id = {{}} "  # noqa: S608
    "AND next_attempt_at <= %s ORDER BY account_id, next_attempt_at, id LIMIT %s"
)
# Locked as they are found: another worker's are passed by.
_DUE_OF_ALL = (
    "SELECT due.id FROM unnest(%s::bigint[]) WITH ORDINALITY AS turn(account, place) "  # noqa: S608
    f"CROSS JOIN LATERAL ({DUE.format('turn.account')} FOR UPDATE SKIP LOCKED) AS due "
    "ORDER BY turn.place"
)
_CLAIM = (
    f"UPDATE {TABLE} SET status = 'sending', next_attempt_at = NULL, "  # noqa: S608
    "lease_until = %s, claim = %s WHERE id {} AND status = 'waiting' "
    "RETURNING id, message_id, account_id, address, domain, tries, accepted_at, deadline, "
    "is_released"
)
_MESSAGES_OF = (
    "SELECT one.id, queue_id, sender, size_bytes, spam_score IS NOT NULL, is_spam, "  # noqa: S608
    "script, folder, origin, account.is_system, account.screening, account.blocks_scripts "
    f"FROM {Message._meta.db_table} AS one "
    f"JOIN {HostingAccount._meta.db_table} AS account ON account.id = one.account_id "
    "WHERE one.id {}"
)
# As `rows.fate_of` has it: not purged, and its account delivers, or somebody let it go since.
_STATES = ", ".join(f"'{state}'" for state in sorted(DELIVERING))
_CLEARED = (
    f"SELECT one.id, one.account_id, account.blocks_scripts FROM {TABLE} AS one "  # noqa: S608
    f"JOIN {HostingAccount._meta.db_table} AS account ON account.id = one.account_id "
    "WHERE one.id {} AND one.claim {} "
    "AND one.status = 'sending' AND one.id > account.purged_through "
    f"AND (account.is_system OR account.state IN ({_STATES}) "
    "OR (one.is_released AND one.admitted_at >= account.state_changed_at))"
)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A recipient that a worker has claimed. `tries` counts those before this one.

    `screening` says what is to become of spam, `is_judged` and `is_spam` what was made of its
    message before, and `is_released` that somebody let this recipient go. `blocks_scripts` says
    that its account blocks any script.
    """

    recipient_id: int
    message_id: int
    account_id: int
    queue_id: str
    sender: str
    address: str
    domain: str
    tries: int
    accepted_at: datetime
    deadline: datetime
    claim: str
    size_bytes: int = 0
    script: str = ""
    folder: str = ""
    origin: str = ""
    screening: Screening = Screening.OFF
    is_judged: bool = False
    is_spam: bool = False
    is_released: bool = False
    blocks_scripts: bool = False


def claim_due(now: datetime, limit: int, lease: timedelta, after: int = 0) -> list[Claimed]:
    """Claim up to `limit` recipients whose time has come: an equal share of each account.

    Of an account the longest due come first. Where more accounts than `limit` have mail due, those
    numbered after `after` have their turn: hand in the account of the last one that was claimed.
    They are `sending`, and this worker's, until `now + lease`; see `renew`.

    What blocked scripts sent is held instead. Fewer than `limit` are all there are, unless much of
    theirs stood before.
    """
    claim = uuid.uuid4().hex
    claimed: list[Claimed] = []
    for _ in range(_ROUNDS):
        found = _claim(now, limit - len(claimed), lease, after, claim)
        doubtful = {item.recipient_id: item.account_id for item in found if item.blocks_scripts}
        stopped = _stopped(doubtful)
        claimed += [item for item in found if item.recipient_id not in stopped]
        if not stopped:
            break
        put_back(dict.fromkeys(stopped, now), {claim}, now)
    return claimed


def _claim(now: datetime, limit: int, lease: timedelta, after: int, claim: str) -> list[Claimed]:
    rows: list[tuple[Any, ...]] = []
    with transaction.atomic():
        turn = _due_accounts(now, limit, after)
        while turn and len(rows) < limit:
            left = limit - len(rows)
            share = -(-left // len(turn))
            found = _take(_due(turn, now, share)[:left], claim, now + lease)
            rows += found
            # Another round with those that may have more than their share.
            taken = Counter(row[2] for row in found)
            turn = [account for account in turn if taken[account] == share]
        return _claimed(rows, claim)


def cleared(claimed: Sequence[Claimed]) -> set[int]:
    """The numbers of those recipients that may still be sent, read afresh.

    Ask before each MAIL FROM: since the claim its account may have been blocked or purged, or the
    lease may have run out and another worker have claimed it.
    """
    if not claimed:
        return set()
    among_ids, ids = statements.among(item.recipient_id for item in claimed)
    among_claims, claims = statements.among({item.claim for item in claimed})
    rows = statements.fetch(_CLEARED.format(among_ids, among_claims), [*ids, *claims])
    doubtful = {pk: account_id for pk, account_id, blocks_scripts in rows if blocks_scripts}
    return {row[0] for row in rows} - _stopped(doubtful)


def _stopped(doubtful: Mapping[int, int]) -> set[int]:
    """Those of the recipients whose script is blocked; by number, with their accounts."""
    if not doubtful:
        return set()
    blocks = Blocks(scripts.blocked(doubtful.values()))
    rows = Recipient.objects.filter(pk__in=doubtful).select_related("message")
    return {row.pk for row in rows if blocks.stops_recipient(row)}


def renew(claim: str, now: datetime, lease: timedelta) -> int:
    """Prolong the lease of what is left of a claim; return how many recipients that is."""
    with transaction.atomic():
        return Recipient.objects.filter(status=Status.SENDING, claim=claim).update(
            lease_until=now + lease
        )


def has_due(now: datetime) -> bool:
    """Whether any recipient's time has come."""
    return bool(_due_accounts(now, 1, 0))


def _due_accounts(now: datetime, limit: int, after: int) -> list[int]:
    """Up to `limit` accounts with mail due, by their numbers; those after `after` first."""
    due = statements.moment(now)
    accounts = [row[0] for row in statements.fetch(DUE_ACCOUNTS, (after, due, limit))]
    if after and len(accounts) < limit:
        first = statements.fetch(DUE_ACCOUNTS, (0, due, limit))
        accounts += [row[0] for row in first if row[0] <= after]
    return accounts[:limit]


def _due(accounts: list[int], now: datetime, share: int) -> list[int]:
    """Up to `share` of the due recipients of each account, account by account."""
    due = statements.moment(now)
    if connection.vendor == "postgresql":
        return [row[0] for row in statements.fetch(_DUE_OF_ALL, (accounts, due, share))]
    sql = DUE.format("%s")
    found = statements.fetch_all([(sql, (account, due, share)) for account in accounts])
    return [row[0] for rows in found for row in rows]


def _take(ids: list[int], claim: str, until: datetime) -> list[tuple[Any, ...]]:
    """Claim them; the rows in the order of `ids`."""
    if not ids:
        return []
    among, values = statements.among(ids)
    found = statements.fetch(_CLAIM.format(among), (statements.moment(until), claim, *values))
    rows = {row[0]: row for row in found}
    return [rows[pk] for pk in ids if pk in rows]


def _claimed(rows: list[tuple[Any, ...]], claim: str) -> list[Claimed]:
    if not rows:
        return []
    among, values = statements.among({row[1] for row in rows})
    messages = {row[0]: row for row in statements.fetch(_MESSAGES_OF.format(among), values)}
    return [_of(row, messages[row[1]], claim) for row in rows]


def _of(row: tuple[Any, ...], message: tuple[Any, ...], claim: str) -> Claimed:
    pk, message_id, account_id, address, domain, tries, accepted_at, deadline, is_released = row
    _, queue_id, sender, size, is_judged, is_spam, script, folder, origin, *of_account = message
    is_system, own, blocks_scripts = of_account
    return Claimed(
        *(pk, message_id, account_id, queue_id, sender, address, domain, tries),
        *(statements.aware(accepted_at), statements.aware(deadline), claim),
        *(size, script, folder, origin, judgements.mode(own, is_system=bool(is_system))),
        *(bool(is_judged), bool(is_spam), bool(is_released), bool(blocks_scripts)),
    )
