"""Messages to be judged, and what is known beside them: whose domains are whose, facts, behaviour.

Owns how that is gathered, by a few queries for all messages of a batch; `screener` has it done in
the right threads. What cannot be had is left out, and the log says so: it stops no mail.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from django.db import Error

from mailqueue import behaviour, facts, headers, queue, scripts, senders, weights
from mailqueue.behaviour import Look, Sighting
from mailqueue.facts import Facts, Wanted
from mailqueue.models import HostingAccount
from mailqueue.queue import Addressees, Claimed
from mailqueue.screening import Context, Finding, Letter, Traits, read, traits

T = TypeVar("T")

_NOBODY = Addressees(0, ())

logger = logging.getLogger("facteur.delivery")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A message as it is kept: one of its recipients that are in hand, and all their addresses.

    `site` is the name of its account.
    """

    claimed: Claimed
    addresses: tuple[str, ...]
    content: bytes
    to: Addressees
    site: str
    context: Context


@dataclass(frozen=True, slots=True)
class Unjudged(Loaded):
    """The same, read; `sighting` once its behaviour was looked at."""

    letter: Letter
    traits: Traits
    sighting: Sighting | None = None


def load(groups: Sequence[Sequence[Claimed]]) -> list[Loaded]:
    """Messages with their contents, by their recipients in hand; without those that are gone."""
    ids = [group[0].message_id for group in groups]
    contents, to = queue.contents_of(ids), queue.addressees_of(ids)
    there = [group for group in groups if group[0].message_id in contents]
    return _loaded(
        [(group, contents[group[0].message_id], to.get(group[0].message_id)) for group in there]
    )


def beside(claimed: Claimed, content: bytes, now: datetime) -> Unjudged:
    """A message that is in no queue (see `probing`), with what is known; it is counted nowhere."""
    (loaded,) = _loaded([((claimed,), content, Addressees(1, (claimed.address,)))])
    one = parse(loaded)
    return _with_facts(one, _facts([one], now))


def parse(one: Loaded) -> Unjudged:
    """A message, read. Takes the processor for a while."""
    letter = read(one.content)
    return Unjudged(
        *(one.claimed, one.addresses, one.content, one.to, one.site, one.context),
        letter=letter,
        traits=traits(letter, one.context),
    )


def look_up(
    letters: Sequence[Unjudged], before: Sequence[Sighting], now: datetime
) -> list[Unjudged]:
    """The messages with what is known of their hosts, visitors, and of their senders' behaviour.

    `before` was looked at and is not yet written down.
    """
    sightings = [_sighting(one) for one in letters]
    look = _or(lambda: behaviour.look(sightings, now, before), Look({}, ()))
    seen = {one.message_id: one for one in look.sightings}
    known = _facts(letters, now)
    return [
        replace(
            _with_facts(one, known, look.findings.get(one.claimed.message_id, ())),
            sighting=seen.get(one.claimed.message_id),
        )
        for one in letters
    ]


def _loaded(
    found: Sequence[tuple[Sequence[Claimed], bytes, Addressees | None]],
) -> list[Loaded]:
    account_ids = {first.account_id for (first, *_), _, _ in found}
    accounts = {one.pk: one for one in HostingAccount.objects.filter(pk__in=account_ids)}
    domains: Mapping[int, frozenset[str]] = _or(
        lambda: senders.domains_of(accounts.values()), dict[int, frozenset[str]]()
    )
    weighed: Mapping[int, Mapping[str, float]] = _or(
        lambda: weights.of(account_ids), dict[int, Mapping[str, float]]()
    )
    loaded = []
    for group, content, to in found:
        first, addressees = group[0], to or _NOBODY
        context = Context(
            own_domains=domains.get(first.account_id, frozenset()),
            added=headers.completed(content, first.sender),
            recipients=addressees.addresses,
            weights=weighed.get(first.account_id, {}),
        )
        addresses = tuple(item.address for item in group)
        site = accounts[first.account_id].service_name
        loaded.append(Loaded(first, addresses, content, addressees, site, context))
    return loaded


def _facts(letters: Sequence[Unjudged], now: datetime) -> Facts:
    return _or(lambda: facts.look(map(_wanted, letters), now), Facts())


def _with_facts(one: Unjudged, known: Facts, observed: tuple[Finding, ...] = ()) -> Unjudged:
    return replace(
        one,
        context=replace(
            one.context,
            dead_hosts=known.dead_hosts,
            hosts_without_https=known.hosts_without_https,
            listings=known.listings.get(one.traits.visitor, ()),
            observed=observed,
        ),
    )


def _or(known: Callable[[], T], nothing: T) -> T:
    try:
        return known()
    except Error:
        logger.exception("screening=without_facts")
        return nothing


def _sighting(one: Unjudged) -> Sighting:
    claimed = one.claimed
    has_script = bool(claimed.script or claimed.folder)
    key = scripts.key_of(claimed.script, claimed.folder, claimed.origin) if has_script else ""
    return Sighting(
        message_id=claimed.message_id,
        account_id=claimed.account_id,
        script=key,
        label=claimed.script or claimed.folder or one.site,
        recipients=one.to.number,
        addresses=one.addresses,
        accepted_at=claimed.accepted_at,
        traits=one.traits,
    )


def _wanted(one: Unjudged) -> Wanted:
    told = one.traits
    return Wanted(one.claimed.account_id, told.hosts, told.secure_hosts, told.visitor)
