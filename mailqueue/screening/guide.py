"""The habits that the guide advises against, each a rule of its own. Pure.

Every one of these is met by honest mail now and then, so none makes a verdict by itself.
"""

import re
from collections.abc import Iterator

from mailqueue.screening.hosts import is_under, registered
from mailqueue.screening.letter import Letter, Reference
from mailqueue.screening.links import shown_host
from mailqueue.screening.topics import adult
from mailqueue.screening.verdicts import Context, Finding, quoted
from mailqueue.screening.words import Phrases

# The guide: three words or more.
CAPITAL_WORDS = 3
# The guide: 1 Mo, a million bytes; and "a few words".
LARGE_IMAGE = 1_000_000
FEW_WORDS = 20
# The guide: more than 70 %. Ours: of at least this much text; a line with a code has more blank.
BLANK_SHARE = 0.7
BLANK_LEAST = 300
# Ours: a code to type in is short, however large.
HUGE_LETTERS = 20
FAINT_LETTERS = 20

_CAPITALS = re.compile(r"[^\W\d_]{2,}(?:['’-][^\W\d_]+)*")
_OPENING = re.compile(
    r"\W{0,3}(hi|hey|hello friend|dear friend|free|buy|buying|buy now|cheap|"
    r"gratuit|gratis|kostenlos|achetez|kaufen sie|compra|無料)(?![\w'’-])",
    re.I,
)
_REPLY = re.compile(r"(?:(?:re|fwd?|tr|aw|wg|rv|r)\s?:\s?){1,5}", re.I)
_TAGS = re.compile(r"[\[(【][^\])】]{1,80}[\])】]\s?")
_BLANKS = (
    *" \t\r\n\f\v\xa0\u3000\u2060\ufeff\xad\u034f",
    *map(chr, range(0x2000, 0x200E)),
)

_ADULT: Phrases[float] = Phrases()
_ADULT.add([p.strip() for p in adult.STRONG.split(";")], 1.0)
_ADULT.add([p.strip() for p in adult.WEAK.split(";")], 1 / 3)


def check(letter: Letter, context: Context) -> Iterator[Finding]:
    """All habits of the guide that the message shows, but headers and attachments."""
    yield from _subject(letter)
    yield from _body(letter)
    yield from _looks(letter)
    yield from _links(letter, context)
    yield from _adult(letter)
    yield from _listings(context)


def capital_words(subject: str) -> list[str]:
    """The words of a subject that are all in capitals: two letters or more, tags left aside."""
    text = _TAGS.sub(" ", subject)
    return [word for word in _CAPITALS.findall(text) if word.isupper()]


def blank_share(text: str) -> float:
    """The share of blanks in a text, as a reader sees it."""
    if not text:
        return 0.0
    return sum(map(text.count, _BLANKS)) / len(text)


def _subject(letter: Letter) -> Iterator[Finding]:
    subject = letter.subject.strip()
    if not subject:
        yield Finding("no_subject", 1.0, "subject")
        return
    capitals = capital_words(subject)
    if len(capitals) >= CAPITAL_WORDS:
        yield Finding("subject_capitals", 1.0, "subject", {"what": quoted(subject)})
    start = _REPLY.sub("", subject) if ":" in subject else subject
    opening = _OPENING.match(_TAGS.sub("", start))
    if opening:
        # "Hi Marie" greets somebody; FREE shouts.
        is_loud = opening[1].isupper() and len(opening[1]) > 2
        details = {"what": quoted(opening[1])}
        yield Finding("subject_opening", 1.0 if is_loud else 0.5, "subject", details)


def _body(letter: Letter) -> Iterator[Finding]:
    images = [leaf for leaf in letter.message.leaves if leaf.kind.startswith("image/")]
    has_remote = any(found.images for found in letter.pages)
    if not letter.read.strip() and not letter.is_encrypted:
        # A file alone is something: scanners and forms send them so.
        weight = 0.5 if letter.attachments or has_remote else 1.0
        yield Finding("no_text", weight, "text")
    if len(images) == 1 and letter.word_count < FEW_WORDS:
        size = letter.message.size(images[0])
        if size > LARGE_IMAGE:
            details = {"what": quoted(images[0].name) or images[0].kind, "bytes": str(size)}
            yield Finding("image_only", 1.0, "attachment", details)
    text = letter.plain if not letter.pages else "\n".join(found.text for found in letter.pages)
    share = _raw_share(letter) if not letter.pages else blank_share(_collapsed(text))
    if share > BLANK_SHARE:
        yield Finding("blank", 1.0, "text", {"percent": str(int(share * 100))})


