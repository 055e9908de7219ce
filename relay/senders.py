"""Whom a message names as its author, and what the account's rule makes of it. Pure.

Authors stand in From and Sender. An address that is none, or that hides in an encoded word, is of
no domain, and so nobody's: mail programs differ in what they show of it. A message that names
nobody at all names no stranger.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from mailqueue.addresses import BadAddress, envelope_address, listed
from mailqueue.domains import ascii_name, belongs
from mailqueue.headers import Field, Parsed, Problem, as_sent, mailbox, parse
from mailqueue.models import SenderPolicy
from mailqueue.senders import Rule
from relay import display

NAMED_IN = (b"from", b"sender")
# Nobody has as many authors: more would only take time.
MOST_NAMED = 100
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


TOO_MANY = Author(f"more than {MOST_NAMED} addresses", "")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a message: the stranger it names, if any, and how it goes out."""

    content: bytes
    stranger: Author | None = None
    is_refused: bool = False


def authors(parsed: Parsed, host: str) -> tuple[Author, ...]:
    """Whom the header names, of each domain the first; bare names are of `host`.

    Who names more than MOST_NAMED names a stranger, whoever the rest are.
    """
    found: dict[str, Author] = {}
    values = [item.value for item in parsed.fields if item.name in NAMED_IN]
    for number, author in enumerate(_named(values, host)):
        if number == MOST_NAMED:
            author = TOO_MANY
        found.setdefault(author.domain, author)
        if author is TOO_MANY:
            break
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
        elif item.name != b"sender" or _is_own(item.value, rule.domains):
            fields.append(item)
    answered = _addresses(before)
    if answered and not any(item.name == b"reply-to" and item.value for item in fields):
        fields = [item for item in fields if item.name != b"reply-to"]
        fields.append(Field(b"reply-to", b"Reply-To: " + b",\n ".join(answered)))
    parsed.fields = fields
    return as_sent(parsed)


def _named(values: Iterable[bytes], host: str) -> Iterator[Author]:
    for value in values:
        for raw in listed(value):
            address = envelope_address(raw, host)
            if isinstance(address, BadAddress):
                yield Author(address.text, "")
            else:
                yield Author(address, ascii_name(address.rpartition("@")[2]))


def _is_own(value: bytes, own: Collection[str]) -> bool:
    """Whether a Sender is of the account; it has one address (RFC 5322 §3.6.2)."""
    named = list(islice(_named([value], ""), 2))
    return len(named) == 1 and belongs(named[0].domain, own)


def _addresses(values: Iterable[bytes]) -> list[bytes]:
    """The addresses of From, for Reply-To."""
    named = islice(_named(values, ""), MOST_ANSWERED)
    return list(dict.fromkeys(f"<{one.address}>".encode() for one in named if one.domain))


def _shown_name(values: Iterable[bytes]) -> str:
    """The name of the first author, else the address."""
    for value in values:
        name = display.shown(value.partition(b"<")[0]) if b"<" in value else ""
        name = name.strip('" ').replace("\\", "")
        if name:
            return name[:LONGEST_NAME]
        for author in _named([value], ""):
            return author.address[:LONGEST_NAME]
    return ""
