"""Questions to DNS for a page: few, all at once, and never for long.

Owns how names are asked for and what a silent or broken server is worth; what answers mean is for
`dns_check` and `spf`. Answers are kept for one check, so nothing is asked twice in it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.nameserver
import dns.rdatatype
import dns.resolver
from django.conf import settings

# For one question, and for all of a check, in seconds: somebody waits for the page.
WITHIN_S = 3.0
ALL_WITHIN_S = 8.0
# What records of strangers can make us ask.
MOST_QUESTIONS = 80
LONGEST_ANSWER = 4096
MOST_ANSWERS = 50


@dataclass(frozen=True, slots=True)
class Answer:
    """What DNS holds under a name: nothing, too, is known; None of it is if nobody answered."""

    values: tuple[str, ...] = ()
    is_known: bool = True


UNKNOWN = Answer(is_known=False)


class Questions:
    """The questions of one check."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, str], asyncio.Task[Answer]] = {}
        self._resolver = _resolver()

    async def ask(self, name: str, kind: str) -> Answer:
        """The records of a name: texts whole, MX as "10 host", addresses as written."""
        wanted = name.lower().removesuffix("."), kind
        if wanted not in self._asked:
            if len(self._asked) >= MOST_QUESTIONS:
                return UNKNOWN
            self._asked[wanted] = asyncio.create_task(self._ask(*wanted))
        # Who gives up waiting does not take the answer from others.
        return await asyncio.shield(self._asked[wanted])

    async def _ask(self, name: str, kind: str) -> Answer:
        if self._resolver is None:
            return UNKNOWN
        try:
            found = await self._resolver.resolve(
                name, kind, lifetime=WITHIN_S, search=False, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN:
            return Answer()
        except (dns.exception.DNSException, OSError, ValueError):
            return UNKNOWN
        rows = list(found.rrset or ())[:MOST_ANSWERS]
        return Answer(tuple(_written(row)[:LONGEST_ANSWER] for row in rows))


def _written(row: object) -> str:
    strings: Sequence[bytes] | None = getattr(row, "strings", None)
    if strings is not None:
        return b"".join(strings).decode("utf-8", "replace")
    return str(row).removesuffix(".").lower()


def _resolver() -> dns.asyncresolver.Resolver | None:
    """Who is asked: the resolvers of the settings, else the machine's; None if it has none."""
    # (address, port) of each.
    chosen: Sequence[tuple[str, int]] = settings.RESOLVERS
    try:
        found = dns.asyncresolver.Resolver(configure=not chosen)
    except dns.resolver.NoResolverConfiguration:
        return None
    if chosen:
        found.nameservers = [dns.nameserver.Do53Nameserver(*one) for one in chosen]
    # Longer texts than fit into 512 bytes, without another way round.
    found.use_edns(0, 0, 1232)
    return found
