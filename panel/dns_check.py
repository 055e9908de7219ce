"""Whether DNS has the records that it should, and what to do if not, in words.

Owns the verdicts. All questions of a check go out at once, and none waits for long; what nobody
answers is told as that.
"""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from django.conf import settings
from django.utils.translation import gettext as _

from mailqueue.domains import lineage
from mailqueue.models import SigningKey
from panel import dns_records, spf
from panel.dns_questions import ALL_WITHIN_S, Answer, Questions
from panel.dns_records import Kind, Record

LONGEST_SHOWN = 300
POLICIES = {"none", "quarantine", "reject"}


class State(StrEnum):
    """How a record stands in DNS."""

    FOUND = "found"
    DIFFERS = "differs"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a record stands, what to do about it, and what DNS has in its place."""

    state: State
    advice: str = ""
    seen: str = ""

    @property
    def word(self) -> str:
        """The state in words."""
        return {
            State.FOUND: _("Found"),
            State.DIFFERS: _("Differs"),
            State.MISSING: _("Missing"),
            State.UNKNOWN: _("Not known"),
        }[self.state]


def check(records: Sequence[Record], keys: Collection[SigningKey]) -> list[Verdict]:
    """Ask DNS for these records, and judge each. `keys` are all keys of the domain, old ones too.

    Takes at most about ALL_WITHIN_S seconds.
    """
    return asyncio.run(_check(records, keys))


async def _check(records: Sequence[Record], keys: Collection[SigningKey]) -> list[Verdict]:
    questions = Questions()
    return list(await asyncio.gather(*(_in_time(questions, one, keys) for one in records)))


async def _in_time(questions: Questions, record: Record, keys: Collection[SigningKey]) -> Verdict:
    try:
        async with asyncio.timeout(ALL_WITHIN_S):
            return await _judge(questions, record, keys)
    except TimeoutError:
        return _unknown()


async def _judge(questions: Questions, record: Record, keys: Collection[SigningKey]) -> Verdict:
    if record.kind is Kind.DMARC:
        return await _dmarc(questions, record)
    answer = await questions.ask(record.name, record.type)
    if not answer.is_known:
        return _unknown()
    if record.kind is Kind.DKIM:
        return _dkim(record, answer, keys)
    if record.kind is Kind.MX:
        return _mx(record, answer)
    return await _spf(questions, record, answer)


def _unknown() -> Verdict:
    return Verdict(
        State.UNKNOWN,
        _("No name server answered. Try again; if it stays so, look at FACTEUR_RESOLVERS."),
    )


def _missing() -> Verdict:
    return Verdict(
        State.MISSING,
        _("Publish it with who hosts the DNS of the domain. It can take some hours to be seen."),
    )


def _dkim(record: Record, answer: Answer, keys: Collection[SigningKey]) -> Verdict:
    texts = [text for text in answer.values if "p=" in text]
    if not texts:
        return _missing()
    seen = _shown(texts)
    if len(texts) > 1:
        return Verdict(
            State.DIFFERS, _("There are several records of this name: leave one alone."), seen
        )
    tags = _tags(texts[0])
    public = "".join(tags.get("p", "").split())
    if record.key is not None and public == record.key.public_key:
        return _right_key(record.key, tags, seen)
    if not public:
        return Verdict(State.DIFFERS, _("The record has no key: that revokes it."), seen)
    others = [key for key in keys if key.public_key == public]
    if others:
        told = _("It has the key of %(selector)s. Publish that of this record in its place.")
        return Verdict(State.DIFFERS, told % {"selector": others[0].selector}, seen)
    return Verdict(
        State.DIFFERS,
        _(
            "It has another key: signatures would be wrong. Copy the value again; if it was cut"
            " short, publish it in parts, as the zone file has it."
        ),
        seen,
    )


def _right_key(key: SigningKey, tags: dict[str, str], seen: str) -> Verdict:
    if tags.get("k", "rsa") != key.algorithm:
        told = _("The key is right, but the record lacks “k=%(algorithm)s”.")
        return Verdict(State.DIFFERS, told % {"algorithm": key.algorithm}, seen)
    if tags.get("v", "DKIM1") != "DKIM1":
        return Verdict(State.DIFFERS, _("It must begin with “v=DKIM1”."), seen)
    if "y" in tags.get("t", "").split(":"):
        told = _("The key is right, but “t=y” calls it a trial: many ignore its signatures.")
        return Verdict(State.DIFFERS, told, seen)
    return Verdict(State.FOUND)


async def _spf(questions: Questions, record: Record, answer: Answer) -> Verdict:
    found = spf.records(answer.values)
    if not found:
        return _missing()
    seen = _shown(found)
    if len(found) > 1:
        told = _(
            "There are %(number)d SPF records: others take that for an error. Make one of them,"
            " with the terms of all."
        )
        return Verdict(State.DIFFERS, told % {"number": len(found)}, seen)
    reading = await spf.read(questions, record.name, found[0])
    if reading.lookups > spf.MOST_LOOKUPS:
        told = _(
            "It takes more than %(most)d questions to read it: others take that for an error."
            " Replace what it includes by addresses, or leave out what sends no more."
        )
        return Verdict(State.DIFFERS, told % {"most": spf.MOST_LOOKUPS}, seen)
    if reading.broken:
        told = _("“%(term)s” in it leads nowhere or is misspelled.")
        return Verdict(State.DIFFERS, told % {"term": reading.broken[0][:100]}, seen)
    if spf.EVERYBODY[0] in reading.allowed:
        told = _("It lets everybody send for the domain: replace “+all” by “~all”.")
        return Verdict(State.DIFFERS, told, seen)
    return await _allowed(questions, record, reading, seen)


async def _allowed(
    questions: Questions, record: Record, reading: spf.Reading, seen: str
) -> Verdict:
    """Whether what is allowed has all that our own record would allow."""
    needed = list(settings.OUTBOUND_ADDRESSES)
    if not needed:
        ours = await spf.read(questions, record.name, record.value)
        needed = ours.allowed
        reading.is_known &= ours.is_known and bool(needed)
    lacks = reading.lacks(needed)
    if not lacks:
        if needed:
            return Verdict(State.FOUND)
        told = _("There is a record. Whether it allows this server can be told only with")
        return Verdict(State.UNKNOWN, f"{told} FACTEUR_OUTBOUND_ADDRESSES.", seen)
    if not reading.is_known:
        return _unknown()
    term = record.value.removeprefix("v=spf1 ").removesuffix(" ~all")
    if len(lacks) == 1:
        told = _("It does not allow %(network)s. Add “%(term)s” before its last term.")
    else:
        told = _(
            "It does not allow %(number)d of our addresses, %(network)s for one. Add “%(term)s”"
            " before its last term."
        )
    figures = {"network": dns_records.written(lacks[0]), "number": len(lacks), "term": term}
    return Verdict(State.DIFFERS, told % figures, seen)


async def _dmarc(questions: Questions, record: Record) -> Verdict:
    """The record of the domain, else of one that it lies below (RFC 7489 §6.6.3)."""
    domain = record.name.removeprefix("_dmarc.")
    for name in lineage(domain):
        answer = await questions.ask(f"_dmarc.{name}", "TXT")
        if not answer.is_known:
            return _unknown()
        found = [text for text in answer.values if text.upper().startswith("V=DMARC1")]
        if found:
            return _dmarc_found(found, name if name != domain else "")
    return _missing()


def _dmarc_found(found: Sequence[str], above: str) -> Verdict:
    seen = _shown(found)
    if len(found) > 1:
        told = _(
            "There are %(number)d DMARC records: others look at none of them. Leave one alone."
        )
        return Verdict(State.DIFFERS, told % {"number": len(found)}, seen)
    if _tags(found[0]).get("p", "").lower() not in POLICIES:
        told = _("It must say “p=none”, “p=quarantine” or “p=reject”.")
        return Verdict(State.DIFFERS, told, seen)
    told = _("That of %(domain)s counts.") % {"domain": above} if above else ""
    return Verdict(State.FOUND, told, seen)


def _mx(record: Record, answer: Answer) -> Verdict:
    if not answer.values:
        return _missing()
    host = record.value.rpartition(" ")[2]
    hosts = {value.rpartition(" ")[2].removesuffix(".") for value in answer.values}
    if host in hosts:
        return Verdict(State.FOUND, seen=_shown(answer.values))
    told = _("It leads elsewhere: what comes back is not seen here, unless that is a way to here.")
    return Verdict(State.DIFFERS, told, _shown(answer.values))


def _tags(text: str) -> dict[str, str]:
    """The tags of a record of DKIM or DMARC, in lower case; of several of a name the first."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def _shown(values: Sequence[str]) -> str:
    text = " · ".join(values)
    return "".join(sign if sign.isprintable() else " " for sign in text)[:LONGEST_SHOWN]
