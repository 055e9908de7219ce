"""What an alert says: its figures in words, and what to do.

Owns the sentences of the alerts; the steps after a stop are in `alert_steps`. Figures come from the
ledger as JSON; one that is missing costs its sentence, not the letter. Words are in the current
language, moments in the current time zone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from mailqueue import bounces, cases, return_path
from mailqueue.bounces import Category
from mailqueue.models import Alert, EngineState, Review, SpamCase, StateChange
from mailqueue.states import DELIVERING, Event, State
from panel import abuse_letter, explaining, letters, wording
from panel.abuse_letter import Evidence
from panel.alert_steps import after_stop
from panel.letters import Part

Kind = Alert.Kind
MOST_SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """A message as an example: who sent it, to whom, and what the other server said."""

    subject: str
    address: str
    script: str
    reply: str


@dataclass(frozen=True, slots=True)
class Content:
    """What a letter says, from its subject to its steps."""

    subject: str
    sentences: Sequence[str]
    quote: Sequence[str] = ()
    samples: Sequence[Sample] = ()
    # Of a stop for spam: what was found, in place of samples.
    evidence: Evidence | None = None
    # Where administrators see its case.
    case_link: str = ""
    parts: Sequence[Part] = ()
    # What is red on the page: sending has stopped, or mail is about to be lost.
    is_grave: bool = False


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
    change = _number(alert.figures, "change")
    if alert.kind != Kind.BLOCKED or not alert.figures.get("review") or change is None:
        return ""
    return return_path.of_case(change, now)


def _blocked(alert: Alert, now: datetime) -> Content:
    figures = alert.figures
    event = str(figures.get("event", ""))
    change = StateChange.objects.filter(pk=_number(figures, "change") or 0, account=alert.account)
    row = change.first()
    state = State(row.to_state) if row else _STATES.get(event, State(alert.account.state))
    needs_review = bool(figures.get("review"))
    case = SpamCase.objects.filter(change=row).select_related("account").first() if row else None
    sentences = [
        _("Sending was stopped automatically %(moment)s; the state of the service is %(state)s.")
        % {
            "moment": wording.moment(row.changed_at if row else alert.created_at, now),
            "state": _quoted(state),
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
    script = letters.one_line(_text(figures, "script"), 120)
    told = explaining.figures_told(event, {**figures, "script": script})
    is_spam = event == Event.SPAM_DETECTED
    return [_spam_reason(_number(figures, "number")), *told] if is_spam else told


def _spam_reason(number: int | None) -> str:
    if number is None:
        return _("E-mails of your scripts were judged to be spam.")
    return ngettext(
        "%(number)s e-mail of your scripts was judged to be spam.",
        "%(number)s e-mails of your scripts were judged to be spam.",
        number,
    ) % {"number": wording.number(number)}


def _hourly_quota(alert: Alert, now: datetime) -> Content:
    subject = (
        _("%(account)s: the hourly quota is used up")
        if _is_used_up(alert)
        else _("%(account)s: %(share)s %% of the hourly quota are used")
    )
    used = _("In the last hour your scripts sent %(used)s e-mails of the %(limit)s allowed.")
    return _quota(alert, subject, used)


def _daily_quota(alert: Alert, now: datetime) -> Content:
    subject = (
        _("%(account)s: the daily quota is used up")
        if _is_used_up(alert)
        else _("%(account)s: %(share)s %% of the daily quota are used")
    )
    used = _("Today your scripts sent %(used)s e-mails of the %(limit)s allowed.")
    return _quota(alert, subject, used)


def _is_used_up(alert: Alert) -> bool:
    used, limit = _number(alert.figures, "used") or 0, _number(alert.figures, "limit") or 0
    return used >= limit


def _quota(alert: Alert, subject: str, sentence: str) -> Content:
    used, limit = _number(alert.figures, "used") or 0, _number(alert.figures, "limit") or 0
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


def _expiring(alert: Alert, now: datetime) -> Content:
    account = alert.account
    number = _number(alert.figures, "number") or 0
    until = parse_datetime(_text(alert.figures, "until"))
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
            % {"state": _quoted(state)}
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


def _refused(alert: Alert, now: datetime) -> Content:
    figures = alert.figures
    since = parse_datetime(_text(figures, "since"))
    accounts = _number(figures, "accounts") or 0
    values = {
        "destination": letters.one_line(_text(figures, "destination"), 120),
        "accounts": wording.number(accounts),
        "number": wording.number(_number(figures, "number") or 0),
    }
    told = ngettext(
        "%(destination)s refused e-mails of %(accounts)s hosting plan because of this server, not"
        " because of the plan: %(number)s refusals.",
        "%(destination)s refused e-mails of %(accounts)s hosting plans because of this server, not"
        " because of the plans: %(number)s refusals.",
        accounts,
    )
    sentences = [told % values]
    if since is not None:
        sentences.append(_("The first came %(moment)s.") % {"moment": wording.moment(since, now)})
    category = _text(figures, "category")
    if category in set(Category):
        sentences.append(_(bounces.advice(Category(category))))
    sentences.append(_("No hosting plan is stopped for this."))
    names = figures.get("names")
    shown = (
        [letters.one_line(name, 120) for name in names if isinstance(name, str)]
        if isinstance(names, list)
        else []
    )
    return Content(
        subject=_("%(destination)s refuses e-mails of this server") % values,
        sentences=sentences,
        quote=letters.lines(_text(figures, "words"), 500),
        parts=[Part(_("Hosting plans concerned"), shown)] if shown else [],
        is_grave=True,
    )


def _rules(alert: Alert, now: datetime) -> Content:
    """That our own rules fail."""
    figures = alert.figures
    since = parse_datetime(_text(figures, "since")) or alert.created_at
    missed = _number(figures, "missed") or 0
    return Content(
        subject=_("The screening of e-mails fails"),
        sentences=[
            _("The rules of Facteur have failed on e-mails since %(moment)s.")
            % {"moment": wording.moment(since, now)},
            ngettext(
                "%(number)s e-mail has gone out without having been judged.",
                "%(number)s e-mails have gone out without having been judged.",
                missed,
            )
            % {"number": wording.number(missed)},
        ],
        quote=letters.lines(_text(figures, "words"), 300),
        parts=[
            Part(
                _("What to do"),
                [
                    _("Look at the log of the worker: the lines with these words tell the cause."),
                    _("The dashboard shows when e-mails are judged again."),
                ],
            )
        ],
    )


def _engine(alert: Alert, now: datetime) -> Content:
    if alert.figures.get("engine") == EngineState.Name.RULES.label:
        return _rules(alert, now)
    figures = alert.figures
    since = parse_datetime(_text(figures, "since"))
    missed = _number(figures, "missed") or 0
    values = {"engine": letters.one_line(_text(figures, "engine"), 40)}
    sentences = []
    if since is not None:
        sentences.append(
            _("%(engine)s stopped answering %(moment)s.")
            % {**values, "moment": wording.moment(since, now)}
        )
    sentences.append(
        _("E-mails go out all the same: the rules of Facteur look at them, %(engine)s does not.")
        % values
    )
    if missed:
        sentences.append(
            ngettext(
                "It has not seen %(number)s e-mail since then.",
                "It has not seen %(number)s e-mails since then.",
                missed,
            )
            % {"number": wording.number(missed)}
        )
    return Content(
        subject=_("%(engine)s does not answer") % values,
        sentences=sentences,
        quote=letters.lines(_text(figures, "words"), 300),
        parts=[
            Part(
                _("What to do"),
                [
                    _("Look whether it runs, and at its log."),
                    _("Look at FACTEUR_RSPAMD_URL and FACTEUR_CLAMD in the settings."),
                    _("Facteur asks it again by itself; the dashboard shows when it answers."),
                ],
            )
        ],
    )


_CONTENTS = {
    Kind.BLOCKED: _blocked,
    Kind.HOURLY_QUOTA: _hourly_quota,
    Kind.DAILY_QUOTA: _daily_quota,
    Kind.EXPIRING: _expiring,
    Kind.STATED: _stated,
    Kind.ANSWERED: _answered,
    Kind.REFUSED: _refused,
    Kind.ENGINE: _engine,
}


def _review(alert: Alert) -> Review | None:
    number = _number(alert.figures, "review") or 0
    return Review.objects.filter(pk=number, account_id=alert.account_id).first()


def _samples(figures: Mapping[str, Any]) -> list[Sample]:
    found = figures.get("samples")
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    return [
        Sample(
            subject=letters.one_line(_text(row, "subject"), 120),
            address=letters.one_line(_text(row, "address"), 254),
            script=letters.one_line(_text(row, "script"), 120),
            reply=letters.one_line(_text(row, "reply"), 300),
        )
        for row in rows[:MOST_SAMPLES]
    ]


def _hold_hours(alert: Alert) -> int:
    own = alert.account.hold_hours
    return int(settings.HOLD_HOURS if own is None else own)


def _quoted(state: State) -> str:
    return pgettext("quotation", "“%(word)s”") % {"word": wording.state_word(state)}


def _number(figures: Mapping[str, Any], name: str) -> int | None:
    value = figures.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(figures: Mapping[str, Any], name: str) -> str:
    value = figures.get(name)
    return value if isinstance(value, str) else ""
