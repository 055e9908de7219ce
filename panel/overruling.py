"""Saying that e-mails judged spam are wanted: who may, what it means, and the words for it.

The rules are for `mailqueue.queue` (`wanted`) and `mailqueue.weights`; templates only place what is
made here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue import queue
from mailqueue.false_alarms import Fall, Outlook
from mailqueue.models import HostingAccount, Judgement
from mailqueue.queue import Wanted
from mailqueue.screening import THRESHOLD
from mailqueue.states import State
from panel import finding_words, queue_words


@dataclass(frozen=True, slots=True)
class Lost:
    """A rule that loses weight: its title, what it weighs now and then, in per cent."""

    title: str
    before: str
    after: str


def why_not(
    account: HostingAccount, judgement: Judgement | None = None, *, as_administrator: bool
) -> str:
    """Why somebody may not say that an e-mail judged spam is wanted; empty if he may."""
    has_malware = judgement is not None and judgement.has_malware
    if queue.may_overrule(account, as_administrator=as_administrator):
        if has_malware and not as_administrator:
            return _("Malware was found: only an administrator may let it go")
        return ""
    if account.state == State.PURGING or account.closed_at is not None or account.review_required:
        return queue_words.why_not_release(account)
    if account.state == State.SPAM:
        return _("After a block for spam an administrator has to look")
    return _("Ask an administrator: owners may not do that on this server")


def sentences(outlook: Outlook) -> list[str]:
    """What will happen, before somebody confirms."""
    number = len(outlook.alarms)
    found = [
        ngettext(
            "%(number)s e-mail goes out at once, also if the service is blocked.",
            "%(number)s e-mails go out at once, also if the service is blocked.",
            outlook.held,
        )
        % {"number": outlook.held}
        if outlook.held
        else _("Nothing is held of it any more: only the rules are changed.")
    ]
    if outlook.falls:
        found.append(
            _("The rules that found something lose half of their weight for this hosting plan.")
        )
    if number == 1:
        alarm = outlook.alarms[0]
        told = {
            "before": points(alarm.judgement.score),
            "after": points(alarm.score_then),
            "threshold": points(THRESHOLD),
        }
        found.append(
            _(
                "It scored %(before)s. An e-mail like it would then score %(after)s, and still be"
                " judged to be spam (from %(threshold)s on)."
            )
            % told
            if alarm.is_spam_then
            else _(
                "It scored %(before)s. An e-mail like it would then score %(after)s, and go out"
                " (spam begins at %(threshold)s)."
            )
            % told
        )
    elif number:
        told_of = {"number": outlook.still_spam, "of": number}
        found.append(
            ngettext(
                "Of %(of)s messages like these, %(number)s would then still be judged to be spam.",
                "Of %(of)s messages like these, %(number)s would then still be judged to be spam.",
                outlook.still_spam,
            )
            % told_of
            if outlook.still_spam
            else _("Messages like these would then go out.")
        )
    return found


def lost(falls: Sequence[Fall]) -> list[Lost]:
    """The rules that lose weight."""
    return [
        Lost(finding_words.title(fall.rule), percent(fall.before), percent(fall.after))
        for fall in falls
    ]


def done(wanted: Wanted) -> str:
    """What became of it."""
    found = []
    if wanted.let_go:
        found.append(queue_words.released(wanted.let_go))
    if wanted.over_quota:
        found.append(
            ngettext(
                "%(number)s e-mail waits for the quota, and goes out by itself.",
                "%(number)s e-mails wait for the quota, and go out by themselves.",
                wanted.over_quota,
            )
            % {"number": wanted.over_quota}
        )
    if wanted.queue_ids:
        found.append(_("Screening takes that into account for this hosting plan from now on."))
    return " ".join(found)


def verdict(judgement: Judgement) -> str:
    """What screening made of a message, in a sentence."""
    told = {"score": points(judgement.score), "threshold": points(THRESHOLD)}
    if judgement.has_malware:
        return _("Malware was found: score %(score)s. One such e-mail stops the service.") % told
    if judgement.is_spam:
        return _("Judged to be spam: score %(score)s; spam begins at %(threshold)s.") % told
    return _("Not judged to be spam: score %(score)s; spam begins at %(threshold)s.") % told


def points(score: float) -> str:
    """A score with one digit, cut: what is below the threshold must not read as if it were not."""
    return formats.number_format(score, decimal_pos=1, use_l10n=True)


def percent(weight: float) -> str:
    """A weight in per cent of the usual; "off" for none."""
    if weight == 0:
        return _("off")
    share = round(100 * weight, 1)
    told = formats.number_format(share, decimal_pos=0 if share % 1 == 0 else 1, use_l10n=True)
    return _("%(share)s%%") % {"share": told}
