"""What screening wants to know of hosts and addresses, found out beside the mail.

The only writer of `LinkedHost` and `ListAnswer`. Whoever judges asks `look`, which answers from
rows and notes what is not known as wanted; `relay.inquiries` takes what is due, finds it out, and
has it written down. A message never waits for that: what is unknown speaks against nobody.

Bounded: each account may have so many things found out an hour, and while too much is waiting
nothing more is wanted, so that nobody makes us ask for millions of names.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from itertools import chain
from typing import TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Count, QuerySet

from mailqueue.domains import a_labels
from mailqueue.models import LinkedHost, ListAnswer
from mailqueue.screening import Listing

# Ours, for each account: a shop's newsletter names some dozens of hosts.
MOST_AN_HOUR = 100
HOUR = timedelta(hours=1)
# What may wait to be found out, of all accounts.
MOST_WAITING = 5000
MOST_ROWS = 100_000
# What was found out is believed so long, and is found out again once it is wanted after that. A
# fault is mended, and a name registered, sooner than a host dies.
HOSTS_FRESH = timedelta(days=7)
FAULTS_FRESH = timedelta(days=1)
ANSWERS_FRESH = timedelta(hours=12)
# Where nobody answered, it is asked again after that.
AGAIN = timedelta(hours=1)
# Nobody has wanted it since. Addresses of visitors are theirs, and go with the day.
HOSTS_KEPT = timedelta(days=30)
ANSWERS_KEPT = timedelta(days=1)
# Of our own addresses; a larger network has no addresses that could be told one by one.
MOST_OWN = 16
# Who takes something to find it out has so long; then it is due again.
LEASE = timedelta(minutes=10)
# RFC 5782 §5: every list has the first of these, and none has the second.
LISTED, UNLISTED = "127.0.0.2", "127.0.0.1"
# Names that are no one's in the DNS of the world (RFC 6761, 6762, 7686, 8375; ICANN's .internal).
_PRIVATE = ("localhost", "local", "onion", "internal", "home.arpa", "alt")

F = TypeVar("F", LinkedHost, ListAnswer)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be known for a message: hosts in lower case, and the visitor's address or ""."""

    account_id: int
    hosts: tuple[str, ...]
    secure_hosts: frozenset[str]
    visitor: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known: of hosts, as they were asked for, and listings by address."""

    dead_hosts: frozenset[str] = frozenset()
    hosts_without_https: frozenset[str] = frozenset()
    listings: Mapping[str, tuple[Listing, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Host:
    """A host to be looked at, by its name in DNS; `is_secure`: an https link names it."""

    name: str
    is_secure: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found out about a host; not `is_known`: nothing, for now."""

    name: str
    is_known: bool = True
    is_dead: bool = False
    lacks_https: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """An address that a list is to be asked for."""

    zone: str
    address: str


class Trouble(StrEnum):
    """Why the word of a reputation list counts for nothing."""

    SILENT = "silent"
    # It does not answer us; public resolvers; who asks too often.
    REFUSES = "refuses"
    PUBLIC = "public"
    OFTEN = "often"
    # Its name is written wrong.
    MISNAMED = "misnamed"
    # Its answers are none of a list.
    STRANGE = "strange"
    # It does not have what every list has; it has what no list has.
    EMPTY = "empty"
    WORLD = "world"


@dataclass(frozen=True, slots=True)
class Said:
    """What a list said: the address that it answered with, or why there is no answer."""

    question: Question
    answer: str = ""
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True)
class Zone:
    """How a reputation list does: what is wrong with it, and which addresses of ours it lists.

    It does well where it `is_known` and has no `trouble`.
    """

    name: str
    is_known: bool
    trouble: Trouble | None
    listed: tuple[Listing, ...]
    checked_at: datetime | None


def look(wanted: Iterable[Wanted], now: datetime) -> Facts:
    """What is known for messages; what is not, is noted as wanted.

    A query for hosts and one for addresses; three more and a write where something is unknown.
    """
    found = list(wanted)
    dead, insecure = _look_at_hosts(found, now) if settings.CHECK_LINKS else (set(), set())
    listings = _look_at_lists(found, now) if settings.DNSBL else {}
    return Facts(frozenset(dead), frozenset(insecure), listings)


def take(now: datetime, limit: int) -> tuple[list[Host], list[Question]]:
    """Up to `limit` hosts, and as many questions to lists, that are due. Others leave them alone.

    Tell `learn` and `hear` what came of it within ten minutes; else they are due again.
    """
    hosts = [Host(row.host, row.is_secure) for row in _take(LinkedHost, now, limit)]
    questions = [Question(row.zone, row.address) for row in _take(ListAnswer, now, limit)]
    return hosts, questions


