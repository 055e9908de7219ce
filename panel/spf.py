"""What an SPF record allows (RFC 7208): whose mail, and after how many questions.

Owns reading records and following what they include. Addresses are compared with all that a record
lets pass; the order of its terms is not looked at, and macros are not expanded.
"""

import asyncio
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network

from panel.dns_questions import Answer, Questions

Network = IPv4Network | IPv6Network

# RFC 7208 §4.6.4: whoever asks more often takes the record for an error.
MOST_LOOKUPS = 10
# Where we stop counting.
ENOUGH = 20
DEEPEST = 10
MOST_EXCHANGES = 10
EVERYBODY = (ip_network("0.0.0.0/0"), ip_network("::/0"))

_TERM = re.compile(
    r"(?P<sign>[+?~-])?(?P<name>all|include|a|mx|ptr|ip4|ip6|exists)"
    r"(?::(?P<value>[^/\s]+))?(?P<length>(?:/\d{1,3})?(?://\d{1,3})?)",
    re.IGNORECASE,
)
_NETWORK = re.compile(r"(?P<sign>[+?~-])?ip[46]:(?P<value>\S+)", re.IGNORECASE)


@dataclass(slots=True)
class Reading:
    """What a record says, with all that it includes."""

    allowed: list[Network] = field(default_factory=list)
    lookups: int = 0
    # What is not understood, or leads to nothing; and whether a server did not answer.
    broken: list[str] = field(default_factory=list)
    is_known: bool = True

    def lacks(self, networks: Iterable[Network]) -> list[Network]:
        """Those of the networks whose mail it does not let pass."""
        return [one for one in networks if not any(_holds(other, one) for other in self.allowed)]


def records(texts: Sequence[str]) -> list[str]:
    """The SPF records among the texts of a name."""
    return [
        text for text in texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")
    ]


async def read(questions: Questions, domain: str, record: str) -> Reading:
    """Follow a record of `domain` to all that it allows."""
    reading = Reading()
    await _Path(questions, reading, domain).follow(record)
    return reading


@dataclass(frozen=True, slots=True)
class _Path:
    """Where a record stands that is being read: its domain, how deep, and whether it counts."""

    questions: Questions
    reading: Reading
    domain: str
    depth: int = 0
    # Of what is included under another sign than "+", nothing passes.
    passes: bool = True

    async def follow(self, record: str) -> None:
        """Read the terms of a record, all at once."""
        await asyncio.gather(*(self._judge(term) for term in record.split()[1:]))

    async def _judge(self, term: str) -> None:
        name, equals, value = term.partition("=")
        if equals and re.fullmatch(r"[A-Za-z][\w.-]*", name):
            # Others are exp= or none of ours (§6).
            if name.lower() == "redirect":
                await self._include(value, self.passes)
        elif match := _NETWORK.fullmatch(term):
            self._allow_network(match["value"], term, passes=match["sign"] in {None, "+"})
        elif match := _TERM.fullmatch(term):
            await self._mechanism(match, passes=self.passes and match["sign"] in {None, "+"})
        else:
            self.reading.broken.append(term)

    async def _mechanism(self, match: re.Match[str], *, passes: bool) -> None:
        name, value = match["name"].lower(), match["value"] or ""
        if name == "all":
            if passes:
                self.reading.allowed += EVERYBODY
        elif name == "include":
            await self._include(value, passes)
        else:
            self.reading.lookups += 1
            if name in {"a", "mx"} and passes and self._may_ask(value):
                await self._allow_hosts(name, value or self.domain, match["length"])

    async def _include(self, name: str, passes: bool) -> None:
        self.reading.lookups += 1
        if not self._may_ask(name):
            return
        answer = await self.questions.ask(name, "TXT") if name else Answer()
        found = records(answer.values)
        if not answer.is_known:
            self.reading.is_known = False
        elif len(found) != 1:
            # RFC 7208 §5.2: an include without a record is an error of the whole.
            self.reading.broken.append(name)
        else:
            below = _Path(self.questions, self.reading, name, self.depth + 1, passes)
            await below.follow(found[0])

    async def _allow_hosts(self, name: str, host: str, length: str) -> None:
        hosts = [host]
        if name == "mx":
            answer = await self.questions.ask(host, "MX")
            self.reading.is_known &= answer.is_known
            hosts = [value.rpartition(" ")[2] for value in answer.values][:MOST_EXCHANGES]
        four, _, six = length.partition("//")
        for kind, bits in (("A", four.removeprefix("/")), ("AAAA", six)):
            for answer in await asyncio.gather(*(self.questions.ask(one, kind) for one in hosts)):
                self.reading.is_known &= answer.is_known
                for address in answer.values:
                    self._allow_network(f"{address}/{bits}" if bits else address, address)

    def _allow_network(self, text: str, term: str, *, passes: bool = True) -> None:
        try:
            network = ip_network(text, strict=False)
        except ValueError:
            self.reading.broken.append(term)
            return
        if passes and self.passes:
            self.reading.allowed.append(network)

    def _may_ask(self, name: str) -> bool:
        """Whether to go on: a macro cannot be followed, and somebody may send us round for ever."""
        return "%" not in name and self.depth < DEEPEST and self.reading.lookups <= ENOUGH


def _holds(network: Network, other: Network) -> bool:
    if isinstance(network, IPv4Network) and isinstance(other, IPv4Network):
        return other.subnet_of(network)
    if isinstance(network, IPv6Network) and isinstance(other, IPv6Network):
        return other.subnet_of(network)
    return False
