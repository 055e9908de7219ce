"""What an alert says: its figures in words, and what to do.

Owns what is said of a stop, of what an owner states about it and of the answer; the steps after a
stop are in `alert_steps`. What is said of quotas is in `quota_letters`, of what concerns the whole
house in `house_letters`. Words are in the current language, moments in the current time zone.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue import cases, return_path
from mailqueue.models import Alert, Review, SpamCase, StateChange
from mailqueue.states import Event, State
from panel import abuse_letter, explaining, house_letters, letters, quota_letters, wording
from panel.alert_content import Content, Sample, number_of, text_of
from panel.alert_steps import after_stop
from panel.letters import Part

Kind = Alert.Kind
MOST_SAMPLES = 5


def letter(
    alert: Alert, address: str, now: datetime, *, is_owner: bool = True
) -> EmailMultiAlternatives:
    """The letter of an alert to one reader, in the current language and time zone."""
    account = alert.account
    content = _CONTENTS[Kind(alert.kind)](alert, now)
    # What concerns the whole house has no page of an account.
    page = (
        reverse("dashboard")
        if account.is_system
        else reverse("scripts_emails", args=[account.service_name])
    )
    link, parts = f"{settings.PUBLIC_URL}{page}", content.parts
    if content.case_link and not is_owner:
        link = content.case_link
    if content.evidence is not None and not is_owner:
        needs_review = bool(alert.figures.get("review"))
        causes = [part for part in parts if part.is_checklist]
        parts = [abuse_letter.for_administrators(needs_review=needs_review), *causes]
    answers = _answers_to(alert, now) if is_owner else ""
    context = {
        "account": account,
        "can_answer": bool(answers),
        "content": content,
        "is_owner": is_owner,
        "leads_to_case": bool(content.case_link) and not is_owner,
        "link": link,
        "parts": parts,
    }
    made = letters.made("alert", content.subject, address, context)[0]
    if answers:
        made.reply_to = [answers]
    return made


def _answers_to(alert: Alert, now: datetime) -> str:
    """Where the owner's answer to a letter about a stop goes; empty where none is awaited."""
    change = number_of(alert.figures, "change")
    if alert.kind != Kind.BLOCKED or not alert.figures.get("review") or change is None:
        return ""
    return return_path.of_case(change, now)


def _blocked(alert: Alert, now: datetime) -> Content:
    figures = alert.figures
    event = str(figures.get("event", ""))
    change = StateChange.objects.filter(pk=number_of(figures, "change") or 0, account=alert.account)
    row = change.first()
    state = State(row.to_state) if row else _STATES.get(event, State(alert.account.state))
    needs_review = bool(figures.get("review"))
    case = SpamCase.objects.filter(change=row).select_related("account").first() if row else None
    sentences = [
        _("Sending was stopped automatically %(moment)s; the state of the service is %(state)s.")
        % {
            "moment": wording.moment(row.changed_at if row else alert.created_at, now),
            "state": wording.quoted(state),
        },
        *([letters.one_line(row.reason, 500)] if row and row.reason else []),
        *_reasons(event, figures),
        _("What your scripts send meanwhile is kept in the queue, for %(hours)s hours at most.")
        % {"hours": _hold_hours(alert)},
    ]
    return Content(
        subject=_blocked_subject(event) % {"account": alert.account.service_name},
        sentences=sentences,
        samples=() if case else _samples(figures),
        evidence=abuse_letter.evidence(case) if case else None,
        case_link=abuse_letter.link(case) if case else "",
        parts=after_stop(state, needs_review=needs_review),
        is_grave=True,
    )


_STATES = {
    Event.TOO_FAST.value: State.KO,
    Event.TOO_MANY_ERRORS.value: State.KO,
    Event.RATIO_EXCEEDED.value: State.BOUNCE,
    Event.SPAM_DETECTED.value: State.SPAM,
}


