"""Addresses that get no mail: the only writer of the list, of each account and of the whole house.

An address that failed hard twice within a day, or whose owner complained, is on the list of its
account for 30 days; people add others, for ever. Addresses are compared in lower case. Whoever
accepts mail asks `among`; what becomes of the mail is for `queue`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from mailqueue import statements
from mailqueue.models import Strike, Suppression

Reason = Suppression.Reason
# Ours. Two tries within a day may be one form that is sent twice; after 30 days an address may live
# again, and two more failures put it back.
STRIKES_WITHIN = timedelta(hours=24)
LASTS = timedelta(days=30)
LONGEST_WORDS = 500
# What one question of a database takes.
CHUNK = 500
_TABLE = Suppression._meta.db_table


@dataclass(frozen=True, slots=True)
class Blow:
    """That an address failed hard, or complained, and in what words."""

    account_id: int
    address: str
    reason: Suppression.Reason
    words: str


def asking(wanted: Set[tuple[int, str]], now: datetime) -> tuple[str, list[Any]]:
    """What to ask for `among`: one question along an index, however long the lists are."""
    addresses, values = statements.among(sorted({address for _, address in wanted}))
    accounts, account_ids = statements.among(sorted({account_id for account_id, _ in wanted}))
    sql = (
        f"SELECT account_id, address FROM {_TABLE} WHERE address {addresses}"  # noqa: S608
        f" AND (account_id IS NULL OR account_id {accounts}) AND (until IS NULL OR until > %s)"
    )
    return sql, [*values, *account_ids, statements.moment(now)]


def among(
    wanted: Set[tuple[int, str]], rows: Iterable[tuple[int | None, str]]
) -> set[tuple[int, str]]:
    """Those pairs of account and address, in lower case, whose address gets no mail.

    `rows` are the answer to `asking`.
    """
    listed = set(rows)
    if not listed:
        return set()
    return {
        (account_id, address)
        for account_id, address in wanted
        if (account_id, address) in listed or (None, address) in listed
    }


def strike(blows: Iterable[Blow], now: datetime) -> int:
    """Count what failed hard, and suppress what did twice, or complained; return how many.

    Part of the caller's transaction. Rows are written in one order, so that two such transactions
    cannot wait for each other.
    """
    number = 0
    for blow in sorted(blows, key=lambda one: (one.account_id, one.address, one.reason)):
        is_enough = blow.reason is Reason.COMPLAINED or _is_second(blow, now)
        if is_enough:
            _suppress(blow, now)
            number += 1
    return number


def add(
    account_id: int | None, addresses: Sequence[str], actor: str, now: datetime
) -> tuple[int, int]:
    """Put addresses on a list for ever; return how many are new there, and how many were.

    `account_id` None is the list of the house. One that a rule put there stays for ever from now.
    """
    wanted = list(dict.fromkeys(address.lower() for address in addresses))
    known = 0
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        mine = Suppression.objects.filter(account_id=account_id, address__in=chunk)
        known += mine.filter(Q(until=None) | Q(until__gt=now)).count()
        mine.update(reason=Reason.ADDED, until=None, actor=actor)
        there = set(mine.values_list("address", flat=True))
        Suppression.objects.bulk_create(
            [
                Suppression(
                    account_id=account_id,
                    address=address,
                    reason=Reason.ADDED,
                    created_at=now,
                    actor=actor,
                )
                for address in chunk
                if address not in there
            ],
            ignore_conflicts=True,
        )
    return len(wanted) - known, known


def remove(account_id: int | None, addresses: Iterable[str]) -> int:
    """Let addresses get mail again, and forget their failures; return how many were listed."""
    wanted = [address.lower() for address in addresses]
    Strike.objects.filter(account_id=account_id, address__in=wanted).delete()
    return Suppression.objects.filter(account_id=account_id, address__in=wanted).delete()[0]


def listed(
    account_id: int | None, now: datetime, search: str = "", after: str = "", limit: int = 50
) -> list[Suppression]:
    """The addresses of a list, by the alphabet, those behind `after`; one more than `limit`."""
    found = _lasting(now).filter(account_id=account_id, address__gt=after)
    if search:
        found = found.filter(address__contains=search.lower())
    return list(found.order_by("address")[: limit + 1])


def everything(account_id: int | None, now: datetime) -> Iterator[Suppression]:
    """All addresses of a list, without keeping them in memory."""
    found = _lasting(now).filter(account_id=account_id).order_by("address")
    return found.iterator(chunk_size=1000)


def number(account_id: int | None, now: datetime) -> int:
    """How many addresses a list holds."""
    return _lasting(now).filter(account_id=account_id).count()


def of_address(account_id: int, address: str, now: datetime) -> list[Suppression]:
    """Why an address gets no mail of an account: its own entry and the house's."""
    mine = Q(account_id=account_id) | Q(account_id=None)
    return list(_lasting(now).filter(mine, address=address.lower()).order_by("pk"))


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` entries and failures whose time is over; return how many."""
    over = Suppression.objects.filter(until__lte=now).order_by("until")
    old = Strike.objects.filter(failed_at__lte=now - STRIKES_WITHIN).order_by("failed_at")
    return sum(
        model._default_manager.filter(
            pk__in=list(rows.values_list("pk", flat=True)[:limit])
        ).delete()[0]
        for model, rows in ((Suppression, over), (Strike, old))
    )


def _lasting(now: datetime) -> QuerySet[Suppression]:
    return Suppression.objects.filter(Q(until=None) | Q(until__gt=now))


def _is_second(blow: Blow, now: datetime) -> bool:
    """Whether it failed within a day before; that it does now is written down."""
    before = Strike.objects.filter(account_id=blow.account_id, address=blow.address)
    failed_at = before.values_list("failed_at", flat=True).first()
    _upsert(
        Strike._meta.db_table,
        {"account_id": blow.account_id, "address": blow.address},
        {"failed_at": connection.ops.adapt_datetimefield_value(now)},
    )
    return failed_at is not None and failed_at > now - STRIKES_WITHIN


def _suppress(blow: Blow, now: datetime) -> None:
    """Put an address on the list of its account, or keep it there for longer."""
    moment = connection.ops.adapt_datetimefield_value
    mine = Suppression.objects.filter(account_id=blow.account_id, address=blow.address)
    if mine.filter(until=None).exists():
        # Somebody wants it there for ever.
        return
    _upsert(
        Suppression._meta.db_table,
        {"account_id": blow.account_id, "address": blow.address},
        {
            "reason": blow.reason.value,
            "created_at": moment(now),
            "until": moment(now + LASTS),
            "actor": "",
            "words": blow.words[:LONGEST_WORDS],
        },
    )


def _upsert(table: str, keys: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Insert a row or change it: two transactions may come with the same one."""
    names = [*keys, *values]
    places = ", ".join(["%s"] * len(names))
    sets = ", ".join(f"{name} = excluded.{name}" for name in values)
    sql = (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places}) "  # noqa: S608
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {sets}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [*keys.values(), *values.values()])