def _raw_share(letter: Letter) -> float:
    """The share of blanks in the plain text, if there is enough of it to tell."""
    return blank_share(letter.plain) if len(letter.plain) >= BLANK_LEAST else 0.0


def _collapsed(text: str) -> str:
    """Text of a page without the blanks that a browser does not show; "" if that is too little."""
    lines = [" ".join(line.split(" ")).strip(" \t") for line in text.split("\n")]
    shown = "\n".join(line for line in lines if line)
    return shown if len(shown) >= BLANK_LEAST else ""


def _looks(letter: Letter) -> Iterator[Finding]:
    huge = "".join(found.huge for found in letter.pages).strip()
    if sum(map(str.isalpha, huge)) > HUGE_LETTERS:
        yield Finding("huge_font", 1.0, "html", {"what": quoted(huge)})
    faint = "".join(found.faint for found in letter.pages).strip()
    letters = sum(map(str.isalnum, faint))
    if letters > FAINT_LETTERS:
        # A line or two may be a slip of the design; paragraphs are hidden on purpose.
        weight = 1.0 if letters > 200 else 0.6
        yield Finding("same_colour", weight, "html", {"what": quoted(faint)})


def _links(letter: Letter, context: Context) -> Iterator[Finding]:
    wrong = next((found for found in letter.references if found.url.flaw and found.is_shown), None)
    if wrong:
        details = {"what": quoted(wrong.url.written) or 'href=""'}
        yield Finding("link_invalid", 1.0, "link", details)
    other = next((found for found in letter.web if _shows_other(found)), None)
    if other:
        is_tracked = letter.is_bulk or is_under(other.url.host, context.own_domains)
        is_tracked = is_tracked or other.url.domain == registered(letter.sender.host or "-")
        details = {"what": quoted(other.text), "host": quoted(other.url.host)}
        yield Finding("link_text", 0.3 if is_tracked else 1.0, "link", details)
    hosts = {found.url.host: found.url.scheme for found in reversed(letter.web)}
    dead = sorted(set(hosts) & context.dead_hosts)
    if dead:
        yield Finding("link_dead", 1.0, "link", {"what": quoted(dead[0])})
    insecure = sorted(
        found.url.host
        for found in letter.web
        if found.url.scheme == "https"
        # Another port may have what the usual one has not.
        and found.url.port in ("", "443")
        and found.url.host in context.hosts_without_https
    )
    if insecure:
        yield Finding("link_insecure", 1.0, "link", {"what": quoted(insecure[0])})


def _shows_other(found: Reference) -> bool:
    """Whether the text of a link shows another site than the one it leads to."""
    shown = shown_host(found.text)
    return bool(shown) and registered(shown) != found.url.domain


def _adult(letter: Letter) -> Iterator[Finding]:
    seen: dict[str, float] = {}
    total = 0.0
    for phrase, weight, _ in _ADULT.found(letter.phrased):
        seen[phrase] = weight
        total += weight
    strong = sum(weight == 1.0 for weight in seen.values())
    if not strong or total < 2:
        return
    density = total / max(30, letter.word_count)
    # One term in fifty words or more, and two different ones, are the subject of the message.
    weight = min(1.0, density * 12) * min(1.0, (len(seen) + strong) / 5)
    if weight >= 0.15:
        if letter.is_visitors:
            weight /= 2
        yield Finding("pornographic", weight, "text", {"what": quoted(", ".join(sorted(seen)))})


def _listings(context: Context) -> Iterator[Finding]:
    """Reputation lists: 127.0.0.0/8 says listed, 127.255.255.0/24 that the question failed.

    RFC 5782 §2.1; the errors are Spamhaus's and were taken up by others.
    """
    real = [
        one
        for one in context.listings
        if one.answer.startswith("127.") and not one.answer.startswith("127.255.255.")
    ]
    if real:
        details = {"what": quoted(real[0].asked), "zone": quoted(real[0].zone)}
        yield Finding("listed", min(1.0, 0.6 * len({one.zone for one in real})), "message", details)
