"""The sentences of the queue's page: where mail stands, and what becomes of a choice."""

from collections.abc import Sequence

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue.models import HostingAccount, Recipient
from mailqueue.queue_view import Row, Standing
from mailqueue.states import State


def standings() -> list[tuple[str, str]]:
    """Where mail can stand, for a choice: value and words."""
    return [
        (Standing.BLOCKED.value, _("Held: service blocked")),
        (Standing.OVERFLOW.value, _("Held: over the quota")),
        (Standing.SPAM.value, _("Judged to be spam")),
        (Standing.SCRIPT.value, _("Held: script blocked")),
        (Standing.WAITING.value, _("Waiting for the next try")),
        (Standing.SENDING.value, _("Being sent")),
    ]


def looked(number: int, until: str) -> str:
    """How far a look has come that ended before the queue did."""
    return _("%(number)s e-mails were looked through, up to those that came in %(moment)s.") % {
        "number": formats.number_format(number, use_l10n=True, force_grouping=True),
        "moment": until,
    }


def why_not_release(account: HostingAccount) -> str:
    """Why somebody may not let go held mail by itself."""
    if account.state == State.PURGING:
        return _("A purge is running")
    if account.closed_at is not None:
        return _("The hosting plan is closed")
    if account.review_required:
        return _("An administrator has yet to look at the block")
    if account.state == State.SPAM:
        return _("After a block for spam the queue can only be purged")
    return _("Sending is not blocked")


def release_question(rows: Sequence[Row]) -> str:
    """What will happen to chosen mail that is let go."""
    spam = sum(row.hold_reason == Recipient.HoldReason.SPAM for row in rows)
    return f"{_goes(len(rows))} {_not_wanted(spam)}".strip()


def _goes(number: int) -> str:
    return ngettext(
        "%(number)s e-mail goes out at once. The state of the service stays as it is.",
        "%(number)s e-mails go out at once. The state of the service stays as it is.",
        number,
    ) % {"number": number}


def _not_wanted(number: int) -> str:
    """That spam goes, and the rules stay."""
    if not number:
        return ""
    return ngettext(
        "%(number)s was judged to be spam: the next one like it will be held again. “Mark as"
        " wanted” changes that.",
        "%(number)s were judged to be spam: the next ones like them will be held again. “Mark as"
        " wanted” changes that.",
        number,
    ) % {"number": number}


def purge_question(rows: Sequence[Row]) -> str:
    """What will happen to chosen mail that is purged."""
    return ngettext(
        "%(number)s e-mail is deleted for good.",
        "%(number)s e-mails are deleted for good.",
        len(rows),
    ) % {"number": len(rows)}


def released(number: int) -> str:
    """That chosen mail was let go."""
    return ngettext(
        "%(number)s e-mail is on its way.", "%(number)s e-mails are on their way.", number
    ) % {"number": number}


def purged(number: int) -> str:
    """That chosen mail was purged."""
    return ngettext(
        "%(number)s e-mail was deleted.", "%(number)s e-mails were deleted.", number
    ) % {"number": number}


def left_alone(number: int) -> str:
    """That some of the choice stays as it is."""
    if not number:
        return ""
    return ngettext(
        "%(number)s e-mail is left alone: it is not held, is being sent, or has left the queue.",
        "%(number)s e-mails are left alone: they are not held, are being sent, or have left the"
        " queue.",
        number,
    ) % {"number": number}


def purge_leaves_alone(number: int) -> str:
    """That some of the choice can no longer be purged."""
    if not number:
        return ""
    return ngettext(
        "%(number)s e-mail is left alone: it is being sent, or has left the queue.",
        "%(number)s e-mails are left alone: they are being sent, or have left the queue.",
        number,
    ) % {"number": number}


def not_spam(number: int) -> str:
    """That some of the choice cannot be taken for wanted."""
    if not number:
        return ""
    return ngettext(
        "%(number)s e-mail is left alone: it is not held as spam, or malware was found in it.",
        "%(number)s e-mails are left alone: they are not held as spam, or malware was found in"
        " them.",
        number,
    ) % {"number": number}
