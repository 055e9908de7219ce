"""The fields of a delivery report (RFC 3464) and of a feedback report (RFC 5965). Pure.

Read by line and not by part: quoted with `>`, in a part of the wrong type, without the empty
lines between recipients, or in another order than the RFC's, they are found all the same.
"""

import json
import re
from collections.abc import Iterator, Mapping

from mailqueue.dsn.rows import Row, address_in

MAX_LINES = 5000
MAX_VALUE = 4000
MAX_ROWS = 200

_FIELD = re.compile(r"([A-Za-z][A-Za-z-]{2,40})\s{0,3}:(.*)\Z", re.DOTALL)
_TYPED = re.compile(r"[\w.+-]{1,40}\s{0,3};\s{0,8}")
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d.])")
_WORD = re.compile(r"[a-z]+")

_RECIPIENT = frozenset(
    {
        "final-recipient",
        "original-recipient",
        # Sendmail: the address after aliases and .forward.
        "x-actual-recipient",
    }
)
_OF_RECIPIENT = _RECIPIENT | {"action", "status", "diagnostic-code", "remote-mta"}
_OF_MESSAGE = frozenset(
    {
        "reporting-mta",
        "received-from-mta",
        "arrival-date",
        "original-envelope-id",
        "last-attempt-date",
        "will-retry-until",
        "final-log-id",
        "dsn-gateway",
    }
)


def has_fields(text: str) -> bool:
    """Whether a text may hold the fields of a delivery report."""
    lower = text.lower()
    return "final-recipient" in lower or "original-recipient" in lower


def delivery_rows(text: str) -> list[Row]:
    """The recipients of a delivery report, in order.

    A row may lack its address, when the report names none that is one.
    """
    rows: list[dict[str, str]] = [{}]
    for name, value in _fields(text):
        row = rows[-1]
        if not name:
            # An empty line ends a recipient, once it has been named and judged.
            if row.keys() & _RECIPIENT and row.keys() - _RECIPIENT:
                rows.append({})
            continue
        if name in _RECIPIENT and name in row:
            row = {}
            rows.append(row)
        if name == "diagnostic-code" and name in row:
            row[name] = f"{row[name]} {value}"[:MAX_VALUE]
        else:
            row.setdefault(name, value)
        if len(rows) >= MAX_ROWS:
            break
    return [_row(row) for row in _joined(rows)]


def feedback_fields(text: str) -> dict[str, str]:
    """The fields of a feedback report, names in lower case, the first of each name."""
    fields: dict[str, str] = {}
    for line in text.split("\n")[:MAX_LINES]:
        match = _FIELD.match(line.strip())
        if match:
            fields.setdefault(match[1].lower(), match[2].strip()[:MAX_VALUE])
    return fields


def notification_rows(text: str) -> list[Row]:
    """The recipients of a report that Amazon SES tells as JSON, often inside JSON or wrapped."""
    flat = text.replace("!\n ", "").replace("\n", "")
    if "smtpResponse" in flat and "processingTimeMillis" in flat:
        arrived = address_in(flat.partition("smtpResponse")[0].rpartition("recipients")[2])
        return [Row(recipient=arrived, action="delivered")]
    if '\\"bouncedRecipients\\"' in flat:
        flat = flat.replace('\\"', '"').replace("\\\\", "\\")
    _, found, rest = flat.partition('"bouncedRecipients"')
    start = rest.find("[")
    if not found or start < 0:
        return []
    try:
        listed, _ = json.JSONDecoder().raw_decode(rest[start : start + MAX_VALUE * 10])
    except (ValueError, RecursionError):
        return []
    return [_notified(item) for item in listed[:MAX_ROWS] if isinstance(item, dict)]


def status_in(text: str) -> str:
    """The first enhanced status code in a text (RFC 3463), or ""."""
    match = _STATUS.search(text)
    return match[0] if match else ""


def _notified(item: Mapping[str, object]) -> Row:
    def of(name: str) -> str:
        value = item.get(name)
        return value if isinstance(value, str) else ""

    return Row(
        recipient=address_in(of("emailAddress")),
        action=of("action").lower() or "failed",
        status=status_in(of("status")),
        words=_untyped(of("diagnosticCode")),
    )


def _fields(text: str) -> Iterator[tuple[str, str]]:
    """Fields with their continued lines joined; ("", "") for an empty line."""
    name, value = "", ""
    for raw in text.split("\n")[:MAX_LINES]:
        line = raw[:MAX_VALUE]
        if line.startswith((">", "|")):
            line = line.lstrip("> |")
        match = _FIELD.match(line.lstrip() if not name else line)
        known = match is not None and match[1].lower() in _OF_RECIPIENT | _OF_MESSAGE
        if name and not known and _continues(name, line, match is not None):
            if len(value) < MAX_VALUE:
                value = f"{value} {line.strip()}"[:MAX_VALUE]
            continue
        if name:
            yield name, value.strip()
            name = ""
        if known and match is not None:
            found = match[1].lower()
            name, value = (found, match[2]) if found in _OF_RECIPIENT else ("", "")
        elif not line.strip():
            yield "", ""
    if name:
        yield name, value.strip()


def _continues(name: str, line: str, looks_like_field: bool) -> bool:
    if not line.strip():
        return False
    if line[:1] in (" ", "\t"):
        return True
    # Folded without the space that folding needs: only a diagnosis runs that long.
    return name == "diagnostic-code" and not looks_like_field and not line.startswith("--")


def _joined(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rows with an address; the fields that an empty line cut off go back to theirs."""
    joined: list[dict[str, str]] = []
    for row in rows:
        if row.keys() & _RECIPIENT:
            joined.append(row)
        elif joined and row:
            for name, value in row.items():
                joined[-1].setdefault(name, value)
    return joined


def _row(fields: Mapping[str, str]) -> Row:
    final = address_in(_untyped(fields.get("final-recipient", "")))
    original = address_in(_untyped(fields.get("original-recipient", "")))
    actual = address_in(_untyped(fields.get("x-actual-recipient", "")))
    if "|" in fields.get("final-recipient", "")[:20]:
        # Exim and Sendmail name the program an alias pipes into, not the address.
        final = ""
    action = _WORD.match(fields.get("action", "").strip().lower())
    return Row(
        recipient=final or original or actual,
        original=original,
        action=action[0] if action else "",
        status=status_in(fields.get("status", "")),
        words=_untyped(fields.get("diagnostic-code", "")),
    )


def _untyped(value: str) -> str:
    """A value without its type, as in `smtp; 550 …` or `rfc822; a@example.org`."""
    value = value.strip()
    if value.lower().startswith("x-unix"):
        # An exit code says nothing without its type.
        return value
    match = _TYPED.match(value)
    return value[match.end() :] if match else value