def _blocked_subject(event: str) -> str:
    if event == Event.SPAM_DETECTED:
        return _("Abuse with your hosting %(account)s")
    if event == Event.TOO_FAST:
        return _("%(account)s: sending has stopped, too many e-mails in a short time")
    if event in {Event.TOO_MANY_ERRORS, Event.RATIO_EXCEEDED}:
        return _("%(account)s: sending has stopped, too many e-mails in error")
    return _("%(account)s: sending has stopped")


def _reasons(event: str, figures: Mapping[str, Any]) -> list[str]:
    """Why, in the words of the page."""
    script = letters.one_line(text_of(figures, "script"), 120)
    told = explaining.figures_told(event, {**figures, "script": script})
    is_spam = event == Event.SPAM_DETECTED
    return [_spam_reason(number_of(figures, "number")), *told] if is_spam else told


def _spam_reason(number: int | None) -> str:
    if number is None:
        return _("E-mails of your scripts were judged to be spam.")
    return ngettext(
        "%(number)s e-mail of your scripts was judged to be spam.",
        "%(number)s e-mails of your scripts were judged to be spam.",
        number,
    ) % {"number": wording.number(number)}


def _stated(alert: Alert, now: datetime) -> Content:
    review = _review(alert)
    case = cases.open_of(alert.account_id)
    values = {
        "account": alert.account.service_name,
        "author": letters.one_line(review.author, 150) if review else "",
    }
    return Content(
        subject=_("%(account)s: an owner asks for the stop to be lifted") % values,
        sentences=[
            _("%(author)s says what was done about the stop of %(account)s:") % values
            if review
            else _("An owner says what was done about the stop of %(account)s.") % values
        ],
        quote=letters.lines(review.statement, 2000) if review else (),
        case_link=abuse_letter.link(case) if case else "",
        parts=[Part(_("What to do"), [_("Look at the account, then lift the stop or refuse it.")])],
    )


def _answered(alert: Alert, now: datetime) -> Content:
    review = _review(alert)
    values = {"account": alert.account.service_name}
    quote = letters.lines(review.answer, 2000) if review else []
    if review is not None and review.is_lifted:
        return Content(
            subject=_("%(account)s: the stop is lifted") % values,
            sentences=[
                _(
                    "An administrator has looked at what you did and has lifted the stop: your"
                    " scripts can send e-mails again."
                )
            ],
            quote=quote,
        )
    return Content(
        subject=_("%(account)s: the stop is not lifted") % values,
        sentences=[
            _("An administrator has looked at what you did. Sending stays stopped for now.")
        ],
        quote=quote,
        parts=[
            Part(
                _("What to do"),
                [_("Do what is still missing, then state on the page what you have done.")],
            )
        ],
        is_grave=True,
    )


_CONTENTS = {
    Kind.BLOCKED: _blocked,
    Kind.HOURLY_QUOTA: quota_letters.hourly_quota,
    Kind.DAILY_QUOTA: quota_letters.daily_quota,
    Kind.EXPIRING: quota_letters.expiring,
    Kind.STATED: _stated,
    Kind.ANSWERED: _answered,
    Kind.REFUSED: house_letters.refused,
    Kind.ENGINE: house_letters.engine,
}


def _review(alert: Alert) -> Review | None:
    number = number_of(alert.figures, "review") or 0
    return Review.objects.filter(pk=number, account_id=alert.account_id).first()


def _samples(figures: Mapping[str, Any]) -> list[Sample]:
    found = figures.get("samples")
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    return [
        Sample(
            subject=letters.one_line(text_of(row, "subject"), 120),
            address=letters.one_line(text_of(row, "address"), 254),
            script=letters.one_line(text_of(row, "script"), 120),
            reply=letters.one_line(text_of(row, "reply"), 300),
        )
        for row in rows[:MOST_SAMPLES]
    ]


def _hold_hours(alert: Alert) -> int:
    own = alert.account.hold_hours
    return int(settings.HOLD_HOURS if own is None else own)
