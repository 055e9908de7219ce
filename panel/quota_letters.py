"""What alerts say of quotas that are nearly used, and of held mail that is about to expire."""

from datetime import datetime

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue.models import Alert
from mailqueue.states import DELIVERING, State
from panel import wording
from panel.alert_content import Content, number_of, text_of
from panel.letters import Part


def hourly_quota(alert: Alert, now: datetime) -> Content:
    """That the hourly quota is nearly used, or used up."""
    subject = (
        _("%(account)s: the hourly quota is used up")
        if _is_used_up(alert)
        else _("%(account)s: %(share)s %% of the hourly quota are used")
    )
    used = _("In the last hour your scripts sent %(used)s e-mails of the %(limit)s allowed.")
    return _quota(alert, subject, used)


def daily_quota(alert: Alert, now: datetime) -> Content:
    """That the daily quota is nearly used, or used up."""
    subject = (
        _("%(account)s: the daily quota is used up")
        if _is_used_up(alert)
        else _("%(account)s: %(share)s %% of the daily quota are used")
    )
    used = _("Today your scripts sent %(used)s e-mails of the %(limit)s allowed.")
    return _quota(alert, subject, used)


def _is_used_up(alert: Alert) -> bool:
    used, limit = number_of(alert.figures, "used") or 0, number_of(alert.figures, "limit") or 0
    return used >= limit


def _quota(alert: Alert, subject: str, sentence: str) -> Content:
    used, limit = number_of(alert.figures, "used") or 0, number_of(alert.figures, "limit") or 0
    values = {
        "account": alert.account.service_name,
        "share": 100 * used // limit if limit else 100,
        "used": wording.number(used),
        "limit": wording.number(limit),
    }
    return Content(
        subject=subject % values,
        sentences=[
            sentence % values,
            _(
                "Nothing is blocked. What goes beyond the quota is held in the queue and goes out"
                " by itself, little by little, as the quota allows."
            ),
        ],
        parts=[
            Part(
                _("What to do"),
                [
                    _("If you expected so much mail, nothing."),
                    _("If not, find the script that sends it and protect your forms."),
                ],
            )
        ],
    )


def expiring(alert: Alert, now: datetime) -> Content:
    """That held mail is about to expire, and what keeps it."""
    account = alert.account
    number = number_of(alert.figures, "number") or 0
    until = parse_datetime(text_of(alert.figures, "until"))
    values = {"number": wording.number(number)}
    held = (
        _("More than %(number)s e-mails held in the queue are about to expire.") % values
        if alert.figures.get("is_more")
        else ngettext(
            "%(number)s e-mail held in the queue is about to expire.",
            "%(number)s e-mails held in the queue are about to expire.",
            number,
        )
        % values
    )
    sentences = [held]
    if until is not None:
        sentences.append(
            _("The first one does so %(moment)s; it will not be sent after that.")
            % {"moment": wording.moment(until, now)}
        )
    state = State(account.state)
    if state in DELIVERING:
        steps = [
            _("These e-mails are over the quota. On the page, release those that matter."),
            _("Or ask your host for a larger quota."),
        ]
    else:
        sentences.append(
            _("They are held because the state of the service is %(state)s.")
            % {"state": wording.quoted(state)}
        )
        steps = [
            _("Mend what stopped sending, then unblock it on the page: the queue goes out."),
            _("If these e-mails are not wanted, purge them, or let them expire."),
        ]
    return Content(
        subject=_("%(account)s: held e-mails are about to expire")
        % {"account": account.service_name},
        sentences=sentences,
        parts=[Part(_("What to do"), steps)],
        is_grave=True,
    )
