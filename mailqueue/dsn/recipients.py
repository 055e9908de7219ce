"""The recipients of a report: from its fields, completed from its note. Pure."""

import re
from dataclasses import replace

from mailqueue.dsn import fields
from mailqueue.dsn.mail import STATUS_TYPES, Mail
from mailqueue.dsn.notes import MAX_WORDS, note_rows
from mailqueue.dsn.rows import Row, address_in, addresses

_DOVECOT = re.compile(r"was automatically rejected:[^\n]{0,300}\n[^\n]{0,300}")
_LOCAL_FOR = re.compile(r"\bfor <?([^\s<>;]{1,320}@[^\s<>;]{1,255})>?")


def field_rows(mail: Mail) -> list[Row]:
    """Rows from the fields of RFC 3464, completed from the note where they say too little."""
    rows: list[Row] = []
    for part in mail.parts:
        if part.type in STATUS_TYPES:
            rows += fields.delivery_rows(part.text)
    if not any(row.recipient for row in rows):
        hidden = [p.text for p in mail.parts if not p.is_returned and fields.has_fields(p.text)]
        rows = [row for text in hidden for row in fields.delivery_rows(text)] or rows
    if not rows and "notificationType" in mail.note:
        rows = fields.notification_rows(mail.note)
    rows = [row for row in rows if row.recipient or row.action or row.status or row.words]
    rows = _merged(rows)
    told = note_rows_of(mail) if rows else []
    return _merged([_completed(row, mail, told, len(rows)) for row in rows])


def _completed(row: Row, mail: Mail, told: list[Row], count: int) -> Row:
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
        words or (mail.note[:MAX_WORDS] if count == 1 else ""),
    )


def _merged(rows: list[Row]) -> list[Row]:
    """One row for each address: a report may name it in several parts."""
    by_address: dict[str, Row] = {}
    for row in rows:
        by_address.setdefault(row.recipient.lower(), row)
    return list(by_address.values())


def note_rows_of(mail: Mail) -> list[Row]:
    """The recipients that the note speaks of; one without an address if it names nobody."""
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
    rows = note_rows(mail.note, failed, sender, to)
    if rows:
        return rows
    passed_on = _LOCAL_FOR.search(mail.returned.get("received", ""))
    sole = address_in(passed_on[1]) if passed_on else (to[0] if len(set(to)) == 1 else "")
    return [Row(recipient=sole, around=mail.note[:MAX_WORDS])]
