"""The sentences of the page « Scripts emails », made from values.

Owns what a state means, what a button will do or why it does not apply, and how moments and
durations read. Templates only place them. Moments are told in the current time zone: pages
activate that of the account.
"""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext, pgettext

from mailqueue import bounces
from mailqueue.actions import Action, Why
from mailqueue.bounce_rules import NOT_FAILURES
from mailqueue.bounces import Category
from mailqueue.failures import Failure
from mailqueue.history import Bar, History, Period
from mailqueue.models import HostingAccount, QueueJob, Recipient, StateChange, Suppression
from mailqueue.overview import MOST_STAYING, Overview, Progress
from mailqueue.queue_view import Row
from mailqueue.states import DELIVERING, Event, State, after_purge, following

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# Longer ones are told in days: nobody reads "413 h 02".
LONGEST_IN_HOURS = timedelta(hours=100)
# Units of Django's `filesizeformat`, named here so that our catalogue has them: Django's French
# says Mio, the guide and everybody else Mo.
SIZE_UNITS = (gettext_noop("%s KB"), gettext_noop("%s MB"), gettext_noop("%s GB"))


# What the ledger leaves of an address that was erased.
ERASED = re.compile(r"erased-[0-9]+@invalid")

# What no person raises: the actor of such a change is the name of a rule.
BY_RULE = frozenset(
    {
        Event.TOO_FAST,
        Event.TOO_MANY_ERRORS,
        Event.RATIO_EXCEEDED,
        Event.SPAM_DETECTED,
        Event.RECOVERED,
    }
)


@dataclass(frozen=True, slots=True)
class Button:
    """A button, with the line under it: what will happen, or why it does not apply."""

    event: Event
    title: str
    line: str
    is_allowed: bool
    is_advised: bool


def state_word(state: State) -> str:
    """The state as the page calls it."""
    return str(dict(HostingAccount.STATES)[state.value])


def moment(at: datetime, now: datetime) -> str:
    """When something happened: "today at 14:07", or with its date."""
    local = timezone.localtime(at)
    hour = formats.time_format(local, "TIME_FORMAT")
    days = (timezone.localtime(now).date() - local.date()).days
    if days == 0:
        return _("today at %(time)s") % {"time": hour}
    if days == 1:
        return _("yesterday at %(time)s") % {"time": hour}
    return _("on %(date)s at %(time)s") % {
        "date": formats.date_format(local, "DATE_FORMAT"),
        "time": hour,
    }


