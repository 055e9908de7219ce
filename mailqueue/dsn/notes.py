"""Reports written for people: which addresses they speak of, and what they say of each. Pure.

qmail, Exim, old Exchange, Domino, carriers, web mailers: each has a form of its own, and most
share one shape, which is all this module relies on. The address stands at the start of a line,
or after a word like "to", "user" or "recipient", or inside a quoted SMTP reply; the reason
follows it; then comes a line that announces the returned message, or its headers.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from mailqueue.dsn.folding import fold
from mailqueue.dsn.rows import Row, address_in, addresses

MAX_LINES = 1500
MAX_LINE = 1000
MAX_WORDS = 6000
MAX_ROWS = 100

# Lines that announce the returned message. Each is looked for in a short line that also has
# rule-off marks, or ends in a colon or full stop, or consists of nothing else.
_RETURNED = (
    "copy of the message",  # qmail, Exim, Yahoo
    "copy of your message",
    "copy of the original message",  # OpenSMTPD
    "copy of message",
    "copy of the mail",
    "original message follows",
    "original message is",
    "original message below",
    "original message attached",
    "the original message",
    "original message",
    "original mail",  # m-FILTER
    "original headers",
    "original message headers",
    "headers of the original",
    "header of the original",
    "message header",  # DragonFly: Message headers follow.
    "message text follows",  # smail
    "message follows",
    "message headers follow",
    "headers follow",
    "unsent message",  # Sendmail 5
    "undelivered message",
    "undeliverable message",
    "returned message",
    "rejected message",
    "returned text",
    "returned content",
    "failed message",
    "bounced message",
    "received message follows",
    "your message reads",
    "message reads (in part)",
    "message contents follow",
    "contents of the message",
    "content of the message",
    "start of message",
    "begin message",
    "forwarded message",
    "message source",
    "mail header",
    "ursprungliche nachricht",
    "originalnachricht",
    "kopie der nachricht",
    "message d'origine",
    "message original",
    "copie du message",
    "mensaje original",
    "mensagem original",
    "messaggio originale",
    "oorspronkelijk bericht",
    "исходное сообщение",
    "копия сообщения",
    "копия письма",
    "原始邮件",
    "原邮件",
    "原始郵件",
    "オリジナルメッセージ",
    "元のメッセージ",
    "元のメール",
)
_HEADER_LINE = re.compile(
    r"(?:received|return-path|message-id|dkim-signature|mime-version|x-received|delivered-to"
    r"|envelope-to|authentication-results|arc-seal|domainkey-signature|x-mailer"
    r"|content-transfer-encoding|content-type|x-originating-ip|x-spam-[a-z]+) ?:",
    re.I,
)
# A line of any header; `To:` and `Subject:` are often told in the note as well.
_ANY_HEADER = re.compile(r"[A-Z][A-Za-z0-9-]{1,60}:(?: |\Z)")
_FORWARDED = re.compile(r"[> |]{0,8}")

_REPLY = re.compile(r"(?<![\d.])[45]\d\d[ -]")

# What an address follows when it is the sender's, or someone to ask.
_OF_SENDER = re.compile(
    r"\b(?:from|sender|return-path|reply-to|contact|mailto|postmaster|administrator|support"
    r"|write to|forward\w* to|report\w* to|send (?:an? )?\w+ to|from:"
    r"|sent by|cc|dear|hello|bonjour|questions to|help)\b[^@]{0,25}\Z"
    r"|\bby:? ?\Z|\bby user:? ?\Z|\bmail from\b|\bhelo\b|message-?id|\bthe sender\b"
)
# What an address follows when it is the recipient's.
_OF_RECIPIENT = re.compile(
    r"(?:\bto|\berrors?|\brecipients?|\baddress(?:es|ee)?|\busers?|\bmailbox|\bmailboxes|\baccount"
    r"|\brcpt|\bfor|\bon|\bhandle|\bunknown|\binvalid|\bfailed|\bundelivered"
    r"|\bdestinataires?|\badresses?|\bempfanger|\ban|\bdestinatarios?|\bdestinatari[oi]"
    r"|\bdireccion|\bendereco|\bindirizzo|\baan|адрес\w{0,3}|получател\w{0,3}|пользовател\w{0,3}"
    r"|地址|收件人|宛先|アドレス|受信者|あて先|送信先|받는 사람)"
    r"(?: is| was| are|\(s\)|\(es\))?[\s:;,=.<(\[\"'`*|-]{0,12}\Z"
)
# Local parts that answer for a system: in a sentence they are someone to ask.
_ROLES = ("postmaster", "mailer-daemon", "abuse", "helpdesk", "support", "webmaster", "noreply")
_DECORATION = " \t*•·-–—=+#>|<[({\"'`:;「『【（1234567890.)"


class Place(IntEnum):
    """How surely an address in a note is one that failed, by where it stands."""

    LEADS = 4  # at the start of its line
    NAMED = 3  # after a word for a recipient
    QUOTED = 2  # inside an SMTP reply
    OTHER = 1


@dataclass(frozen=True, slots=True)
class Mention:
    """An address in a note, the line it stands on, and how."""

    address: str
    line: int
    place: Place


def without_returned(text: str) -> tuple[str, str]:
    """A note, and the message it returns: cut at the announcement or at its headers."""
    lines = [line[:MAX_LINE] for line in text.split("\n")[:MAX_LINES]]
    end = _end_of_note(lines)
    return "\n".join(lines[:end]), "\n".join(lines[end:])


def note_rows(
    note: str, failed: Collection[str], sender: Collection[str], originally: Collection[str]
) -> list[Row]:
    """The recipients a note speaks of, with the words that follow each.

    `failed` are the addresses a header names as failed, `sender` those of the author,
    `originally` those the returned message is addressed to. Empty if there is nobody.
    """
    lines = [
        _FORWARDED.sub("", line, count=1) if line[:1] == ">" else line for line in note.split("\n")
    ]
    mentions = _mentions(lines)
    chosen = _chosen(mentions, failed, sender, originally)
    if not chosen:
        return [
            Row(recipient=address, around=note[:MAX_WORDS]) for address in list(failed)[:MAX_ROWS]
        ]
    return _with_words(chosen, lines, note)


def _chosen(
    mentions: list[Mention],
    failed: Collection[str],
    sender: Collection[str],
    originally: Collection[str],
) -> list[Mention]:
    """The mentions of the best place; the sender's own address only if there is no other."""
    ours = {address.lower() for address in sender}
    theirs = {address.lower() for address in [*failed, *originally]}
    others = [m for m in mentions if m.address.lower() not in ours]
    own = [m for m in mentions if m.address.lower() in ours & theirs or not others]
    for pool in (others, own):
        leading = [m for m in pool if m.place is Place.LEADS and not _is_role(m.address)]
        if leading:
            return _once(leading)
        if failed:
            known = [m for m in pool if m.address.lower() in theirs]
            return _once(known) if known else []
        for place in (Place.NAMED, Place.QUOTED):
            placed = [m for m in pool if m.place is place]
            if placed:
                return _once(placed)
        known = [m for m in pool if m.address.lower() in theirs]
        if known:
            return _once(known)
    return _once([m for m in others if not _is_role(m.address)])[:1]


