"""MTA-STS (RFC 8461): what a domain demands of those who send to it, and how we learn it.

Owns records, policies and when they are fetched; which servers are then used is for `mx`. A policy
that was fetched counts until its time is over, whatever DNS says: hiding it later helps nobody.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Protocol

from django.conf import settings
from django.db import Error

from mailqueue import mta_sts as store
from mailqueue.mta_sts import Kept
from relay import https, tls
from relay.database import in_database
from relay.networks import Network, refusal
from relay.resolver import Answer
from relay.routes import Level
from relay.sharing import Shared

# RFC 8461 §3.2 and §3.3 advise the time-out and the bound.
FETCH_S = 10.0
MOST_BYTES = 65_536
LONGEST_AGE_S = 31_557_600
MOST_SERVERS = 50
PATH = "/.well-known/mta-sts.txt"
# A policy is fetched again when so old, or at half its age, so that it does not run out (§3.3).
REFRESH = timedelta(days=1)
# After a fetch that failed (§3.3 has five minutes).
PAUSE = timedelta(minutes=5)
# What the database says of a domain is believed for so long; other workers may fetch, too.
BELIEVED = timedelta(minutes=5)
MOST_DOMAINS = 10_000
_ID = re.compile(r"[A-Za-z0-9]{1,32}")
_SERVER = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")
_MODES = ("enforce", "testing", "none")


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy file: mode "enforce", "testing" or "none", its age in seconds, and its servers."""

    mode: str
    max_age_s: int
    servers: tuple[str, ...]


def record_id(texts: Sequence[bytes]) -> str | None:
    """The id in the TXT records of `_mta-sts.<domain>` (§3.1); None if there is no policy."""
    records = [text for text in texts if re.match(rb"v=STSv1[ \t]*;", text)]
    if len(records) != 1:
        return None
    for field in records[0].decode("ascii", "replace").split(";")[1:]:
        key, _, value = field.strip(" \t").partition("=")
        if key.strip(" \t") == "id":
            value = value.strip(" \t")
            return value if _ID.fullmatch(value) else None
    return None


def parse(document: bytes) -> Policy | None:
    """The policy in a file (§3.2), or None if it is none. Unknown fields are passed over."""
    try:
        text = document.decode("utf-8")
    except UnicodeDecodeError:
        return None
    fields: dict[str, str] = {}
    servers: list[str] = []
    for line in text.split("\n"):
        key, colon, value = line.removesuffix("\r").partition(":")
        key, value = key.strip(" \t"), value.strip(" \t")
        if key == "mx" and colon:
            servers.append(value.lower().removesuffix("."))
        elif colon:
            fields.setdefault(key, value)
    mode, age = fields.get("mode", ""), fields.get("max_age", "")
    if fields.get("version") != "STSv1" or mode not in _MODES:
        return None
    if not re.fullmatch(r"[0-9]{1,10}", age):
        return None
    known = tuple(dict.fromkeys(one for one in servers if _SERVER.fullmatch(one)))[:MOST_SERVERS]
    if mode != "none" and not known:
        return None
    return Policy(mode, min(int(age), LONGEST_AGE_S), known)


def names(servers: Sequence[str], host: str) -> bool:
    """Whether a policy names a server; a `*` stands for one label, the leftmost (§4.1)."""
    parent = host.partition(".")[2]
    return host in servers or (bool(parent) and f"*.{parent}" in servers)


class Finder(Protocol):
    """Whoever answers questions about DNS."""

    async def find(self, name: str, kind: str) -> Answer:
        """The records of a kind that a name has."""


@dataclass(slots=True)
class _Known:
    """What a process remembers of a domain."""

    kept: Kept | None
    read_at: datetime
    # Not to be fetched before; and why the last fetch failed.
    pause_until: datetime | None = None
    trouble: str = ""


class Policies:
    """The policies of all domains, for the life of a process."""

    def __init__(
        self,
        resolver: Finder,
        clock: Callable[[], datetime],
        *,
        port: int = 443,
        ca_file: str = "",
        timeout_s: float = FETCH_S,
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._port = port
        self._ca_file = ca_file
        self._timeout_s = timeout_s
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._pending = Shared[str, tuple[Kept | None, str]]()

    async def policy_for(self, domain: str) -> tuple[Kept | None, str]:
        """The policy of a domain in A-labels, if it has one; and what went wrong with it, if so.

        May take as long as a fetch. Mode "none" is no policy.
        """
        return await self._pending.do(domain, lambda: self._find(domain))

    async def _find(self, domain: str) -> tuple[Kept | None, str]:
        now = self._clock()
        known = await self._recall(domain, now)
        record = await self._resolver.find(f"_mta-sts.{domain}", "TXT")
        policy_id = record_id(record.records)
        if policy_id is not None and self._is_due(known, policy_id, now):
            await self._fetch(domain, policy_id, known, now)
        kept = known.kept
        is_one = kept is not None and kept.expires_at > now and kept.mode != "none"
        return (kept if is_one else None), known.trouble if policy_id else ""

    async def _recall(self, domain: str, now: datetime) -> _Known:
        known = self._known.get(domain)
        if known is None or now - known.read_at > BELIEVED:
            kept = known.kept if known else None
            try:
                kept = await in_database(store.load, domain, now)
            except Error:
                # It is away, which others tell; what we know still counts.
                if known is None:
                    return _Known(None, now)
            if known is None:
                known = _Known(kept, now)
            known.kept, known.read_at = kept, now
            self._known[domain] = known
        self._known.move_to_end(domain)
        while len(self._known) > MOST_DOMAINS:
            self._known.popitem(last=False)
        return known

    @staticmethod
    def _is_due(known: _Known, policy_id: str, now: datetime) -> bool:
        if known.pause_until is not None and now < known.pause_until:
            return False
        kept = known.kept
        if kept is None or kept.policy_id != policy_id or kept.expires_at <= now:
            return True
        return now - kept.fetched_at > min(REFRESH, (kept.expires_at - kept.fetched_at) / 2)

    async def _fetch(self, domain: str, policy_id: str, known: _Known, now: datetime) -> None:
        known.pause_until = now + PAUSE
        fetched = await self._document(f"mta-sts.{domain}")
        if isinstance(fetched, https.NotFetched):
            known.trouble = fetched.words
            return
        policy = parse(fetched)
        if policy is None:
            known.trouble = f"https://mta-sts.{domain}{PATH} holds no policy"
            return
        expires_at = now + timedelta(seconds=policy.max_age_s)
        known.kept = Kept(policy_id, policy.mode, policy.servers, now, expires_at)
        known.pause_until, known.trouble = None, ""
        try:
            await in_database(store.keep, domain, known.kept)
        except Error as error:
            known.trouble = f"the policy could not be written down: {error}"

    async def _document(self, host: str) -> bytes | https.NotFetched:
        allowed: Sequence[Network] = settings.ALLOW_NETWORKS
        addresses = []
        why = f"{host} has no address"
        answers = await asyncio.gather(*(self._resolver.find(host, kind) for kind in ("A", "AAAA")))
        for answer in answers:
            why = answer.trouble or why
            for address in answer.records:
                words = refusal(ip_address(address), allowed)
                if words:
                    why = f"{host} has the address {address} ({words})"
                else:
                    addresses.append(address)
        if not addresses:
            return https.NotFetched(why)
        return await https.fetch(
            host,
            self._port,
            PATH,
            addresses,
            tls.context(Level.VERIFIED, self._ca_file),
            most_bytes=MOST_BYTES,
            timeout_s=self._timeout_s,
        )