def duration(length: timedelta) -> str:
    """A length of time as people read it: "5 min", "2 h 13", "12 days"; it stays on one line."""
    if length < MINUTE:
        text = _("< 1 min")
    elif length < HOUR:
        text = _("%(minutes)d min") % {"minutes": length // MINUTE}
    elif length < LONGEST_IN_HOURS:
        text = _("%(hours)d h %(minutes)02d") % {
            "hours": length // HOUR,
            "minutes": length % HOUR // MINUTE,
        }
    else:
        days = length // DAY
        text = ngettext("%(days)s day", "%(days)s days", days) % {"days": number(days)}
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def buttons(overview: Overview, *, may_act: bool) -> list[Button]:
    """The buttons, those that apply first."""
    actions = [overview.actions.block, overview.actions.unblock, overview.actions.purge]
    if overview.actions.lift.is_allowed and (
        overview.review_required or overview.state is State.SPAM
    ):
        actions.append(overview.actions.lift)
    made = [_button(action, overview, may_act) for action in actions]
    return sorted(made, key=lambda button: not button.is_allowed)


def title(event: Event) -> str:
    """The name of a button."""
    return {
        Event.BLOCK: _("Block sending"),
        Event.UNBLOCK: _("Unblock sending"),
        Event.PURGE: _("Purge the e-mails"),
        Event.LIFT: _("Lift the stop"),
    }[event]


def why_not(why: Why | None) -> str:
    """Why a button does not apply."""
    return {
        Why.ALREADY_BLOCKED: _("Sending is already stopped"),
        Why.NOT_BLOCKED: _("Sending is not blocked"),
        Why.PURGE_FIRST: _("Purge the e-mails first"),
        Why.PURGING: _("A purge is running"),
        Why.REVIEW: _("An administrator has to look first"),
        Why.ADMINISTRATORS_ONLY: _("For administrators only"),
        Why.CLOSED: _("The hosting plan is closed"),
        None: "",
    }[why]


def consequences(event: Event, overview: Overview) -> list[str]:
    """What will happen, before somebody confirms."""
    state = {"state": quoted(outcome(event, overview))}
    if event is Event.BLOCK:
        return [
            _("The e-mails of your scripts will no longer be delivered."),
            _("They are kept in the queue for %(hours)s hours at most, until you unblock sending.")
            % {"hours": number(_hold_hours(overview))},
        ]
    if event in {Event.UNBLOCK, Event.LIFT}:
        sentences = [_goes_out(overview), _("The state becomes %(state)s.") % state]
        if overview.stays:
            sentences.append(_stays(overview))
        if event is Event.UNBLOCK and overview.state is State.BOUNCE:
            sentences.append(_("The share of errors allowed before a new stop is doubled."))
        return sentences
    sentences = [_is_deleted(overview.queued)]
    if outcome(event, overview) in DELIVERING:
        sentences.append(_("The state becomes %(state)s: sending is unblocked.") % state)
    else:
        sentences.append(_("The state becomes %(state)s: sending stays stopped.") % state)
    return sentences


def done(event: Event, state: State) -> str:
    """What has happened, after somebody confirmed; `state` is the state that this led to."""
    if event is Event.BLOCK:
        return _("Sending is blocked. What your scripts send now waits in the queue.")
    if event in {Event.UNBLOCK, Event.LIFT}:
        return _("Sending is unblocked. E-mails are delivered again, those of the queue too.")
    if state is State.PURGING:
        return _("The purge has begun. It goes on by itself.")
    if state in DELIVERING:
        return _("The queue is purged and sending is unblocked.")
    return _("The queue is purged. Sending stays stopped.")


def refused(why: Why | None) -> str:
    """That nothing was done, and why."""
    return _("Nothing was changed. %(why)s.") % {"why": why_not(why)}


def progress(job: Progress) -> str:
    """What slow work does, and how far it has come."""
    figures = {"done": number(job.done), "total": number(max(job.done, job.total))}
    if job.kind == QueueJob.Kind.HOLD:
        return _("The queue is being held: %(done)s of %(total)s e-mails.") % figures
    if job.kind == QueueJob.Kind.RELEASE:
        return _("The queue is being released: %(done)s of %(total)s e-mails.") % figures
    return _("The queue is being purged: %(done)s of %(total)s e-mails.") % figures


def why_excluded(entry: Suppression) -> str:
    """Why an address gets no mail."""
    return {
        Suppression.Reason.FAILED: _("Does not exist"),
        Suppression.Reason.COMPLAINED: _("Reported an e-mail as spam"),
        Suppression.Reason.ADDED: _("Added by hand"),
    }[Suppression.Reason(entry.reason)]


def category_word(category: Category) -> str:
    """What went wrong, in a few words."""
    return {
        Category.USER_UNKNOWN: _("Unknown address"),
        Category.MAILBOX_FULL: _("Mailbox full"),
        Category.SUSPENDED: _("Mailbox closed"),
        Category.HOST_UNKNOWN: _("Unknown domain"),
        Category.UNREACHABLE: _("Server unreachable"),
        Category.REMOTE_ERROR: _("Fault of the other server"),
        Category.RATE_LIMITED: _("Too many messages at once"),
        Category.REPUTATION_BLOCK: _("Sending server refused"),
        Category.AUTH_FAILURE: _("Sender not authenticated"),
        Category.POLICY_BLOCK: _("Refused by a rule"),
        Category.CONTENT_REJECTED: _("Content refused"),
        Category.TOO_LARGE: _("Message too large"),
        Category.RELAY_DENIED: _("Relaying refused"),
        Category.PROTOCOL_ERROR: _("Message against the standards"),
        Category.UNDEFINED: _("Cause unknown"),
        Category.AUTO_REPLY: _("Automatic reply"),
        Category.COMPLAINT: _("Complaint"),
        Category.DELIVERED: _("Delivered"),
    }[category]


def advice(category: Category) -> str:
    """What to do about it, in a sentence or two."""
    return _(bounces.advice(category))


def cause(failure: Failure) -> str:
    """What went wrong with an e-mail, in a few words."""
    return _("Expired in the queue") if failure.is_expired else category_word(failure.category)


def what_to_do(failure: Failure) -> str:
    """What to do about it, in a sentence or two."""
    if failure.is_expired:
        return _("It was held until its time was over. If it still matters, send it again.")
    return advice(failure.category)


def failure_categories() -> list[tuple[str, str]]:
    """The categories that a failure can have, for a choice: value and words."""
    kinds = [item for item in Category if item not in NOT_FAILURES]
    return [(item.value, category_word(item)) for item in kinds]


def error_periods() -> list[tuple[int, str]]:
    """The periods of « Emails en erreur », for a choice: days and words."""
    return [
        (1, _("Last 24 hours")),
        (7, _("Last 7 days")),
        (30, _("Last 30 days")),
        (90, _("Last 90 days")),
    ]


def period_word(period: Period) -> str:
    """A period of the chart, short."""
    return {
        Period.DAY: _("24 h"),
        Period.WEEK: _("7 days"),
        Period.MONTH: _("30 days"),
        Period.QUARTER: _("90 days"),
    }[period]


def way_back(period: Period) -> str:
    """The way from the hours of a day to the period in which it was chosen."""
    return {
        Period.DAY: _("Back to the last 24 hours"),
        Period.WEEK: _("Back to the last 7 days"),
        Period.MONTH: _("Back to the last 30 days"),
        Period.QUARTER: _("Back to the last 90 days"),
    }[period]


def span(history: History) -> str:
    """What the chart shows: a period, or a day with its name."""
    if history.day is not None:
        text: str = formats.date_format(history.day, pgettext("format of a day", "l, F j, Y"))
        return text[:1].upper() + text[1:]
    return {
        Period.DAY: _("Last 24 hours"),
        Period.WEEK: _("Last 7 days"),
        Period.MONTH: _("Last 30 days"),
        Period.QUARTER: _("Last 90 days"),
    }[history.period]


def caption(history: History) -> str:
    """What the table of the chart shows."""
    if history.is_by_hour:
        return _("%(span)s, by hour") % {"span": span(history)}
    return _("%(span)s, by day") % {"span": span(history)}


def bar_names(history: History) -> list[dict[str, str]]:
    """What each bar is called: its `date`, for an hour also its `hours`, and these in `short`.

    The hours of one day need no date.
    """
    if not history.is_by_hour:
        return [{"date": formats.date_format(bar.start, "DATE_FORMAT")} for bar in history.bars]
    times = Counter((bar.start.date(), bar.start.hour) for bar in history.bars)
    return [
        {
            "date": ""
            if history.day is not None
            else formats.date_format(bar.start, "MONTH_DAY_FORMAT"),
            "hours": _hours(bar, comes_again=times[bar.start.date(), bar.start.hour] > 1),
            "short": formats.time_format(bar.start, "TIME_FORMAT"),
        }
        for bar in history.bars
    ]


def event_word(event: str) -> str:
    """What changed a state, in a few words; an unknown event keeps its name."""
    words: dict[str, str] = {
        Event.BLOCK: _("Sending blocked"),
        Event.UNBLOCK: _("Sending unblocked"),
        Event.PURGE: _("Purge started"),
        Event.PURGED: _("Purge finished, sending unblocked"),
        Event.PURGED_REVIEW: _("Purge finished, an administrator has yet to look"),
        Event.PURGED_STAY: _("Purge finished, sending stays blocked"),
        Event.LIFT: _("Stop lifted"),
        Event.TOO_FAST: _("Too many e-mails in a short time"),
        Event.TOO_MANY_ERRORS: _("Too many e-mails in error"),
        Event.RATIO_EXCEEDED: _("Too large a share of e-mails in error"),
        Event.SPAM_DETECTED: _("E-mails judged to be spam"),
        Event.RECOVERED: _("Back to normal"),
    }
    return words.get(event, event)


def actor(change: StateChange) -> str:
    """Who changed a state: somebody, or a rule that acted by itself."""
    return _("Automatic rule") if change.event in BY_RULE else change.actor


def queued_status(row: Row, now: datetime) -> str:
    """Where an e-mail in the queue stands."""
    if row.status is Recipient.Status.HELD:
        return {
            Recipient.HoldReason.OVERFLOW: _("Held: over the quota"),
            Recipient.HoldReason.SPAM: _("Judged to be spam"),
            Recipient.HoldReason.SCRIPT: _("Held: script blocked"),
        }.get(Recipient.HoldReason(row.hold_reason), _("Held: service blocked"))
    if row.status is Recipient.Status.SENDING:
        return _("Being sent")
    if row.next_attempt_at is not None and row.next_attempt_at > now:
        return _("Next try %(moment)s") % {"moment": moment(row.next_attempt_at, now)}
    return _("About to leave")


def _hours(bar: Bar, *, comes_again: bool) -> str:
    """From when to when, by the clock at the beginning; with its offset if the hour comes twice."""
    # Instants tell the length: within one zone, datetimes subtract by the clock on the wall.
    length = timedelta(seconds=bar.end.timestamp() - bar.start.timestamp())
    ends = (bar.start, bar.start + length)
    text = "–".join(formats.time_format(end, "TIME_FORMAT") for end in ends)
    return f"{text} (UTC{bar.start.isoformat()[-6:]})" if comes_again else text


def _button(action: Action, overview: Overview, may_act: bool) -> Button:
    is_allowed = action.is_allowed and may_act
    if is_allowed:
        line = _promise(action.event, overview)
    elif not may_act:
        line = _("You may look at this account, but not change it.")
    else:
        line = why_not(action.why)
    # Where a service has stopped, the way out is what most people come for.
    way_out = Event.UNBLOCK if overview.actions.unblock.is_allowed else Event.PURGE
    if overview.review_required and overview.actions.lift.is_allowed:
        way_out = Event.LIFT
    return Button(
        event=action.event,
        title=title(action.event),
        line=line,
        is_allowed=is_allowed,
        is_advised=is_allowed and action.event is way_out,
    )


def _promise(event: Event, overview: Overview) -> str:
    if event is Event.BLOCK:
        return _("E-mails wait in the queue, for %(hours)s hours at most") % {
            "hours": number(_hold_hours(overview))
        }
    figures = {
        "number": number(overview.queued),
        "state": quoted(outcome(event, overview)),
    }
    if not overview.queued:
        return _("The queue is empty, state %(state)s") % figures
    if event in {Event.UNBLOCK, Event.LIFT}:
        return ngettext(
            "%(number)s e-mail goes out, state %(state)s",
            "%(number)s e-mails go out, state %(state)s",
            overview.goes,
        ) % {**figures, "number": _going(overview)}
    return (
        ngettext(
            "Deletes %(number)s e-mail, state %(state)s",
            "Deletes %(number)s e-mails, state %(state)s",
            overview.queued,
        )
        % figures
    )


def _hold_hours(overview: Overview) -> int:
    return overview.limits.hold // HOUR


def outcome(event: Event, overview: Overview) -> State:
    """The state in the end; for a purge, that after it."""
    if event is Event.PURGE:
        # An administrator who purges has looked.
        review = overview.account.review_required and not overview.is_administrator
        is_closed = overview.account.closed_at is not None
        return following(State.PURGING, after_purge(review_required=review, stay_blocked=is_closed))
    return following(overview.state, event)


def _goes_out(overview: Overview) -> str:
    if not overview.goes:
        if overview.stays:
            return _("New e-mails are delivered again.")
        return _("The queue is empty: new e-mails are delivered again.")
    return ngettext(
        "%(number)s e-mail waiting in the queue goes out.",
        "%(number)s e-mails waiting in the queue go out.",
        overview.goes,
    ) % {"number": _going(overview)}


def _going(overview: Overview) -> str:
    """How many e-mails an unblocking lets go."""
    going = number(overview.goes)
    return _("at most %(number)s") % {"number": going} if _is_more(overview) else going


def _stays(overview: Overview) -> str:
    staying = number(min(overview.stays, MOST_STAYING))
    if _is_more(overview):
        staying = _("more than %(number)s") % {"number": staying}
    return ngettext(
        "%(number)s e-mail stays held: it was judged to be spam, or its script is blocked.",
        "%(number)s e-mails stay held: they were judged to be spam, or their script is blocked.",
        overview.stays,
    ) % {"number": staying}


def _is_more(overview: Overview) -> bool:
    return overview.stays > MOST_STAYING


def _is_deleted(waiting: int) -> str:
    if not waiting:
        return _("The queue is empty: no e-mail is lost.")
    return ngettext(
        "%(number)s e-mail in the queue is deleted for good.",
        "%(number)s e-mails in the queue are deleted for good.",
        waiting,
    ) % {"number": number(waiting)}


def quoted(state: State) -> str:
    """The state as the page calls it, in quotation marks."""
    return pgettext("quotation", "“%(word)s”") % {"word": state_word(state)}


def address(written: str) -> str:
    """An address as people read it; what stands in its place once it was erased is none."""
    return _("(address erased)") if ERASED.fullmatch(written) else written


def number(value: int) -> str:
    """A number with the separators of the language."""
    return formats.number_format(value, use_l10n=True, force_grouping=True)
