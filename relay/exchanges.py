"""The servers that take mail for a domain, as DNS tells them (RFC 5321 §5.1).

Owns the search, which servers are left out, and what TLS is demanded of the others: by the setting
TLS_POLICY, by DANE, by MTA-STS. The domain's owner is a stranger, and may name any server.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

from mailqueue.domains import a_labels
from mailqueue.mta_sts import Kept
from mailqueue.outcomes import Outcome, Result
from relay import dane, mta_sts
from relay.domains import literal, matching
from relay.listeners import is_ours
from relay.mta_sts import Policies
from relay.networks import Network, refusal
from relay.resolver import Answer, Resolver
from relay.routes import Hop, Level, Route, Tls

# Servers of one domain, and addresses of one server, that are looked at; ours.
MOST_HOSTS = 10
MOST_ADDRESSES = 10

Note = Callable[[str], None]
# As Postfix has it (smtp_defer_if_no_mx_address_found = no).
NO_ADDRESS = "5.4.4"
NO_ANSWER = "4.4.3"
NOT_NAMED = "4.7.5"
LOOP = "5.4.6"


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """A server that is of no use, and the status that goes with it, by which 4 may be later."""

    words: str
    status: str = NO_ADDRESS


@dataclass(frozen=True, slots=True)
class Search:
    """How servers are searched: who is asked, and the settings that count.

    `tls_policies` has a level and patterns of servers, by domain; `listeners` are where we take
    mail ourselves.
    """

    resolver: Resolver
    policies: Policies | None
    port: int
    allowed: Sequence[Network]
    tls_policies: Mapping[str, Any]
    hostname: str
    listeners: Sequence[tuple[str, int]]

    async def route_for(self, domain: str, note: Note) -> Route | Outcome:
        """The route to the servers of a domain, or why there is none; tells `note` what it saw."""
        if domain.startswith("["):
            return self._to_literal(domain)
        name = a_labels(domain)
        if name is None:
            return Outcome(
                Result.FAILED, f"domain not found: {domain!r} is no name of one", "5.1.2"
            )
        exchanges = await self._exchanges(name, note)
        if isinstance(exchanges, Outcome):
            return exchanges
        pairs, is_secure = exchanges
        policy, kept = await self._policy(name, note)
        hops = await asyncio.gather(
            *(self._hop(host, rank, is_secure, policy, kept) for rank, host in pairs)
        )
        return _route(name, self._without_loops(pairs, hops, note))

    def _to_literal(self, domain: str) -> Route | Outcome:
        """The route to the server whose address stands in the mail address itself."""
        address = literal(domain)
        if address is None:
            return Outcome(
                Result.FAILED, f"host not found: {domain!r} is no address of one", "5.1.2"
            )
        words = refusal(address, self.allowed)
        if words:
            words = f"mail must not go to {domain}: {words} (FACTEUR_ALLOW_NETWORKS)"
            return Outcome(Result.FAILED, words, "5.4.4")
        if self._is_ours(domain, [str(address)]):
            return Outcome(Result.FAILED, f"mail for {domain} loops back to myself", "5.4.6")
        policy = matching(domain, self.tls_policies)
        tls = Tls(Level(policy.level), "FACTEUR_TLS_POLICY") if policy is not None else Tls()
        return Route(domain, (Hop(domain, self.port, (str(address),), tls=tls),))

    async def _exchanges(
        self, name: str, note: Note
    ) -> tuple[list[tuple[int, str]], bool] | Outcome:
        """The servers of a domain with their ranks, and whether DNSSEC vouches for them."""
        answer = await self.resolver.find(name, "MX")
        if answer.trouble:
            words = f"the servers of {name} cannot be looked up: {answer.trouble}"
            return Outcome(Result.DEFERRED, words, "4.4.3")
        if answer.is_absent:
            return Outcome(Result.FAILED, f"the domain {name} does not exist", "5.1.2")
        if not answer.records:
            note(f"{name} has no MX: its own addresses count (implicit MX)")
            return [(0, name)], answer.is_secure
        # Of a host that stands there twice, the lower number counts.
        values = {host: value for value, host in sorted(answer.records, reverse=True)}
        if set(values) == {"."}:
            # Do not fall back to its addresses (RFC 7505 §3).
            words = f"556 5.1.10 the domain {name} takes no mail (null MX)"
            return Outcome(Result.FAILED, words, "5.1.10")
        hosts = [(host, value) for host, value in values.items() if a_labels(host) == host]
        if not hosts:
            words = f"host not found: no MX of {name} is the name of a server"
            return Outcome(Result.FAILED, words, NO_ADDRESS)
        hosts.sort(key=lambda pair: (pair[1], pair[0]))
        for host, value in hosts:
            note(f"MX {value} {host}")
        del hosts[MOST_HOSTS:]
        # The numbers count in their order only: others that have the same share connections.
        ranks = sorted({value for _, value in hosts})
        return [(ranks.index(value), host) for host, value in hosts], answer.is_secure

    async def _policy(self, name: str, note: Note) -> tuple[Any, Kept | None]:
        """What the administrator demands of a domain's servers, and what its owner does."""
        policy = matching(name, self.tls_policies)
        if policy is not None:
            note(f"FACTEUR_TLS_POLICY: {policy.level} {' '.join(policy.servers)}".rstrip())
            if policy.level != Level.REQUIRED:
                return policy, None
        if self.policies is None:
            return policy, None
        kept, trouble = await self.policies.policy_for(name)
        if trouble:
            note(f"MTA-STS: {trouble}")
        if kept is not None:
            note(f"MTA-STS: mode {kept.mode}, until {kept.expires_at:%Y-%m-%d %H:%M} UTC")
        return policy, kept

    async def _hop(
        self, host: str, rank: int, is_secure: bool, policy: Any, kept: Kept | None
    ) -> Hop | _LeftOut:
        """A server with its addresses and what is demanded of it, or why it is left out."""
        answers = await asyncio.gather(
            self.resolver.find(host, "A"), self.resolver.find(host, "AAAA")
        )
        addresses, refused = self._usable(answers)
        if self._is_ours(host, addresses):
            return _LeftOut(f"{host} is ourselves", LOOP)
        if not addresses:
            trouble = next((answer.trouble for answer in answers if answer.trouble), "")
            if trouble:
                words = f"the address of {host} cannot be looked up: {trouble}"
                return _LeftOut(words, NO_ANSWER)
            return _LeftOut(refused or f"host not found: {host} has no address")
        hop = Hop(host, self.port, addresses, rank)
        if policy is not None and policy.level != Level.REQUIRED:
            if policy.servers and not mta_sts.names(policy.servers, host):
                words = f"{host} is none of the servers that FACTEUR_TLS_POLICY names"
                return _LeftOut(words, NOT_NAMED)
            return replace(hop, tls=Tls(Level(policy.level), "FACTEUR_TLS_POLICY"))
        # One that failed has no word in it: else who can make it fail would be rid of DANE.
        known = [one for one in answers if not one.trouble]
        if self.resolver.validates and is_secure and all(one.is_secure for one in known):
            tls = await self._dane(host, known)
            if tls is not None:
                return tls if isinstance(tls, _LeftOut) else replace(hop, tls=tls)
        if kept is not None and kept.mode == "enforce":
            if not mta_sts.names(kept.servers, host):
                words = f"{host} is none of the servers that the MTA-STS policy names"
                return _LeftOut(words, NOT_NAMED)
            return replace(hop, tls=Tls(Level.VERIFIED, "MTA-STS"))
        if policy is not None:
            return replace(hop, tls=Tls(Level.REQUIRED, "FACTEUR_TLS_POLICY"))
        return hop

    async def _dane(self, host: str, answers: Sequence[Answer]) -> Tls | _LeftOut | None:
        """What TLSA records demand of a server (RFC 7672 §2.2); None if it has none."""
        canonical = next((one.canonical for one in answers if one.canonical), host)
        for base in dict.fromkeys((canonical, host)):
            answer = await self.resolver.find(f"_{self.port}._tcp.{base}", "TLSA")
            if answer.trouble:
                # Whoever can suppress the answer must not get the mail in the clear (§2.1.2).
                words = f"the TLSA records of {base} cannot be looked up: {answer.trouble}"
                return _LeftOut(words, NO_ANSWER)
            if answer.records and answer.is_secure:
                associations = dane.usable(answer.records)
                if not associations:
                    return Tls(Level.REQUIRED, "DANE, whose records cannot be used")
                return Tls(Level.DANE, "DANE", associations=associations, name=base)
        return None

    def _is_ours(self, host: str, addresses: Sequence[str]) -> bool:
        """Whether mail that went there would come in again at one of our own listeners.

        Where we do not listen on that port, another program does: a mail server of this machine.
        """
        doors = [own for own, port in self.listeners if port == self.port]
        return bool(doors) and (
            host == self.hostname.lower() or any(is_ours(address, doors) for address in addresses)
        )

    def _usable(self, answers: Sequence[Answer]) -> tuple[tuple[str, ...], str]:
        """The addresses that mail may go to, in one order; and why others are refused."""
        usable, refused = [], ""
        for text in (text for answer in answers for text in answer.records):
            words = refusal(ip_address(text), self.allowed)
            if words is None:
                usable.append(text)
            else:
                refused = f"mail must not go to {text}: {words} (FACTEUR_ALLOW_NETWORKS)"
        return tuple(usable[:MOST_ADDRESSES]), refused

    @staticmethod
    def _without_loops(
        pairs: Sequence[tuple[int, str]], found: Sequence[Hop | _LeftOut], note: Note
    ) -> list[Hop | _LeftOut]:
        """Without the servers that are no better than ourselves (RFC 5321 §5.1)."""
        for one in found:
            if isinstance(one, _LeftOut):
                note(f"left out: {one.words}")
        ours = [
            rank
            for (rank, _), one in zip(pairs, found, strict=True)
            if isinstance(one, _LeftOut) and one.status == LOOP
        ]
        if not ours:
            return list(found)
        return [
            one
            for (rank, _), one in zip(pairs, found, strict=True)
            if rank < min(ours) or (isinstance(one, _LeftOut) and one.status == LOOP)
        ]


def _route(name: str, found: Sequence[Hop | _LeftOut]) -> Route | Outcome:
    hops = tuple(one for one in found if isinstance(one, Hop))
    if hops:
        return Route(hops[0].name, hops)
    left_out = [one for one in found if isinstance(one, _LeftOut)]
    # What may pass comes first, then the loop.
    worst = min(left_out, key=lambda one: (one.status[0], one.status != LOOP))
    if worst.status == LOOP:
        return Outcome(Result.FAILED, f"mail for {name} loops back to myself", LOOP)
    words = f"no server of {name} can be used: {worst.words}"
    result = Result.DEFERRED if worst.status.startswith("4") else Result.FAILED
    return Outcome(result, words, worst.status)
