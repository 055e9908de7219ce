"""Why a service is in its state and what to do about it, in sentences.

Owns what the page says above all else: the rule that stopped a service, its figures and samples,
the steps that lead out; and what comes near before it stops anything. `wording` has the words of
the rest of the page.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue import script_view, senders
from mailqueue.bounces import Category
from mailqueue.models import ForeignSender, Review, SenderPolicy, StateChange
from mailqueue.overview import MOST_STAYING, Overview
from mailqueue.policy import AUTOMATIC_BLOCKS, MOST_PERCENT, Decision, Nearly, Quota
from mailqueue.states import DELIVERING, Event, State
from panel import case_words, wording
from panel.case_words import RuleLine
from panel.guide_cases import Case, Step, cases

HOUR = timedelta(hours=1)
# Rules that the explanation of a stop for spam names; its case has all.
MOST_RULES = 5


@dataclass(frozen=True, slots=True)
class Sample:
    """An e-mail that shows what the stop is about."""

    subject: str
    address: str
    script: str
    reply: str


@dataclass(frozen=True, slots=True)
class ChangeTold:
    """A change of state in words."""

    change: StateChange
    moment: str
    event: str
    figures: Sequence[str]
    actor: str
    from_word: str
    to_word: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What an owner has said was done, and what an administrator answered."""

    review: Review
    stated: str
    answered: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a state means: in one line, in some sentences, and what can be done about it."""

    title: str
    sentences: Sequence[str]
    is_stopped: bool
    steps: Sequence[Step] = ()
    cases: Sequence[Case] = ()
    # What a case tells: the rules that weigh most, and the page with all of it.
    rules: Sequence[RuleLine] = ()
    case_address: str = ""
    samples: Sequence[Sample] = ()
    statement: Statement | None = None


def explanation(overview: Overview, now: datetime) -> Explanation | None:
    """Why the service is in its state and what to do; None if all is as usual."""
    if overview.account.closed_at is not None:
        return _of_closed(overview.account.closed_at, now)
    if overview.state is State.OK:
        return None
    if overview.state is State.FORCE:
        return _forced(overview)
    change = overview.last_change
    event = change.event if change else ""
    figures: Mapping[str, Any] = change.figures if change else {}
    sentences = []
    if change:
        sentences.append(_since(change.actor, event, wording.moment(change.changed_at, now)))
        sentences += figures_told(event, figures)
        if change.reason:
            sentences.append(_closed(change.reason))
    sentences.append(
        _("What your scripts send meanwhile is kept in the queue, for %(hours)s hours at most.")
        % {"hours": wording.number(overview.limits.hold // HOUR)}
    )
    if overview.review_required:
        sentences.append(_("An administrator has to look at it before sending goes on."))
    return Explanation(
        title=_title(overview.state, event, figures),
        sentences=sentences,
        is_stopped=True,
        steps=_steps(overview, event, str(figures.get("script_key", ""))),
        cases=cases() if overview.state is State.SPAM else (),
        rules=case_words.rules(overview.case, MOST_RULES) if overview.case else (),
        case_address=_case_address(overview),
        samples=[Sample(**_sample(found)) for found in figures.get("samples", ())],
        statement=_statement(overview, now),
    )


def changes_told(rows: Iterable[StateChange], now: datetime) -> list[ChangeTold]:
    """Changes of state in words, in their order."""
    return [
        ChangeTold(
            change=change,
            moment=wording.moment(change.changed_at, now),
            event=wording.event_word(change.event),
            figures=figures_told(change.event, change.figures),
            actor=wording.actor(change),
            from_word=wording.state_word(State(change.from_state)),
            to_word=wording.state_word(State(change.to_state)),
        )
        for change in rows
    ]


def _case_address(overview: Overview) -> str:
    if overview.case is None:
        return ""
    return reverse("case", args=[overview.account.service_name, overview.case.pk])


def notices(overview: Overview, now: datetime) -> list[str]:
    """What comes near, or happens to single e-mails while sending goes on."""
    told = [_quota(nearly) for nearly in overview.notices.quotas]
    if overview.overflow and overview.state in DELIVERING:
        told.append(_overflow(overview.overflow))
    if overview.notices.errors is not None:
        told.append(_errors_near(overview.notices.errors))
    if overview.notices.expires_at is not None:
        told.append(
            _("E-mails that are held begin to expire %(moment)s: release or purge them before.")
            % {"moment": wording.moment(overview.notices.expires_at, now)}
        )
    if overview.notices.stranger is not None:
        told.append(_stranger(overview, overview.notices.stranger, now))
    return told


def spam_notice(overview: Overview) -> str:
    """That e-mails were judged spam and wait for somebody to look; in SPAM all speaks of that."""
    if not overview.held_spam or overview.state in {State.SPAM, State.PURGING}:
        return ""
    number = wording.number(min(overview.held_spam, MOST_STAYING))
    if overview.held_spam > MOST_STAYING:
        number = _("more than %(number)s") % {"number": number}
    return ngettext(
        "%(number)s e-mail was judged to be spam, and is held: the queue tells what was found.",
        "%(number)s e-mails were judged to be spam, and are held: the queue tells what was found.",
        overview.held_spam,
    ) % {"number": number}


def _stranger(overview: Overview, seen: ForeignSender, now: datetime) -> str:
    """How many e-mails had a sender of another domain, and the last one."""
    if senders.policy_of(overview.account) is SenderPolicy.REWRITE:
        text = ngettext(
            "%(number)s e-mail had a sender of another domain, and got one of this plan, since"
            " %(since)s; the last one was %(author)s, %(moment)s.",
            "%(number)s e-mails had a sender of another domain, and got one of this plan, since"
            " %(since)s; the last one was %(author)s, %(moment)s.",
            seen.number,
        )
    else:
        text = ngettext(
            "%(number)s e-mail had a sender of another domain since %(since)s; the last one was"
            " %(author)s, %(moment)s.",
            "%(number)s e-mails had a sender of another domain since %(since)s; the last one was"
            " %(author)s, %(moment)s.",
            seen.number,
        )
    told = text % {
        "number": wording.number(seen.number),
        "since": formats.date_format(timezone.localtime(seen.since), "DATE_FORMAT"),
        "author": seen.author,
        "moment": wording.moment(seen.last_at, now),
    }
    if not seen.script:
        return told
    origin = _("It came from %(script)s.") % {"script": seen.script}
    return f"{told} {origin}"


def figures_told(event: str, figures: Mapping[str, Any]) -> list[str]:
    """The figures behind a stop, in words; nothing for a change that has none."""
    numbers = {
        name: wording.number(value) for name, value in figures.items() if isinstance(value, int)
    }
    sentences: dict[str, tuple[str, set[str]]] = {
        Event.TOO_FAST: (
            _(
                "%(number)s e-mails were handed over within %(minutes)s minutes; "
                "at most %(limit)s are allowed."
            ),
            {"number", "minutes", "limit"},
        ),
        Event.TOO_MANY_ERRORS: (
            _(
                "%(number)s e-mails failed for good within an hour, because of their addresses; "
                "sending stops at %(limit)s."
            ),
            {"number", "limit"},
        ),
        Event.RATIO_EXCEEDED: (
            _(
                "Within 24 hours: %(number)s errors for %(sent)s e-mails; "
                "sending stops at %(limit)s%%."
            ),
            {"number", "sent", "limit"},
        ),
    }
    if event == Event.SPAM_DETECTED and "complaints" in numbers:
        sentences[event] = (
            _(
                "Within 24 hours, %(complaints)s recipients reported e-mails as spam, of %(sent)s"
                " e-mails sent."
            ),
            {"complaints", "sent"},
        )
    if event == Event.SPAM_DETECTED and "messages" in numbers:
        sentences[event] = (
            ngettext(
                "Within %(minutes)s minutes, %(messages)s e-mail was judged to be spam (recipients:"
                " %(recipients)s).",
                "Within %(minutes)s minutes, %(messages)s e-mails were judged to be spam"
                " (recipients: %(recipients)s).",
                figures["messages"],
            ),
            {"messages", "recipients", "minutes"},
        )
    sentence, needed = sentences.get(event, ("", set()))
    told = [sentence % numbers] if sentence and needed <= numbers.keys() else []
    if event == Event.SPAM_DETECTED and figures.get("malware"):
        told.append(_("A single e-mail with malware is enough to stop sending."))
    has_script = figures.get("script") and {"script_number", "looked_at"} <= numbers.keys()
    if event in AUTOMATIC_BLOCKS and has_script:
        text = _("%(script_number)s of the last %(looked_at)s e-mails come from %(script)s.")
        if event in {Event.TOO_MANY_ERRORS, Event.RATIO_EXCEEDED}:
            text = _(
                "%(script_number)s of the last %(looked_at)s e-mails in error come from %(script)s."
            )
        elif event == Event.SPAM_DETECTED:
            text = _("%(script_number)s of these %(looked_at)s e-mails come from %(script)s.")
        told.append(text % {**numbers, "script": figures["script"]})
    return told


def share(number: int, sent: int) -> str:
    """A share of e-mails, in per cent with one digit: "31.4%"."""
    # Rounded here: `number_format` cuts digits off.
    value = formats.number_format(round(100 * number / max(sent, 1), 1), decimal_pos=1)
    return _("%(share)s%%") % {"share": value}


def _of_closed(closed_at: datetime, now: datetime) -> Explanation:
    """Whatever the state: nothing new comes in, and what is held stays."""
    return Explanation(
        _("This hosting plan is closed"),
        [
            _("Closed %(moment)s.") % {"moment": wording.moment(closed_at, now)},
            _("New e-mails of its scripts are refused: mail() returns false."),
            _("What the queue holds stays there until it expires."),
        ],
        is_stopped=True,
    )


def _forced(overview: Overview) -> Explanation:
    percent = overview.limits.bounce_percent
    sentences = [_("If too many e-mails come back in error again, sending stops again.")]
    if percent is not None:
        sentences.append(
            _("After a week under %(limit)s%%, the state becomes “Enabled” by itself.")
            % {"limit": percent}
        )
    return Explanation(
        _("Sending goes on, with twice the usual share of errors allowed"),
        sentences,
        is_stopped=False,
    )


def _title(state: State, event: str, figures: Mapping[str, Any]) -> str:
    if state is State.PURGING:
        return _("The queue is being purged")
    if event == Event.RATIO_EXCEEDED and figures.get("sent"):
        return _("Sending has stopped: %(share)s of the e-mails come back in error") % {
            "share": share(figures.get("number", 0), figures["sent"])
        }
    titles: dict[str, str] = {
        Event.TOO_FAST: _("Sending has stopped: too many e-mails in a short time"),
        Event.TOO_MANY_ERRORS: _("Sending has stopped: too many e-mails come back in error"),
        Event.RATIO_EXCEEDED: _("Sending has stopped: too many e-mails come back in error"),
        Event.SPAM_DETECTED: _("Sending has stopped: e-mails were judged to be spam"),
        Event.PURGED_REVIEW: _("Sending stays stopped until an administrator has looked at it"),
        Event.PURGED_STAY: _("The queue was purged; sending stays blocked"),
    }
    return titles.get(event, _("Sending is blocked"))


def _since(actor: str, event: str, when: str) -> str:
    if event in wording.BY_RULE:
        return _("Automatically, %(moment)s.") % {"moment": when}
    return _("By %(actor)s, %(moment)s.") % {"actor": actor, "moment": when}


def _closed(reason: str) -> str:
    """Somebody's own words, as a sentence: others follow it."""
    return reason if reason.endswith((".", "!", "?", "…")) else f"{reason}."


