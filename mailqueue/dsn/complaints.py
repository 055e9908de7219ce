"""Complaints: feedback reports (RFC 5965), and those that Amazon SES tells as JSON. Pure."""

from mailqueue.dsn import fields, mime
from mailqueue.dsn.mail import Mail
from mailqueue.dsn.rows import Row, address_in


def complaint(mail: Mail) -> tuple[Row, str] | None:
    """Who complained, and the type of the feedback, or None if this is no complaint."""
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
    return Row(recipient=recipient), found.get("feedback-type", "abuse").lower()


def _told_complaint(mail: Mail) -> tuple[Row, str] | None:
    """A complaint that Amazon SES tells as JSON."""
    if "complainedRecipients" not in mail.note:
        return None
    recipient = address_in(mail.note.partition("complainedRecipients")[2][:1000])
    return Row(recipient=recipient), "abuse"
