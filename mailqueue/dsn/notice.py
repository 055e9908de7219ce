"""What a message is, and the recipients it speaks of: the one way into this package. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from mailqueue.dsn import fields, mime, notes, signs
from mailqueue.dsn.rows import Row, address_in, addresses

_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
# How much of a note is looked at for the sentences that reports open with.
_OPENING = 4000
_DOVECOT = re.compile(r"was automatically rejected:[^\n]{0,300}\n[^\n]{0,300}")
_LOCAL_FOR = re.compile(r"\bfor <?([^\s<>;]{1,320}@[^\s<>;]{1,255})>?")


class Kind(StrEnum):
    """What a message that came back is."""

    REPORT = "report"  # of a delivery: failed, delayed or done
    COMPLAINT = "complaint"  # a feedback report (RFC 5965)
    AUTO_REPLY = "auto_reply"  # a holiday notice or other automatic answer (RFC 3834)
    ORDINARY = "ordinary"  # anything else


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that came back: its kind, its recipients, and the text people read.

    `feedback` is the type of a feedback report: abuse, opt-out, auth-failure …
    """

    kind: Kind
    rows: tuple[Row, ...] = ()
    note: str = ""
    subject: str = ""
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class _Mail:
    """A message taken apart, as the questions below need it."""

    headers: Mapping[str, str]
    subject: str
    parts: list[mime.Part]
    note: str
    returned: Mapping[str, str]

    def header(self, name: str) -> str:
        return self.headers.get(name, "")


def read(message: bytes) -> Notice:
    """What a message is and says. Never raises; reads at most `mime.MAX_BYTES`."""
    mail = _taken_apart(message)
    complaint = _complaint(mail)
    if complaint:
        return complaint
    rows = _field_rows(mail)
    if _is_auto_reply(mail) and not rows:
        closed = _closed_mailbox(mail)
        if closed:
            return Notice(Kind.REPORT, (closed,), mail.note, mail.subject)
        sender = address_in(mail.header("from")) or address_in(mail.header("return-path"))
        return Notice(Kind.AUTO_REPLY, (Row(recipient=sender),), mail.note, mail.subject)
    refused = _list_notice(mail) if not rows else None
    if refused:
        return Notice(Kind.REPORT, (refused,), mail.note, mail.subject)
    if not _is_report(mail, rows):
        return Notice(Kind.ORDINARY)
    return Notice(Kind.REPORT, tuple(rows or _note_rows(mail)), mail.note, mail.subject)


def _taken_apart(message: bytes) -> _Mail:
    headers, parts = mime.take_apart(message)
    texts = [p.text for p in parts if p.type == "text/plain" or p.type in _STATUS_TYPES]
    if not any(text.strip() for text in texts):
        texts = [p.text for p in parts if not p.is_returned]
    note, rest = notes.without_returned("\n".join(texts)[: mime.MAX_TEXT])
    attached = next((p.text for p in parts if p.is_returned and p.text.strip()), "")
    returned = mime.headers_of(attached or _from_first_header(rest))
    subject = signs.fold(mime.decoded_header(headers.get("subject", "")))
    return _Mail(headers, subject, parts, note, returned)


def _from_first_header(rest: str) -> str:
    """What follows the announcement of a returned message, from its first header on."""
    lines = rest.split("\n")
    for number, line in enumerate(lines[:10]):
        if re.match(r"[A-Z][\w-]{1,60}: ?\S", line):
            return "\n".join(lines[number:])
    return ""