def _sample(found: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(found.get(name, "")) for name in ("subject", "address", "script", "reply")}


def _steps(overview: Overview, event: str, script_key: str) -> list[Step]:
    steps = []
    name = overview.account.service_name
    if event == Event.TOO_FAST:
        steps += [
            Step(_("Find out which script sent so much, and whether you wanted that.")),
            Step(_("Protect the forms of the site against robots, with a captcha for example.")),
        ]
    if overview.state is State.BOUNCE or event == Event.TOO_MANY_ERRORS:
        errors = reverse("errors_list", args=[name])
        steps += [
            Step(
                _("Remove the unknown addresses from your lists."),
                f"{errors}?days=1&category={Category.USER_UNKNOWN.value}",
                _("See them, download them"),
            ),
            Step(_("Have a script check each address before it writes to it.")),
        ]
    if event in AUTOMATIC_BLOCKS:
        steps.append(_one_script(overview, script_key))
    if overview.state is State.SPAM:
        steps.append(Step(_("Find your case below, and do what it says before anything else.")))
    return steps + _ways_out(overview)


def _one_script(overview: Overview, key: str) -> Step:
    """That a script can be blocked alone: the one most of it came from, if it is known."""
    name = overview.account.service_name
    is_known = bool(key) and script_view.find(overview.account.pk, key) is not None
    return Step(
        _("If it all comes from one script, block that one alone: the others can go on."),
        reverse("script", args=[name, key]) if is_known else reverse("scripts", args=[name]),
        _("See this script") if is_known else _("See the scripts"),
    )