def learn(seen: Iterable[Seen], now: datetime) -> None:
    """Write down what was found out about hosts."""
    with transaction.atomic():
        for one in sorted(seen, key=lambda one: one.name):
            if not one.is_known:
                fresh = AGAIN
            else:
                fresh = FAULTS_FRESH if one.is_dead or one.lacks_https else HOSTS_FRESH
            LinkedHost.objects.filter(host=one.name).update(
                is_dead=one.is_dead,
                lacks_https=one.lacks_https,
                checked_at=now,
                fresh_until=now + fresh,
                due_at=None,
            )


def hear(said: Iterable[Said], now: datetime) -> None:
    """Write down what lists said."""
    with transaction.atomic():
        for one in sorted(said, key=lambda one: (one.question.address, one.question.zone)):
            rows = ListAnswer.objects.filter(zone=one.question.zone, address=one.question.address)
            rows.update(
                answer=one.answer,
                trouble=one.trouble or "",
                checked_at=now,
                fresh_until=now + (AGAIN if one.trouble else ANSWERS_FRESH),
                due_at=None,
            )


def want_own(now: datetime) -> None:
    """See to it that lists are tried, and asked for our own addresses, again and again."""
    wanted = {
        (zone, address)
        for zone in settings.DNSBL
        for address in (LISTED, UNLISTED, *map(str, own_addresses()))
    }
    rows = list(ListAnswer.objects.filter(is_house=True))
    gone = [row.pk for row in rows if (row.zone, row.address) not in wanted]
    missing = wanted - {(row.zone, row.address) for row in rows}
    stale = [row.pk for row in rows if row.due_at is None and not _is_fresh(row, now)]
    with transaction.atomic():
        ListAnswer.objects.filter(pk__in=gone).delete()
        ListAnswer.objects.filter(pk__in=stale, due_at__isnull=True).update(due_at=now)
        ListAnswer.objects.bulk_create(
            [
                ListAnswer(zone=zone, address=address, is_house=True, asked_at=now, due_at=now)
                for zone, address in sorted(missing)
            ],
            ignore_conflicts=True,
        )


def own_addresses() -> list[IPv4Address | IPv6Address]:
    """The addresses that mail leaves from, as far as they are named one by one."""
    named = [one for one in settings.OUTBOUND_ADDRESSES if one.num_addresses <= MOST_OWN]
    return [ip_address(str(one)) for one in chain.from_iterable(named)][:MOST_OWN]


def reputation(now: datetime) -> list[Zone]:
    """How each list of the settings does, and what it says of our own addresses. One query."""
    if not settings.DNSBL:
        return []
    rows = list(ListAnswer.objects.filter(is_house=True, zone__in=settings.DNSBL))
    return [_zone(name, [row for row in rows if row.zone == name], now) for name in settings.DNSBL]


def prune(now: datetime, limit: int = 1000) -> int:
    """Delete up to `limit` hosts that nobody wants, and as many visitors' addresses; how many."""
    old_hosts = LinkedHost.objects.filter(asked_at__lt=now - HOSTS_KEPT)
    old_answers = ListAnswer.objects.filter(asked_at__lt=now - ANSWERS_KEPT, is_house=False)
    number = _delete(old_hosts, limit) + _delete(old_answers, limit)
    number += _delete_beyond(LinkedHost.objects.all(), limit)
    return number + _delete_beyond(ListAnswer.objects.filter(is_house=False), limit)


def _delete_beyond(rows: "QuerySet[F]", limit: int) -> int:
    return _delete(rows, min(limit, max(0, rows.count() - MOST_ROWS)))


def _delete(rows: "QuerySet[F]", limit: int) -> int:
    pks = list(rows.order_by("asked_at").values_list("pk", flat=True)[:limit]) if limit else []
    return rows.filter(pk__in=pks).delete()[0]


def _look_at_hosts(wanted: Sequence[Wanted], now: datetime) -> tuple[set[str], set[str]]:
    """Which of the hosts are dead, and which have no https; unknown ones are wanted from now on."""
    names = {host: _name(host) for one in wanted for host in one.hosts}
    asked: dict[str, LinkedHost] = {}
    for one in wanted:
        for host in one.hosts:
            if name := names[host]:
                wish = asked.setdefault(name, LinkedHost(host=name, asked_by_id=one.account_id))
                wish.is_secure = wish.is_secure or host in one.secure_hosts
    rows = {row.host: row for row in LinkedHost.objects.filter(host__in=asked)} if asked else {}
    unknown = []
    for name, wish in asked.items():
        row = rows.get(name)
        is_more = row is not None and wish.is_secure and not row.is_secure
        if row is None or (row.due_at is None and (is_more or not _is_fresh(row, now))):
            wish.is_secure = wish.is_secure or (row is not None and row.is_secure)
            unknown.append(wish)
    _want(LinkedHost, unknown, ("host",), ("is_secure",), now)
    fresh = {name: row for name, row in rows.items() if _is_fresh(row, now)}
    found = [(host, fresh[name]) for host, name in names.items() if name in fresh]
    dead = {host for host, row in found if row.is_dead}
    return dead, {host for host, row in found if row.lacks_https}