def _complaint(mail: _Mail) -> Notice | None:
    report = next((p for p in mail.parts if p.type == "message/feedback-report"), None)
    if report is None:
        # A report whose part lost its type still says what it is.
        of_kind = "feedback-report" in mail.header("content-type").lower()
        report = next((p for p in mail.parts if of_kind and "Feedback-Type" in p.text), None)
    if report is None:
        return _told_complaint(mail)
    found = fields.feedback_fields(report.text)
    named = next(
        (
            address
            for name in ("original-rcpt-to", "removal-recipient", "redacted-address")
            if (address := address_in(found.get(name, "")))
        ),
        "",
    )
    original = mime.headers_of(next((p.text for p in mail.parts if p.is_returned), ""))
    recipient = named or address_in(original.get("to", ""))
    kind = found.get("feedback-type", "abuse").lower()
    if kind == "not-spam":
        # The recipient took it out of the spam folder.
        return Notice(Kind.ORDINARY)
    return Notice(Kind.COMPLAINT, (Row(recipient=recipient),), mail.note, mail.subject, kind)


def _told_complaint(mail: _Mail) -> Notice | None:
    """A complaint that Amazon SES tells as JSON."""
    if "complainedRecipients" not in mail.note:
        return None
    recipient = address_in(mail.note.partition("complainedRecipients")[2][:1000])
    return Notice(Kind.COMPLAINT, (Row(recipient=recipient),), "", mail.subject, "abuse")


def _closed_mailbox(mail: _Mail) -> Row | None:
    """The mailbox that an automatic answer says is closed: an answer, and yet a failure."""
    opening = _opening(mail)[:600]
    if not signs.any_of(signs.CLOSED, opening):
        return None
    address = (
        address_in(mail.note[:600])
        or address_in(mail.header("reply-to"))
        or address_in(mail.header("from"))
    )
    return Row(address, action="failed", words=mail.note[:600])


def _list_notice(mail: _Mail) -> Row | None:
    """What the software of a mailing list says to someone who may not post there."""
    if not signs.any_of(signs.LIST_REFUSALS, _opening(mail)[:600] + mail.subject):
        return None
    writer = mail.header("from").lower()
    if not signs.any_of(signs.LIST_WRITERS, writer) and "x-mlserver" not in mail.headers:
        return None
    named = address_in(mail.note.partition("list")[2][:300])
    return Row(named or address_in(writer), words=mail.note[: notes.MAX_WORDS])


def _field_rows(mail: _Mail) -> list[Row]:
    """Rows from the fields of RFC 3464, completed from the note where they say too little."""
    rows: list[Row] = []
    for part in mail.parts:
        if part.type in _STATUS_TYPES:
            rows += fields.delivery_rows(part.text)
    if not any(row.recipient for row in rows):
        hidden = [p.text for p in mail.parts if not p.is_returned and fields.has_fields(p.text)]
        rows = [row for text in hidden for row in fields.delivery_rows(text)] or rows
    if not rows and "notificationType" in mail.note:
        rows = fields.notification_rows(mail.note)
    rows = [row for row in rows if row.recipient or row.action or row.status or row.words]
    rows = _merged(rows)
    told = _note_rows(mail) if rows else []
    return _merged([_completed(row, mail, told, len(rows)) for row in rows])


def _completed(row: Row, mail: _Mail, told: list[Row], count: int) -> Row:
    """A row with the address and the words that only the note has."""
    if row.recipient and row.words and count > 1:
        return row
    reason = _DOVECOT.search(mail.note)
    if reason and count == 1:
        # Dovecot writes the true reason for people, and any code into the fields.
        row = replace(row, words=reason[0])
    named = next((r for r in told if r.recipient.lower() == row.recipient.lower()), None)
    if named is None and not row.recipient and count == 1 and told:
        named = told[0]
    words = named.words if named else ""
    return Row(
        row.recipient or (named.recipient if named else ""),
        row.original or (named.original if named else ""),
        row.action,
        row.status,
        row.words,
        words or (mail.note[: notes.MAX_WORDS] if count == 1 else ""),
    )


def _merged(rows: list[Row]) -> list[Row]:
    """One row for each address: a report may name it in several parts."""
    by_address: dict[str, Row] = {}
    for row in rows:
        by_address.setdefault(row.recipient.lower(), row)
    return list(by_address.values())


