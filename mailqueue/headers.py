"""The header rules, on bytes: what a script wrote, to what goes out. Pure.

Owns line ends, the border between header and body, and which fields are read, removed and added.
Every other field keeps its place and its bytes; lines that are too long are `fitting`'s. Nothing
here raises on foreign bytes: what cannot go out is a `Problem`.

Python's `email` parser is not asked: it takes a bare CR for a line end, and so made a recipient of
what stood in a subject.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime

from mailqueue.addresses import BadAddress, envelope_address, listed

# Ours: room for as many recipients as a message may have. Headers that are larger, or have more
# fields, are no mail but work for us.
LONGEST_HEADER = 512 * 1024
MOST_FIELDS = 10_000
LONGEST_FULL_NAME = 128
# An encoded word has at most 75 signs (RFC 2047 §2), this many bytes in Base64.
LONGEST_ENCODED = 45
# Fields of our own: a copy that comes in is forged.
OURS = b"x-facteur-"
REMOVED = frozenset({b"bcc", b"resent-bcc", b"return-path"})
# Three fields, of which an address and a Message-ID may be long.
_LONGEST_ADDED = 2000
_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:")
_BLANK = (b" ", b"\t")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a message cannot go out as it is: exit 65 (EX_DATAERR)."""

    text: str


@dataclass(slots=True)
class Field:
    """A header field: its name in lower case, and its lines, parted by LF, without the last LF."""

    name: bytes
    lines: bytes

    @property
    def value(self) -> bytes:
        """What stands after the colon, unfolded."""
        return self.lines.partition(b":")[2].replace(b"\n", b"").strip()


@dataclass(slots=True)
class Parsed:
    """A message in two parts; lines end with LF here."""

    fields: list[Field] = field(default_factory=list)
    body: bytes = b""

    def values(self, name: bytes) -> list[bytes]:
        """The values of all fields of this name, in their order."""
        return [item.value for item in self.fields if item.name == name]


