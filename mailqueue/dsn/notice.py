"""What a message is, and the recipients it speaks of: the one way into this package. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from mailqueue.dsn.complaints import complaint
from mailqueue.dsn.kinds import closed_mailbox, is_auto_reply, is_report, list_notice
from mailqueue.dsn.mail import Mail, taken_apart
from mailqueue.dsn.recipients import field_rows, note_rows_of
from mailqueue.dsn.rows import Row, address_in


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


def read(message: bytes) -> Notice:
    """What a message is and says. Never raises; reads at most `mime.MAX_BYTES`."""
    mail = taken_apart(message)
    complained = complaint(mail)
    if complained:
        row, feedback = complained
        if feedback == "not-spam":
            # The recipient took it out of the spam folder.
            return Notice(Kind.ORDINARY)
        return Notice(Kind.COMPLAINT, (row,), mail.note, mail.subject, feedback)
    rows = field_rows(mail)
    if not rows and is_auto_reply(mail):
        return _answer(mail)
    refused = list_notice(mail) if not rows else None
    if refused:
        rows = [refused]
    elif not is_report(mail, rows):
        return Notice(Kind.ORDINARY)
    return Notice(Kind.REPORT, tuple(rows or note_rows_of(mail)), mail.note, mail.subject)


def _answer(mail: Mail) -> Notice:
    """An automatic answer; one that says the mailbox is closed is a report all the same."""
    closed = closed_mailbox(mail)
    if closed:
        return Notice(Kind.REPORT, (closed,), mail.note, mail.subject)
    sender = address_in(mail.header("from")) or address_in(mail.header("return-path"))
    return Notice(Kind.AUTO_REPLY, (Row(recipient=sender),), mail.note, mail.subject)