def _name(host: str) -> str:
    """A host's name in DNS; "" for what is none, or no business of the world's."""
    name = a_labels(host) or ""
    is_private = any(f".{name}".endswith(f".{ending}") for ending in _PRIVATE)
    return "" if is_private or "." not in name else name


def _look_at_lists(wanted: Sequence[Wanted], now: datetime) -> dict[str, tuple[Listing, ...]]:
    """Which visitors are listed by lists that do well; unknown ones are wanted from now on."""
    visitors = {one.visitor: one.account_id for one in wanted if _is_strange(one.visitor)}
    if not visitors:
        return {}
    rows = ListAnswer.objects.filter(
        address__in=[LISTED, UNLISTED, *visitors], zone__in=settings.DNSBL
    )
    answers = {(row.zone, row.address): row for row in rows}
    listings: dict[str, tuple[Listing, ...]] = {}
    unknown = []
    for zone in settings.DNSBL:
        tries = [row for row in answers.values() if row.zone == zone and row.is_house]
        zone_itself = _zone(zone, tries, now)
        does_well = zone_itself.is_known and zone_itself.trouble is None
        for address, account_id in visitors.items():
            row = answers.get((zone, address))
            if row is None or (row.due_at is None and not _is_fresh(row, now)):
                unknown.append(ListAnswer(zone=zone, address=address, asked_by_id=account_id))
            if row is not None and does_well and row.answer and _is_fresh(row, now):
                listing = Listing(zone, address, row.answer)
                listings[address] = (*listings.get(address, ()), listing)
    _want(ListAnswer, unknown, ("address", "zone"), (), now)
    return listings


def _is_strange(visitor: str) -> bool:
    """Whether an address is a visitor's; many forms name the server's own in its place."""
    if not visitor:
        return False
    address = ip_address(visitor)
    return not any(address in network for network in settings.OUTBOUND_ADDRESSES)


def _zone(name: str, rows: Sequence[ListAnswer], now: datetime) -> Zone:
    """How a list does, by what it says of the addresses that are asked for again and again."""
    listed = tuple(
        Listing(name, row.address, row.answer)
        for row in rows
        if row.answer and row.address not in (LISTED, UNLISTED)
    )
    tries = {row.address: row for row in rows if row.address in (LISTED, UNLISTED)}
    checked = [row.checked_at for row in tries.values() if row.checked_at is not None]
    is_known = len(checked) == 2 and min(checked) >= now - 2 * ANSWERS_FRESH
    trouble = _trouble(tries[LISTED], tries[UNLISTED]) if is_known else None
    return Zone(name, is_known, trouble, listed, max(checked, default=None))


def _trouble(listed: ListAnswer, unlisted: ListAnswer) -> Trouble | None:
    """What is wrong with a list, by the two addresses that it is tried with."""
    if told := listed.trouble or unlisted.trouble:
        return Trouble(told)
    if not listed.answer:
        return Trouble.EMPTY
    return Trouble.WORLD if unlisted.answer else None


def _is_fresh(row: LinkedHost | ListAnswer, now: datetime) -> bool:
    return row.fresh_until is not None and row.fresh_until > now


def _want(
    model: type[F], unknown: list[F], key: tuple[str, ...], more: tuple[str, ...], now: datetime
) -> None:
    """Note what is to be found out, as far as accounts may have that and others are not waiting."""
    if not unknown:
        return
    waiting = model._default_manager.filter(due_at__isnull=False)[:MOST_WAITING].count()
    recent = model._default_manager.filter(
        asked_by__in={row.asked_by_id for row in unknown}, asked_at__gt=now - HOUR
    )
    counted = recent.values_list("asked_by").annotate(number=Count("pk"))
    asked: Counter[int | None] = Counter(dict(counted.values_list("asked_by", "number")))
    chosen = []
    for row in unknown[: MOST_WAITING - waiting]:
        asked[row.asked_by_id] += 1
        if asked[row.asked_by_id] <= MOST_AN_HOUR:
            row.asked_at = row.due_at = now
            chosen.append(row)
    model._default_manager.bulk_create(
        sorted(chosen, key=lambda row: [getattr(row, name) for name in key]),
        update_conflicts=True,
        unique_fields=key,
        update_fields=["asked_by", "asked_at", "due_at", *more],
    )


def _take(model: type[F], now: datetime, limit: int) -> list[F]:
    with transaction.atomic():
        due = model._default_manager.filter(due_at__isnull=False, due_at__lte=now)
        rows = list(due.order_by("due_at").select_for_update(skip_locked=True)[:limit])
        taken = model._default_manager.filter(pk__in=[row.pk for row in rows])
        taken.update(due_at=now + LEASE)
    return rows