def _mentions(lines: list[str]) -> list[Mention]:
    found: list[Mention] = []
    for number, line in enumerate(lines):
        for at in addresses(line)[:20]:
            if line[at.end : at.end + 2] == " <" and "@" in line[at.end :]:
                # `name@example.org <a@example.net>`: the first is only a name.
                line = line[: at.start] + " " * (at.end - at.start) + line[at.end :]
                continue
            place = _place(fold(line[: at.start]), line[at.end :], at.address)
            if place is not None:
                found.append(Mention(at.address, number, place))
        if len(found) >= MAX_ROWS:
            break
    return found


def _place(before: str, after: str, address: str) -> Place | None:
    bare = before.strip(_DECORATION)
    if not bare:
        return Place.LEADS if _ends_here(after) else Place.OTHER
    if _OF_SENDER.search(before):
        return None
    if _OF_RECIPIENT.search(before):
        return None if _is_role(address) else Place.NAMED
    return Place.QUOTED if _REPLY.search(before) else Place.OTHER


def _ends_here(after: str) -> bool:
    """Whether what follows an address at the start of a line can be a reason, not prose."""
    return not after.strip().startswith(("wrote", "a écrit", "schrieb"))


def _is_role(address: str) -> bool:
    return address.lower().startswith(_ROLES)