def _ways_out(overview: Overview) -> list[Step]:
    steps = []
    may = overview.actions
    if overview.review_required:
        steps.append(_review(overview))
    if may.unblock.is_allowed and overview.state is State.BOUNCE:
        steps.append(Step(_doubled(overview.limits.bounce_percent)))
    elif may.unblock.is_allowed:
        steps.append(
            Step(
                _("Unblock sending: what waits in the queue goes out, the state becomes %(state)s.")
                % {"state": wording.quoted(wording.outcome(Event.UNBLOCK, overview))}
            )
        )
    if may.purge.is_allowed:
        text = (
            _("Or purge the e-mails: the queue is deleted, the state becomes %(state)s.")
            if steps and overview.state is not State.SPAM
            else _("Purge the e-mails: the queue is deleted, the state becomes %(state)s.")
        )
        led_to = wording.outcome(Event.PURGE, overview)
        if overview.state is State.BOUNCE and led_to is State.OK:
            text = _(
                "Or purge the e-mails: the queue is deleted, the state becomes %(state)s, "
                "without doubling the share."
            )
        steps.append(Step(text % {"state": wording.quoted(led_to)}))
    return steps


def _doubled(percent: int | None) -> str:
    """What « Force » allows; without a limit of its own there is no figure."""
    if percent is None:
        return _("Unblock sending: the state becomes “Force”, the share of errors is doubled.")
    return _(
        "Unblock sending: the state becomes “Force”, the share of errors allowed is doubled "
        "(%(limit)s%%)."
    ) % {"limit": min(2 * percent, MOST_PERCENT)}


