"""The sentences of blocking and unblocking a selection of accounts."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue.states import Event
from panel import wording
from panel.bulk import Left


def title(event: Event, number: int) -> str:
    """What is to be done, to how many."""
    if event is Event.BLOCK:
        text = ngettext(
            "Block sending of %(number)d hosting plan",
            "Block sending of %(number)d hosting plans",
            number,
        )
    else:
        text = ngettext(
            "Unblock sending of %(number)d hosting plan",
            "Unblock sending of %(number)d hosting plans",
            number,
        )
    return text % {"number": number}


def consequences(event: Event) -> list[str]:
    """What will happen to each, before somebody confirms."""
    if event is Event.BLOCK:
        return [
            _("The e-mails of their scripts will no longer be delivered; they wait in the queue."),
            _("What waits too long expires. The owners see who has blocked sending."),
        ]
    return [
        _("What waits in their queues goes out, and new e-mails are delivered again."),
        _("“Disabled” becomes “Enabled”, “Bounce” becomes “Force”."),
    ]


def done(event: Event, number: int) -> str:
    """What was done, to how many."""
    if event is Event.BLOCK:
        text = ngettext(
            "Sending of %(number)d hosting plan is blocked.",
            "Sending of %(number)d hosting plans is blocked.",
            number,
        )
    else:
        text = ngettext(
            "Sending of %(number)d hosting plan is unblocked.",
            "Sending of %(number)d hosting plans is unblocked.",
            number,
        )
    return text % {"number": number}


def not_done(left: Left) -> str:
    """That nothing was done to one, and why."""
    return _("%(account)s: nothing was changed. %(why)s.") % {
        "account": left.account.service_name,
        "why": wording.why_not(left.why),
    }