def _once(mentions: list[Mention]) -> list[Mention]:
    seen: dict[str, Mention] = {}
    for mention in mentions:
        seen.setdefault(mention.address.lower(), mention)
    return list(seen.values())


def _with_words(chosen: list[Mention], lines: list[str], note: str) -> list[Row]:
    """Each address with the text from it to the next one, or from the last one to it."""
    rows = []
    starts = [mention.line for mention in chosen] + [len(lines)]
    tail = " ".join(lines[chosen[-1].line :]).replace(chosen[-1].address, "")
    if len(chosen) > 1 and not any(c.isalpha() for c in tail):
        # Lotus Notes: the reason stands above the address.
        ends = [0, *(mention.line + 1 for mention in chosen)]
        return [
            Row(mention.address, words="\n".join(lines[start:end])[:MAX_WORDS])
            for mention, start, end in zip(chosen, ends, ends[1:], strict=False)
        ]
    for mention, end in zip(chosen, starts[1:], strict=True):
        last = max(end, mention.line + 1)
        if len(chosen) > 1 and _REPLY.match(lines[mention.line].lstrip(" <")):
            # Each reply stands for itself; what follows belongs to the next address.
            last = _next_reply(lines, mention.line + 1, last)
        words = "\n".join(lines[mention.line : last])[:MAX_WORDS]
        original = ""
        if "generated from" in words[:600]:
            # Exim: the address before an alias or a .forward was followed.
            original = address_in(words.partition("generated from")[2][:400])
        says_why = len(chosen) > 1 and any(c.isalpha() for c in words.replace(mention.address, ""))
        # What stands around may speak of another recipient.
        around = "" if says_why else note[:MAX_WORDS]
        rows.append(Row(mention.address, original, "", "", words, around))
    return rows


def _next_reply(lines: list[str], start: int, end: int) -> int:
    return next((n for n in range(start, end) if _REPLY.match(lines[n].lstrip(" <"))), end)


def _end_of_note(lines: list[str]) -> int:
    has_begun = False
    for number, line in enumerate(lines):
        # A title such as "Undeliverable message" announces nothing yet.
        if has_begun and _announces(line):
            return number
        has_begun = has_begun or "@" in line or number > 20
        if _HEADER_LINE.match(line) and _starts_headers(lines, number):
            return number
    return len(lines)


def _announces(line: str) -> bool:
    bare = line.strip()
    if not 8 <= len(bare) <= 100 or "@" in bare:
        return False
    words = bare.strip("-=*_|+#~<> \t")
    marked = len(words) < len(bare) - 1
    is_short = len(words.split()) <= 3 and len(words) <= 30
    if not marked and not is_short and not bare.endswith((":", ".", "：")):
        return False
    folded = fold(words)
    for phrase in _RETURNED:
        if phrase in folded:
            # "The original message was received at …" opens Sendmail's note.
            return marked or not folded.startswith("the original message was")
    return False


def _starts_headers(lines: list[str], number: int) -> bool:
    """Whether at least three header lines stand together here, one of them of the wire."""
    heads = 0
    for line in lines[number : number + 40]:
        if not line.strip():
            break
        heads += bool(_ANY_HEADER.match(line))
    return heads >= 3