def _review(overview: Overview) -> Step:
    """What a review waits for: an owner says what was done, then an administrator answers."""
    address = reverse("review", args=[overview.account.service_name])
    waits = overview.review is not None and overview.review.answered_at is None
    if overview.is_administrator:
        if waits:
            return Step(_("Read what the owner did, then lift the stop or say what is missing."))
        return Step(_("The owner has yet to say what was done; you can lift the stop without it."))
    if waits:
        return Step(
            _("An administrator looks at what you have done, and answers by e-mail."),
            address,
            _("Change your statement"),
        )
    return Step(
        _("Say what you have done: an administrator looks at it and lifts the stop."),
        address,
        _("Ask for a review"),
    )


def _statement(overview: Overview, now: datetime) -> Statement | None:
    review = overview.review
    if review is None or not overview.review_required or review.is_lifted:
        return None
    stated = _("%(actor)s, %(moment)s:") % {
        "actor": review.author,
        "moment": wording.moment(review.stated_at, now),
    }
    if review.answered_at is None:
        return Statement(review, stated, _("An administrator has yet to answer."))
    answered = _("%(actor)s refused, %(moment)s:") % {
        "actor": review.answered_by,
        "moment": wording.moment(review.answered_at, now),
    }
    return Statement(review, stated, answered)


def _quota(nearly: Nearly) -> str:
    figures = {"used": wording.number(nearly.used), "limit": wording.number(nearly.limit)}
    if nearly.quota is Quota.HOUR:
        text = _("E-mails sent in the last hour: %(used)s; %(limit)s are allowed.")
    else:
        text = _("E-mails sent today: %(used)s; %(limit)s are allowed.")
    # Not within an f-string: the words to translate are not found there.
    beyond = _("What comes beyond that waits, and goes out by itself.")
    return f"{text % figures} {beyond}"


def _overflow(number: int) -> str:
    return ngettext(
        "%(number)s e-mail is over the quota: it goes out by itself as soon as the quota allows.",
        "%(number)s e-mails are over the quota: they go out by themselves, in order, as soon as "
        "the quota allows.",
        number,
    ) % {"number": wording.number(number)}


def _errors_near(near: Decision) -> str:
    figures = near.figures
    return _(
        "%(share)s of the e-mails of the last 24 hours came back in error; "
        "sending stops at %(limit)s%%."
    ) % {"share": share(figures["number"], figures["sent"]), "limit": figures["limit"]}
