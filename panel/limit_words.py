"""The limits of an account in words, for those who see it."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue import limits, policy
from mailqueue.models import HostingAccount
from panel import wording


def labels() -> dict[str, str]:
    """What the fields of an account's own limits are called."""
    return {
        "hourly_quota": _("E-mails per hour"),
        "daily_quota": _("E-mails per day"),
        "fast_limit": _("E-mails handed over in 10 minutes"),
        "error_limit": _("Recipients refused in an hour"),
        "bounce_percent": _("E-mails in error, in per cent"),
        "hold_hours": _("Time in the queue, in hours"),
        "hold_limit": _("E-mails held"),
    }


@dataclass(frozen=True, slots=True)
class Fact:
    """A limit: its name, what it is, what happens there, and whether it is the account's own.

    Where there is no limit nothing happens: `effect` is empty.
    """

    label: str
    value: str
    effect: str
    is_own: bool


def facts(account: HostingAccount) -> Sequence[Fact]:
    """What the account may, in the order of its way through the queue."""
    here = limits.of(account)
    hours = round(here.hold.total_seconds() / 3600)
    kept = ngettext("%(hours)d hour", "%(hours)d hours", hours) % {"hours": hours}
    held = _emails(here.hold_limit)
    if here.hold_bytes is not None:
        size = filesizeformat(here.hold_bytes)
        held = size if here.hold_limit is None else f"{held}, {size}"
    minutes = policy.FAST_WINDOW.seconds // 60
    percent = here.bounce_percent
    rows = (
        (
            "hourly_quota",
            _("E-mails per hour"),
            _emails(here.hourly_quota),
            _("what is more waits, then goes out by itself"),
        ),
        (
            "daily_quota",
            _("E-mails per day"),
            _emails(here.daily_quota),
            _("what is more waits, then goes out by itself"),
        ),
        (
            "fast_limit",
            ngettext(
                "Handed over in %(minutes)d minute", "Handed over in %(minutes)d minutes", minutes
            )
            % {"minutes": minutes},
            _emails(here.fast_limit),
            _("beyond it, sending is disabled"),
        ),
        (
            "error_limit",
            _("Recipients refused in an hour"),
            _("no limit") if here.error_limit is None else wording.number(here.error_limit),
            _("from there on, sending is disabled"),
        ),
        (
            "bounce_percent",
            _("E-mails in error, of those of a day"),
            _("no limit") if percent is None else _("%(share)s%%") % {"share": percent},
            _("from there on, the service changes to “Bounce”"),
        ),
        ("hold_hours", _("Time in the queue"), kept, _("then the e-mail expires")),
        ("hold_limit", _("E-mails held"), held, _("beyond it, new e-mails are refused")),
    )
    return [
        Fact(
            label,
            value,
            "" if value == _("no limit") else effect,
            is_own=getattr(account, name) is not None,
        )
        for name, label, value, effect in rows
    ]


def _emails(number: int | None) -> str:
    if number is None:
        return _("no limit")
    return ngettext("%(number)s e-mail", "%(number)s e-mails", number) % {
        "number": wording.number(number)
    }
