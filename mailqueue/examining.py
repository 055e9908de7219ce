"""A message looked at as a whole: what would become of it, and why. Pure.

`prepare` makes of what somebody pasted or uploaded what the relay would send, by the relay's own
rules (`headers`, `fitting`), or says that it is no message. `examine` puts the verdict of screening
beside what else there is to know: size, parts, links, who sent it. Rows and pages are for others.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from mailqueue import fitting, headers
from mailqueue.screening import Context, Finding, Verdict
from mailqueue.screening.letter import Letter, read
from mailqueue.screening.mime import Leaf
from mailqueue.screening.verdicts import quoted

# Ours: what a page can show. More is told as "and more".
MOST_PARTS = 50
MOST_HOSTS = 30
# Fields by which programs name themselves.
TELLING = ("x-php-originating-script", "x-php-script", "x-mailer", "user-agent")
# One of these at least stands in every e-mail, and hardly in any other text.
_USUAL = frozenset(
    {
        *(b"from", b"to", b"cc", b"bcc", b"subject", b"date", b"message-id", b"reply-to"),
        *(b"received", b"return-path", b"delivered-to", b"mime-version", b"content-type"),
    }
)
_OUTLOOK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MARKS = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


class Fault(StrEnum):
    """Why something is no message that can be looked at."""

    EMPTY = "empty"
    # What Outlook saves as .msg.
    OUTLOOK = "outlook"
    BINARY = "binary"
    NO_HEADER = "no_header"
    LONG_HEADER = "long_header"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message as the relay would send it, and what it would change for that.

    `size_bytes` is its size on the wire before anything is added. `added` and `removed` name header
    fields in lower case. `obstacle` are the relay's words if it would refuse the message.
    """

    content: bytes
    size_bytes: int
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    is_folded: bool = False
    obstacle: str = ""
    # Whom To, Cc and Bcc name, each once.
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message: its type, its name if it has one, its size in bytes once decoded."""

    kind: str
    name: str
    size_bytes: int
    is_attached: bool


@dataclass(frozen=True, slots=True)
class Examined:
    """What there is to know about a message. Its texts are lines, clipped; strangers wrote them."""

    score: float
    threshold: float
    is_spam: bool
    has_malware: bool
    findings: tuple[Finding, ...]
    size_bytes: int
    subject: str
    author: str
    author_domain: str
    recipients: int
    parts: tuple[Part, ...]
    is_cut: bool
    hosts: tuple[str, ...]
    # The names of fields of TELLING, with what they say.
    programs: tuple[tuple[str, str], ...]
    is_bulk: bool
    added: tuple[str, ...]
    removed: tuple[str, ...]
    is_folded: bool
    obstacle: str

    def as_row(self) -> dict[str, Any]:
        """As JSON keeps it; `of_row` reads it."""
        row: dict[str, Any] = _storable(asdict(self))
        return row


def of_row(row: Mapping[str, Any]) -> Examined:
    """What `as_row` gave."""
    values = dict(row)
    values["findings"] = tuple(Finding(**found) for found in row["findings"])
    values["parts"] = tuple(Part(**part) for part in row["parts"])
    values["programs"] = tuple((name, value) for name, value in row["programs"])
    for name in ("hosts", "added", "removed"):
        values[name] = tuple(row[name])
    return Examined(**values)


def prepare(raw: bytes, *, sender: str, message_id: str, now: datetime) -> Prepared | Fault:
    """What the relay would make of a message, or why this is none.

    `sender` is the envelope's, who becomes the author where From is missing. Recipients are read
    from the header, as for PHP's mail(). Never raises.
    """
    raw = _plain(raw)
    if not raw.strip():
        return Fault.EMPTY
    if raw.startswith(_OUTLOOK):
        return Fault.OUTLOOK
    text = headers.with_line_feeds(raw.lstrip(b"\r\n"), ignores_dots=True)
    if isinstance(text, headers.Problem):
        return Fault.BINARY
    parsed = headers.parse(text)
    if isinstance(parsed, headers.Problem):
        return Fault.LONG_HEADER
    if _USUAL.isdisjoint(item.name for item in parsed.fields):
        return Fault.NO_HEADER
    lines = [item.lines for item in parsed.fields], parsed.body
    problem = fitting.fit_lines(parsed)
    size = headers.sent_size(parsed)
    recipients = headers.recipients_of(parsed, sender.rpartition("@")[2])
    is_folded = lines != ([item.lines for item in parsed.fields], parsed.body)
    if isinstance(recipients, headers.Problem):
        problem, recipients = problem or recipients, []
    changes = headers.complete(parsed, sender=sender, full_name="", message_id=message_id, now=now)
    return Prepared(
        content=headers.as_sent(parsed, is_last=True),
        size_bytes=size,
        added=changes.added,
        removed=changes.removed,
        is_folded=is_folded and not problem,
        obstacle=problem.text if problem else "",
        recipients=tuple(recipients),
    )


def examine(prepared: Prepared, verdict: Verdict, context: Context) -> Examined:
    """All there is to know about a message on which screening gave this verdict."""
    letter = read(prepared.content)
    leaves = letter.message.leaves
    hosts = dict.fromkeys(quoted(found.url.host) for found in letter.web)
    return Examined(
        score=verdict.score,
        threshold=context.threshold,
        is_spam=verdict.is_spam,
        has_malware=verdict.has_malware,
        findings=verdict.findings,
        size_bytes=prepared.size_bytes,
        subject=quoted(letter.subject),
        author=quoted(letter.header("from")),
        author_domain=quoted(letter.sender.host),
        recipients=len(prepared.recipients),
        parts=tuple(_part(letter, leaf) for leaf in leaves[:MOST_PARTS]),
        is_cut=letter.message.is_cut or len(leaves) > MOST_PARTS,
        hosts=tuple(hosts)[:MOST_HOSTS],
        programs=tuple(
            (name, quoted(letter.header(name))) for name in TELLING if letter.header(name)
        ),
        is_bulk=letter.is_bulk,
        added=prepared.added,
        removed=prepared.removed,
        is_folded=prepared.is_folded,
        obstacle=quoted(prepared.obstacle),
    )


def _plain(raw: bytes) -> bytes:
    """Without the marks that editors write before a text; UTF-16 as UTF-8."""
    charset = _MARKS.get(raw[:2])
    if charset is not None:
        return raw[2:].decode(charset, "replace").encode()
    return raw.removeprefix(b"\xef\xbb\xbf")


def _part(letter: Letter, leaf: Leaf) -> Part:
    size = letter.message.size(leaf)
    return Part(quoted(leaf.kind), quoted(leaf.name), size, leaf.is_attached)


def _storable(value: Any) -> Any:
    """A value of JSON without what PostgreSQL refuses in it: NUL and lone surrogates."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "�")
    if isinstance(value, Mapping):
        return {_storable(name): _storable(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(one) for one in value]
    return value
