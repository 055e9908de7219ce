"""DNS as routes need it: records, whether they were validated, and what went wrong, as values.

Owns the questions, the cache and its bounds; what records mean for mail is for `mx`, `dane` and
`mta_sts`. Nothing that a name server does raises.

One resolver serves a process for all its life, and event loops that follow each other.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver

from relay.sharing import Shared

# All tries at one question; and one of them. libc asks twice, 5 s each.
LIFETIME_S = 10.0
TRY_S = 3.0
# Bounds of the time that an answer is kept, in seconds: what is there, what is not (RFC 2308 §5
# lets it be hours), and what could not be told.
SHORTEST_S, LONGEST_S = 30.0, 3600.0
LONGEST_ABSENCE_S = 300.0
TROUBLE_S = 10.0
MOST_ANSWERS = 10_000
# Records of one answer that are kept, and bytes of a text: strangers write them.
MOST_RECORDS = 50
LONGEST_TEXT = 512
# How often the system's own list of name servers is read anew.
REREAD_S = 300.0
# As the resolvers have agreed since 2020 (dnsflagday.net): no fragments.
UDP_BYTES = 1232


@dataclass(frozen=True, slots=True)
class Answer:
    """What DNS says: MX as (preference, host), addresses as text, TXT as bytes, TLSA as a tuple.

    With `trouble` nothing is known, for now. `is_absent` if there is no such name at all.
    `is_secure` if our resolver validated it, absence too. `canonical` is the name after CNAMEs.
    """

    records: tuple[Any, ...] = ()
    canonical: str = ""
    is_secure: bool = False
    is_absent: bool = False
    trouble: str = ""


class Resolver:
    """Asks name servers, given as host and port; without any, those of the system.

    `validates`: they check DNSSEC, and the way to them is safe, so that their word counts.
    `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        nameservers: Sequence[tuple[str, int]] = (),
        *,
        validates: bool = False,
        clock: Callable[[], float] = time.monotonic,
        lifetime_s: float = LIFETIME_S,
    ) -> None:
        self.validates = validates
        self._nameservers = nameservers
        self._clock = clock
        self._lifetime_s = lifetime_s
        self._asking: dns.asyncresolver.Resolver | None = None
        self._read_at = 0.0
        self._kept: OrderedDict[tuple[str, str], tuple[float, Answer]] = OrderedDict()
        self._pending = Shared[tuple[str, str], Answer]()

    async def find(self, name: str, kind: str) -> Answer:
        """The records of a kind ("MX", "A", "AAAA", "TXT", "TLSA") that a name has."""
        key = (name.lower().removesuffix("."), kind)
        until, answer = self._kept.get(key, (0.0, Answer()))
        if self._clock() < until:
            self._kept.move_to_end(key)
            return answer
        return await self._pending.do(key, lambda: self._ask(key))

    async def _ask(self, key: tuple[str, str]) -> Answer:
        name, kind = key
        try:
            found = await self._resolver().resolve(
                dns.name.from_text(name),
                kind,
                raise_on_no_answer=False,
                search=False,
                lifetime=self._lifetime_s,
            )
            answer, ttl_s = self._understood(found)
        except dns.resolver.NXDOMAIN as error:
            answer, ttl_s = self._absence(error)
        except dns.resolver.LifetimeTimeout:
            answer, ttl_s = Answer(trouble=f"no answer within {self._lifetime_s:g} s"), TROUBLE_S
        except dns.resolver.NoNameservers:
            answer, ttl_s = Answer(trouble="the name servers cannot tell (SERVFAIL)"), TROUBLE_S
        except (dns.exception.DNSException, OSError) as error:
            answer, ttl_s = Answer(trouble=f"{type(error).__name__}"), TROUBLE_S
        self._kept[key] = (self._clock() + ttl_s, answer)
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_ANSWERS:
            self._kept.popitem(last=False)
        return answer

    def _understood(self, found: dns.resolver.Answer) -> tuple[Answer, float]:
        # In one order, whatever the name server's was: equal routes come of it.
        records = sorted(map(_record, found.rrset or ()))
        answer = Answer(
            tuple(records[:MOST_RECORDS]),
            found.canonical_name.to_text(omit_final_dot=True).lower(),
            self._is_secure(found.response),
        )
        longest_s = LONGEST_S if found.rrset else LONGEST_ABSENCE_S
        ttl_s = float(found.chaining_result.minimum_ttl)
        return answer, min(max(ttl_s, SHORTEST_S), longest_s)

    def _absence(self, error: dns.resolver.NXDOMAIN) -> tuple[Answer, float]:
        (response, *_) = error.kwargs["responses"].values()
        ttl_s = float(response.resolve_chaining().minimum_ttl)
        answer = Answer(is_secure=self._is_secure(response), is_absent=True)
        return answer, min(max(ttl_s, SHORTEST_S), LONGEST_ABSENCE_S)

    def _is_secure(self, response: dns.message.Message) -> bool:
        return self.validates and bool(response.flags & dns.flags.AD)

    def _resolver(self) -> dns.asyncresolver.Resolver:
        """Who asks; made anew now and then, for the system's list changes under us.

        Raises dns.resolver.NoResolverConfiguration if the system has none.
        """
        is_old = not self._nameservers and self._clock() - self._read_at > REREAD_S
        if self._asking is None or is_old:
            resolver = dns.asyncresolver.Resolver(configure=not self._nameservers)
            if self._nameservers:
                resolver.nameservers = [
                    dns.nameserver.Do53Nameserver(host, port) for host, port in self._nameservers
                ]
            resolver.timeout = TRY_S
            # AD asks for the word of a validating resolver without the signatures (RFC 6840 §5.7).
            resolver.flags = dns.flags.RD | (dns.flags.AD if self.validates else 0)
            resolver.use_edns(0, 0, UDP_BYTES)
            self._asking, self._read_at = resolver, self._clock()
        return self._asking


def _record(rdata: Any) -> Any:
    """A record as a plain value."""
    if rdata.rdtype == dns.rdatatype.MX:
        return rdata.preference, rdata.exchange.to_text(omit_final_dot=True).lower()
    if rdata.rdtype == dns.rdatatype.TXT:
        return b"".join(rdata.strings)[:LONGEST_TEXT]
    if rdata.rdtype == dns.rdatatype.TLSA:
        return rdata.usage, rdata.selector, rdata.mtype, rdata.cert
    return rdata.to_text()