def _note_rows(mail: _Mail) -> list[Row]:
    failed = [found.address for found in addresses(mail.header("x-failed-recipients"))]
    sender = [
        found.address
        for value in (
            mail.header("to"),
            mail.header("from"),
            mail.returned.get("from", ""),
            mail.returned.get("return-path", ""),
        )
        for found in addresses(value)[:5]
    ]
    to = [
        found.address
        for name in ("to", "cc", "x-original-to", "x-envelope-to")
        for found in addresses(mail.returned.get(name, ""))[:50]
    ]
    rows = notes.note_rows(mail.note, failed, sender, to)
    if rows:
        return rows
    passed_on = _LOCAL_FOR.search(mail.returned.get("received", ""))
    sole = address_in(passed_on[1]) if passed_on else (to[0] if len(set(to)) == 1 else "")
    return [Row(recipient=sole, around=mail.note[: notes.MAX_WORDS])]


def _is_report(mail: _Mail, rows: list[Row]) -> bool:
    if any(part.type in _STATUS_TYPES for part in mail.parts) or mail.header("x-failed-recipients"):
        return True
    from_system = _is_from_system(mail)
    by_subject = signs.any_of(signs.SUBJECTS, mail.subject)
    by_sentence = signs.any_of(signs.SENTENCES, _opening(mail))
    if rows:
        return from_system or by_subject or by_sentence
    if mail.subject.startswith(("re:", "aw:", "tr:", "fwd:", "fw:")):
        return from_system and by_sentence
    return (from_system and (by_subject or by_sentence)) or (by_subject and by_sentence)


def _tells_failure(mail: _Mail) -> bool:
    return signs.any_of(signs.SUBJECTS, mail.subject) or signs.any_of(
        signs.SENTENCES, _opening(mail)
    )


def _opening(mail: _Mail) -> str:
    """The first words of the note, in one line: notes are wrapped anywhere."""
    return " ".join(signs.fold(mail.note[:_OPENING]).split())


def _is_from_system(mail: _Mail) -> bool:
    if mail.header("return-path").replace(" ", "") == "<>":
        return True
    sender = mail.headers.get("from")
    if sender is not None and not sender.strip(" <>\"'"):
        return True
    writer = signs.fold(mime.decoded_header(sender or ""))
    return signs.any_of(signs.DAEMONS, writer)


def _is_auto_reply(mail: _Mail) -> bool:
    """Whether a machine answers for a person (RFC 3834), by header or by subject."""
    if any(part.type in _STATUS_TYPES for part in mail.parts):
        return False
    if mail.header("x-failed-recipients"):
        return False
    if "disposition-notification" in mail.header("content-type").lower():
        # A receipt (RFC 8098): it speaks of reading, not of delivery.
        return True
    told = _says_auto_reply(mail.headers)
    by_subject = mail.subject.startswith(signs.AUTO_REPLY_SUBJECTS)
    if not told and not by_subject:
        return False
    writer = signs.fold(mime.decoded_header(mail.header("from")))
    if signs.any_of(signs.DAEMONS, writer) or not writer.strip(" <>"):
        # Exim and others mark their reports as automatic answers, too.
        return not _tells_failure(mail)
    return True


def _says_auto_reply(headers: Mapping[str, str]) -> bool:
    submitted = headers.get("auto-submitted", "").lower()
    if submitted.startswith(("auto-replied", "auto-notified")):
        return True
    answers = "in-reply-to" in headers or "references" in headers
    if submitted.startswith("auto-generated") and answers:
        return True
    if headers.get("precedence", "").lower() in ("auto_reply", "auto-reply"):
        return True
    if headers.get("x-apple-action", "").upper() == "VACATION":
        return True
    if headers.keys() & {"x-autoreply", "x-autoresponse", "x-autorespond", "x-autoreply-from"}:
        return True
    return headers.keys() & {"x-mail-autoreply", "x-autoresponder"} != set()
