"""What kind of mail a message is: a report, an automatic answer, or neither. Pure."""

from collections.abc import Mapping

from mailqueue.dsn import mime, signs, subjects
from mailqueue.dsn.folding import any_of, fold
from mailqueue.dsn.mail import STATUS_TYPES, Mail
from mailqueue.dsn.notes import MAX_WORDS, note_rows
from mailqueue.dsn.rows import Row, address_in, addresses


def is_report(mail: Mail, rows: list[Row]) -> bool:
    """Whether it is a report of a delivery; `rows` are those its fields speak of."""
    if any(part.type in STATUS_TYPES for part in mail.parts) or mail.header("x-failed-recipients"):
        return True
    by_subject = any_of(subjects.SUBJECTS, mail.subject)
    by_sentence = any_of(signs.SENTENCES, mail.opening)
    if rows or _is_from_system(mail):
        return by_subject or by_sentence
    # Parcels are not delivered either: without a mail system as its author, a report has to
    # name an address that is not the reader's.
    is_answer = mail.subject.startswith(subjects.ANSWERS)
    has_null_sender = mail.header("return-path").replace(" ", "") == "<>"
    if has_null_sender and (by_sentence or (by_subject and not is_answer)):
        return _names_somebody(mail)
    return by_subject and by_sentence and not is_answer and _names_somebody(mail)


def _names_somebody(mail: Mail) -> bool:
    ours = {found.address.lower() for found in addresses(mail.header("to"))}
    rows = note_rows(mail.note, (), ours, ())
    return any(row.recipient and row.recipient.lower() not in ours for row in rows)


def _is_from_system(mail: Mail) -> bool:
    sender = mail.headers.get("from")
    if sender is not None and not sender.strip(" <>\"'"):
        return True
    return any_of(signs.DAEMONS, fold(mime.decoded_header(sender or "")))


def is_auto_reply(mail: Mail) -> bool:
    """Whether a machine answers for a person (RFC 3834), by header or by subject."""
    if any(part.type in STATUS_TYPES for part in mail.parts):
        return False
    if mail.header("x-failed-recipients"):
        return False
    if "disposition-notification" in mail.header("content-type").lower():
        # A receipt (RFC 8098): it speaks of reading, not of delivery.
        return True
    told = _says_auto_reply(mail.headers)
    by_subject = mail.subject.startswith(subjects.AUTO_REPLY_SUBJECTS)
    if not told and not by_subject:
        return False
    writer = fold(mime.decoded_header(mail.header("from")))
    if any_of(signs.DAEMONS, writer) or not writer.strip(" <>"):
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


def _tells_failure(mail: Mail) -> bool:
    return any_of(subjects.SUBJECTS, mail.subject) or any_of(signs.SENTENCES, mail.opening)


def closed_mailbox(mail: Mail) -> Row | None:
    """The mailbox that an automatic answer says is closed: an answer, and yet a failure."""
    opening = mail.opening[:600]
    if not any_of(signs.CLOSED, opening):
        return None
    address = (
        address_in(mail.note[:600])
        or address_in(mail.header("reply-to"))
        or address_in(mail.header("from"))
    )
    return Row(address, action="failed", words=mail.note[:600])


def list_notice(mail: Mail) -> Row | None:
    """What the software of a mailing list says to someone who may not post there."""
    if not any_of(signs.LIST_REFUSALS, mail.opening[:600] + mail.subject):
        return None
    writer = mail.header("from").lower()
    if not any_of(signs.LIST_WRITERS, writer) and "x-mlserver" not in mail.headers:
        return None
    named = address_in(mail.note.partition("list")[2][:300])
    return Row(named or address_in(writer), words=mail.note[:MAX_WORDS])
