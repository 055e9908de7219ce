"""Tokens: how scripts that share a Unix user, or run elsewhere, say whose mail theirs is.

Owns making, revoking and looking them up. A token is shown once, when it is made; what is kept is
its SHA-256, which is enough for 192 random bits. From whom a token counts is for the relay.
"""

import hashlib
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from django.core.exceptions import ValidationError
from django.db.models import F, Q
from django.utils.translation import gettext as _

from mailqueue import statements
from mailqueue.accounts import check_uid
from mailqueue.models import AccountToken, HostingAccount

# So that people, and programs that look for secrets, know one when they see it.
PREFIX = "fct_"
RANDOM_BYTES = 24  # 32 signs
LONGEST_NAME = 100
# Ours: one for each program of a site, with room to change them.
MOST_LIVE = 100
# Source networks of one token, and their signs in all.
MOST_NETWORKS = 20
LONGEST_NETWORKS = 1000
# What stands before an IPv4 address in IPv6 (RFC 4291 §2.5.5.2).
MAPPED_BITS = 96
# How many a page shows.
MOST_LISTED = 200
# The last use is written down at most this often.
USE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Known:
    """A token that was once made, whether or not it still counts."""

    token_id: int
    account_id: int
    # The Unix user from whom alone it counts with the sendmail command; none: over the network.
    uid: int | None
    is_revoked: bool
    is_account_closed: bool
    last_used_at: datetime | None
    networks: str = ""

    def counts_from(self, source: IPv4Address | IPv6Address | None) -> bool:
        """Whether it is honoured for a caller from this address; None is no network."""
        if not self.networks:
            return True
        return source is not None and any(
            source in ip_network(network) for network in self.networks.split()
        )


def make(
    account_id: int,
    name: str,
    actor: str,
    now: datetime,
    *,
    uid: int | None = None,
    networks: str = "",
) -> tuple[AccountToken, str]:
    """Make a token of an account; return its row, and the token itself, for this once.

    Raises ValidationError if the name, the uid or the networks are nonsense, or there are MOST_LIVE
    already.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValidationError({"name": [_("Give it a name of at most 100 characters.")]})
    try:
        check_uid(uid)
    except ValidationError as error:
        raise ValidationError({"uid": error.messages}) from None
    sources = networks_of(networks)
    if sources and uid is not None:
        raise ValidationError(
            {"networks": [_("A token of a Unix user does not come over the network.")]}
        )
    live = AccountToken.objects.filter(account_id=account_id, revoked_at=None)
    if live.count() >= MOST_LIVE:
        raise ValidationError(_("This account has too many tokens. Revoke those it does not use."))
    plain = PREFIX + secrets.token_urlsafe(RANDOM_BYTES)
    token = AccountToken.objects.create(
        account_id=account_id,
        name=name,
        digest=digest(plain.encode("ascii")),
        uid=uid,
        networks=sources,
        created_at=now,
        created_by=actor,
    )
    return token, plain


def networks_of(text: str) -> str:
    """Networks as a person wrote them, as they are kept: CIDR notation, each once.

    An address alone is a network of one. Raises ValidationError, in words that name the wrong one.
    """
    found: dict[str, None] = {}
    for word in text.replace(",", " ").split():
        try:
            network = _network(word)
        except ValueError as error:
            raise ValidationError({"networks": [str(error)]}) from None
        found[str(network)] = None
    kept = " ".join(found)
    if len(found) > MOST_NETWORKS or len(kept) > LONGEST_NETWORKS:
        words = _("A token has at most %(number)d networks.") % {"number": MOST_NETWORKS}
        raise ValidationError({"networks": [words]})
    return kept


def _network(word: str) -> IPv4Network | IPv6Network:
    """The network that a word names. Raises ValueError with words for a person."""
    shown = "".join(sign for sign in word if sign.isprintable())[:60]
    try:
        # A zone belongs to one machine's interface: nobody comes from it here.
        network = ip_network(word if "%" not in word else "", strict=False)
    except ValueError:
        words = _("“%(word)s” is no network, such as 192.0.2.0/24 or 2001:db8::/48.")
        raise ValueError(words % {"word": shown}) from None
    if "/" in word and ip_address(word.partition("/")[0]) != network.network_address:
        words = _("“%(word)s” is an address in a network. Write %(network)s for the whole network.")
        raise ValueError(words % {"word": shown, "network": network})
    mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if mapped is not None and network.prefixlen >= MAPPED_BITS:
        # Callers are known by their IPv4 address, whichever socket they came by.
        return ip_network((mapped, network.prefixlen - MAPPED_BITS))
    return network


def digest(plain: bytes) -> str:
    """What is kept of a token: SHA-256 in hexadecimal digits."""
    return hashlib.sha256(plain).hexdigest()


def revoke(token: AccountToken, now: datetime) -> bool:
    """Let a token count no more; False if it was revoked already."""
    return bool(
        AccountToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=now) == 1
    )


def of_account(account_id: int) -> Sequence[AccountToken]:
    """The tokens of an account: those that count, then those that were revoked; newest first."""
    found = AccountToken.objects.filter(account_id=account_id)
    return list(found.order_by(F("revoked_at").desc(nulls_first=True), "-pk")[:MOST_LISTED])


def by_digest(digests: Iterable[str]) -> dict[str, Known]:
    """What is known of the tokens with these digests, in one query."""
    condition, values = statements.among(set(digests))
    rows = statements.fetch(
        "SELECT digest, t.id, account_id, t.uid, revoked_at, closed_at, last_used_at, networks"  # noqa: S608
        f" FROM {AccountToken._meta.db_table} t"
        f" JOIN {HostingAccount._meta.db_table} a ON a.id = account_id WHERE digest {condition}",
        values,
    )
    return {
        found: Known(
            pk,
            account_id,
            uid,
            revoked is not None,
            closed is not None,
            statements.aware(used),
            networks,
        )
        for found, pk, account_id, uid, revoked, closed, used, networks in rows
    }


def note_use(used: Iterable[Known], now: datetime) -> None:
    """Write down that these tokens were used; once a minute for each, and no query between."""
    before = now - USE_EVERY
    stale = {
        token.token_id
        for token in used
        if token.last_used_at is None or token.last_used_at <= before
    }
    if stale:
        is_stale = Q(last_used_at=None) | Q(last_used_at__lte=before)
        AccountToken.objects.filter(is_stale, pk__in=stale).update(last_used_at=now)
