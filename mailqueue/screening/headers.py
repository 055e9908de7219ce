"""Headers against the standards (RFC 5322, 2045, 2047), after our own completion. Pure."""

import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from mailqueue.dsn.mime import decoded_header
from mailqueue.screening.letter import Letter
from mailqueue.screening.mime import MAX_VALUE, Header
from mailqueue.screening.verdicts import Finding, quoted

# At most once in a message (RFC 5322 §3.6; MIME-Version and Content- fields: RFC 2045 §4, §5).
ONCE = frozenset(
    [
        "date",
        "from",
        "sender",
        "reply-to",
        "to",
        "cc",
        "bcc",
        "message-id",
        "in-reply-to",
        "references",
        "subject",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
    ]
)
_MESSAGE_ID = re.compile(rb"<[^\s<>@]{1,250}@[^\s<>@]{1,250}>\Z")
_ADDRESS = re.compile(
    r"[^\s@<>,;:\"()\[\]\\]{1,64}@(?:[^\s@<>,;:\"()\[\]\\.]{1,63}\.)*[^\s@<>,;:\"()\[\]\\.]{1,63}\Z"
)
_ENCODINGS = frozenset({"", "7bit", "8bit", "binary", "quoted-printable", "base64"})
_KIND = re.compile(rb"[a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,80}\s{0,9}(?:;|\Z)", re.I)


def check(letter: Letter, added: frozenset[str]) -> Iterator[Finding]:
    """What is against the standards; nothing that the relay added itself."""
    seen: set[str] = set()
    for name in sorted({header.name for header in letter.message.headers} - added):
        fields = letter.all(name)
        if name in ONCE and len(fields) > 1:
            yield from _once(seen, "header_repeated", name.title())
        for header in fields[:20]:
            for rule, what in _field(header, letter):
                yield from _once(seen, rule, what)
    if "from" not in added and not letter.all("from"):
        yield from _once(seen, "header_address", "From")
    for flaw in sorted(letter.message.flaws):
        yield from _once(seen, "header_mime", flaw)


def _once(seen: set[str], rule: str, what: str) -> Iterator[Finding]:
    if rule not in seen:
        seen.add(rule)
        yield Finding(rule, 1.0, "header", {"what": quoted(what)})


def _field(header: Header, letter: Letter) -> Iterator[tuple[str, str]]:
    name, value = header.name, header.value[:MAX_VALUE]
    shown = name.title()
    if not value.isascii() and name not in ("received",):
        yield "header_bytes", shown
    if len(header.value) > MAX_VALUE and name not in ("to", "cc", "references"):
        yield "header_long", shown
    if name == "date" and not _is_date(value):
        yield "header_date", value.decode("latin-1")
    elif name == "message-id" and not _MESSAGE_ID.match(value):
        yield "header_id", value.decode("latin-1")
    elif name in ("from", "reply-to") and not _has_address(value):
        yield "header_address", f"{shown}: {header.text}"
    elif name == "content-type" and not _KIND.match(value):
        yield "header_mime", value.decode("latin-1")
    elif name == "content-transfer-encoding":
        encoding = value.decode("latin-1").partition(";")[0].strip().lower()
        if encoding not in _ENCODINGS:
            yield "header_mime", encoding
    elif name == "subject" and "=?" in decoded_header(value.decode("latin-1")):
        yield "header_word", letter.subject


def _is_date(value: bytes) -> bool:
    """Whether it is a date (RFC 5322 §3.3), as the standard library reads it."""
    try:
        parsedate_to_datetime(value[:100].decode("latin-1"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return False
    return True


def _has_address(value: bytes) -> bool:
    """Whether a field names a mailbox that mail can be sent to; comments and names are skipped."""
    text = value.decode("utf-8", "replace")
    start, end = text.rfind("<"), text.rfind(">")
    if 0 <= start < end:
        return bool(_ADDRESS.match(text[start + 1 : end].strip()))
    return any(_ADDRESS.match(piece.strip("()\"', ")) for piece in re.split(r"[\s,;]", text[:1000]))