@dataclass(frozen=True, slots=True)
class Changes:
    """What `complete` did: the names of fields, in lower case."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


UNCHANGED = Changes()


def with_line_feeds(raw: bytes, *, ignores_dots: bool) -> bytes | Problem:
    """The message with LF for every line end: LF, CRLF and CRCRLF are one, other CR is a blank.

    Unless `ignores_dots`, a lone dot on a line ends it, and two at the start of a line are one, as
    with sendmail.
    """
    if b"\0" in raw:
        return Problem("the message has a NUL byte")
    text = raw
    if b"\r" in raw:
        # What is CRLF after the first step was CRCRLF before it.
        text = raw.replace(b"\r\n", b"\n").replace(b"\r\n", b"\n").replace(b"\r", b" ")
    if ignores_dots or b"." not in text:
        return text
    if text.startswith(b".\n") or text == b".":
        return b""
    end = text.find(b"\n.\n")
    if end >= 0:
        text = text[: end + 1]
    elif text.endswith(b"\n."):
        text = text[:-1]
    text = text.replace(b"\n..", b"\n.")
    return text[1:] if text.startswith(b"..") else text


def parse(text: bytes) -> Parsed | Problem:
    """Header fields and body. Without a field in the first line, all of it is body."""
    if text.startswith(b"From ") and not _FIELD.match(text):  # the first line of an mbox
        text = text.partition(b"\n")[2]
    parsed = Parsed()
    # The name of the field that is being read, and where it began.
    name, begin = b"", 0
    place = 0
    while place < len(text):
        end = text.find(b"\n", place)
        end = len(text) if end < 0 else end
        is_continued = bool(name) and text[place : place + 1] in _BLANK
        match = None if is_continued else _FIELD.match(text, place, end)
        if not is_continued:
            if name:
                parsed.fields.append(Field(name, text[begin : place - 1]))
            if match is None:
                # The empty line; or no field at all, and somebody forgot the empty line.
                parsed.body = text[end + 1 if end == place else place :]
                return parsed
            name, begin = match[1].lower(), place
        place = end + 1
        if place > LONGEST_HEADER or len(parsed.fields) > MOST_FIELDS:
            return Problem("the header is too large")
    if name:
        parsed.fields.append(Field(name, text[begin:].removesuffix(b"\n")))
    return parsed


def recipients_of(parsed: Parsed, host: str) -> list[str] | Problem:
    """Whom the header names, each once, for `-t`: To, Cc and Bcc, or only their Resent- twins."""
    names = (b"resent-to", b"resent-cc", b"resent-bcc")
    if not any(item.name in names for item in parsed.fields):
        names = (b"to", b"cc", b"bcc")
    found: dict[str, None] = {}
    for item in parsed.fields:
        if item.name in names:
            for raw in listed(item.value):
                address = envelope_address(raw, host)
                if isinstance(address, BadAddress):
                    return Problem(f"bad recipient: {address}")
                found[address] = None
    return list(found)


def complete(
    parsed: Parsed, *, sender: str, full_name: str, message_id: str, now: datetime
) -> Changes:
    """Remove what must not go out, and add Date, Message-ID and From where they are missing."""
    before = {item.name for item in parsed.fields}
    parsed.fields = [
        item
        for item in parsed.fields
        if item.name not in REMOVED and not item.name.startswith(OURS)
    ]
    present = {item.name for item in parsed.fields}
    if b"from" not in present:
        parsed.fields.append(Field(b"from", b"From: " + mailbox(sender, full_name)))
    if b"date" not in present:
        parsed.fields.append(Field(b"date", f"Date: {format_datetime(now)}".encode("ascii")))
    if b"message-id" not in present:
        parsed.fields.append(Field(b"message-id", f"Message-ID: <{message_id}>".encode()))
    after = {item.name for item in parsed.fields}
    return Changes(_in_order(after - before), _in_order(before - after))


def _in_order(names: set[bytes]) -> tuple[str, ...]:
    return tuple(sorted(name.decode("ascii") for name in names))


def completed(content: bytes, sender: str) -> frozenset[str]:
    """Which fields of a message as it goes out may be `complete`'s own work, by lower-case names.

    A From is taken for it where it stands last, but for a Date and a Message-ID behind it, and says
    nothing but the sender of the envelope. Of the other two, and of the From that mail of the null
    sender gets, it need not be known: what `complete` writes there is always as it should be.
    """
    if not sender:
        return frozenset()
    end = content.find(b"\r\n\r\n")
    last = content[max(0, end - _LONGEST_ADDED) : end].split(b"\r\n")[-3:]
    ours = b"From: <" + sender.encode() + b">"
    for line in reversed(last):
        if line == ours:
            return frozenset({"from"})
        if not line.startswith((b"Date: ", b"Message-ID: ")):
            break
    return frozenset()


def as_sent(parsed: Parsed, *, is_last: bool = False) -> bytes:
    """The message as it goes out: CRLF line ends, the last line ended.

    With `is_last` the body is not kept in `parsed`: a large one would be there twice.
    """
    head = b"".join(item.lines + b"\n" for item in parsed.fields).replace(b"\n", b"\r\n")
    body = parsed.body
    if is_last:
        parsed.body = b""
    is_ended = not body or body.endswith(b"\n")
    body = body.replace(b"\n", b"\r\n")
    return b"".join((head, b"\r\n", body, b"" if is_ended else b"\r\n"))


def sent_size(parsed: Parsed) -> int:
    """The bytes that `as_sent` gives, without making them."""
    heads = sum(len(item.lines) + item.lines.count(b"\n") + 2 for item in parsed.fields)
    body = len(parsed.body) + parsed.body.count(b"\n")
    return heads + 2 + body + (2 if parsed.body and not parsed.body.endswith(b"\n") else 0)


def mailbox(address: str, full_name: str) -> bytes:
    """An address with a name before it, in lines parted by LF; the name is encoded if need be."""
    if not full_name:
        return f"<{address}>".encode()
    full_name = full_name[:LONGEST_FULL_NAME]
    if full_name.isascii():
        name = '"' + re.sub(r'(["\\])', r"\\\1", full_name) + '"'
    else:
        # Blanks between encoded words count for nothing (RFC 2047 §6.2).
        name = "\n ".join(f"=?utf-8?B?{word}?=" for word in _encoded(full_name))
    return f"{name} <{address}>".encode()


def _encoded(text: str) -> Iterator[str]:
    """The text in Base64, in parts that are short enough, cut between signs."""
    raw = text.encode()
    while raw:
        part = raw[:LONGEST_ENCODED].decode("utf-8", "ignore").encode()
        yield binascii.b2a_base64(part, newline=False).decode("ascii")
        raw = raw[len(part) :]
