"""Whom a message names as its author, and what the account's rule makes of it. Pure.

Authors stand in From and Sender. An address that is none, or that hides in an encoded word, is of
no domain, and so nobody's: mail programs differ in what they show of it. A message that names
nobody at all names no stranger.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from mailqueue.domains import ascii_name, belongs
from mailqueue.models import SenderPolicy
from mailqueue.senders import Rule
from relay import display
from relay.addresses import BadAddress, envelope_address, listed
from relay.headers import Field, Parsed, Problem, as_sent, mailbox, parse

NAMED_IN = (b"from", b"sender")
# Of whom answers are to go to, when From is replaced.
MOST_ANSWERED = 20
# Of the name in a From that is replaced: "via" and a domain follow.
LONGEST_NAME = 60
# The local part of an account that has no envelope sender of its own.
NOBODY = "noreply"


@dataclass(frozen=True, slots=True)
class Author:
    """An address that a message names as its author; `domain` is empty if it is none."""

    address: str
    domain: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message: the stranger it names, if any, and how it goes out."""

    content: bytes
    stranger: Author | None = None
    is_refused: bool = False


def authors(parsed: Parsed, host: str) -> tuple[Author, ...]:
    """Whom the header names, of each domain the first; bare names are of `host`."""
    found: dict[str, Author] = {}
    for item in parsed.fields:
        if item.name in NAMED_IN:
            for author in _named(item.value, host):
                found.setdefault(author.domain, author)
    return tuple(found.values())


def judged(
    authors: Sequence[Author], content: bytes, sender: str, rule: Rule | None
) -> Verdict | Problem:
    """What a rule makes of a message with these authors; `sender` is that of the envelope."""
    if rule is None or rule.policy is SenderPolicy.ALLOW:
        return Verdict(content)
    stranger = next((one for one in authors if not belongs(one.domain, rule.domains)), None)
    if stranger is None or rule.policy is SenderPolicy.WARN:
        return Verdict(content, stranger)
    if rule.policy is SenderPolicy.REFUSE:
        return Verdict(content, stranger, is_refused=True)
    rewritten = _rewritten(content, sender, rule)
    return rewritten if isinstance(rewritten, Problem) else Verdict(rewritten, stranger)


def _rewritten(content: bytes, sender: str, rule: Rule) -> bytes | Problem:
    """The message with an author of the account's own: "Name via domain".

    Answers go to whom From named before, unless Reply-To says where. All other bytes stay.
    """
    parsed = parse(content.replace(b"\r\n", b"\n"))
    if isinstance(parsed, Problem):
        return parsed
    before = [item.value for item in parsed.fields if item.name == b"from"]
    own = sender if belongs(sender.rpartition("@")[2], rule.domains) else f"{NOBODY}@{rule.domain}"
    name = f"{_shown_name(before)} via {rule.domain}"
    fields: list[Field] = []
    is_replaced = False
    for item in parsed.fields:
        if item.name == b"from":
            if not is_replaced:
                fields.append(Field(b"from", b"From: " + mailbox(own, name)))
                is_replaced = True
        elif item.name != b"sender" or _are_own(item.value, rule.domains):
            fields.append(item)
    answered = _addresses(before)
    if answered and not any(item.name == b"reply-to" and item.value for item in fields):
        fields = [item for item in fields if item.name != b"reply-to"]
        fields.append(Field(b"reply-to", b"Reply-To: " + b",\n ".join(answered)))
    parsed.fields = fields
    return as_sent(parsed)


def _named(value: bytes, host: str) -> Iterable[Author]:
    for raw in listed(value):
        address = envelope_address(raw, host)
        if isinstance(address, BadAddress):
            yield Author(address.text, "")
        else:
            yield Author(address, ascii_name(address.rpartition("@")[2]))


def _are_own(value: bytes, own: Collection[str]) -> bool:
    return all(belongs(author.domain, own) for author in _named(value, ""))


def _addresses(values: Iterable[bytes]) -> list[bytes]:
    """The addresses of From, for Reply-To."""
    found: dict[bytes, None] = {}
    for value in values:
        for author in _named(value, ""):
            if author.domain and len(found) < MOST_ANSWERED:
                found[f"<{author.address}>".encode()] = None
    return list(found)


def _shown_name(values: Iterable[bytes]) -> str:
    """The name of the first author, else the address."""
    for value in values:
        name = display.shown(value.partition(b"<")[0]) if b"<" in value else ""
        name = name.strip('" ').replace("\\", "")
        if name:
            return name[:LONGEST_NAME]
        for author in _named(value, ""):
            return author.address[:LONGEST_NAME]
    return ""
