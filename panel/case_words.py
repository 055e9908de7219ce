"""What a case says, in words: its rules, its samples, what is said of it in a list.

Owns no page. Words of rules come from `finding_words`; what strangers wrote is for pages and
letters to escape.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mailqueue import cases
from mailqueue.models import CaseSample, SpamCase
from mailqueue.screening import THRESHOLD, Finding
from panel import finding_words, wording
from panel.finding_words import Told


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule that e-mails of a case met, and how often; `percent` of what the heaviest added."""

    title: str
    where: str
    advice: str
    number: int
    score: float
    mean: float
    percent: int
    # "score 6.0, in 5 of 7 e-mails"
    weight: str


@dataclass(frozen=True, slots=True)
class SampleLine:
    """An e-mail of a case, and what was found in it."""

    sample: CaseSample
    address: str
    # To how many others it went.
    others: str
    verdict: str
    findings: Sequence[Told]


def rules(case: SpamCase, most: int | None = None) -> list[RuleLine]:
    """The rules that e-mails of a case met, the heaviest first."""
    met = cases.met_rules(case.rules)
    heaviest = max((rule.score for rule in met), default=0.0)
    shown = met[:most]
    told = finding_words.told(
        Finding(rule.rule, rule.score, rule.where, rule.details) for rule in shown
    )
    return [
        RuleLine(
            title=one.title,
            where=one.where,
            advice=one.advice,
            number=rule.number,
            score=rule.score,
            mean=rule.mean,
            percent=max(1, round(100 * rule.score / heaviest)) if heaviest > 0 else 0,
            weight=_weight(rule.mean, rule.number, case.looked_at),
        )
        for one, rule in zip(told, shown, strict=True)
    ]


def samples(rows: Iterable[CaseSample]) -> list[SampleLine]:
    """E-mails of a case, with what was found in each."""
    return [
        SampleLine(
            sample=row,
            address=wording.address(row.address),
            others=others(row.recipients - 1),
            verdict=verdict(row.score),
            findings=finding_words.told(cases.findings(row.findings)),
        )
        for row in rows
    ]


def others(number: int) -> str:
    """That an e-mail went to others as well; empty if it did not."""
    if number < 1:
        return ""
    text = ngettext("and %(number)s other recipient", "and %(number)s other recipients", number)
    return text % {"number": wording.number(number)}


def verdict(score: float | None) -> str:
    """What screening made of an e-mail; empty if it has not looked."""
    if score is None:
        return ""
    values = {"score": points(score), "threshold": points(THRESHOLD)}
    return _("score %(score)s; from %(threshold)s on it is spam") % values


def threshold() -> str:
    """How scores come down to a verdict."""
    return _(
        "Everything that is found in an e-mail has a score; when they add up to %(threshold)s or"
        " more, the e-mail is judged to be spam."
    ) % {"threshold": points(THRESHOLD)}


def points(score: float) -> str:
    """A score, with one digit: "6.0"."""
    return formats.number_format(round(score, 1), decimal_pos=1, use_l10n=True)


def nothing_found() -> str:
    """Why a case has no findings."""
    return _(
        "Screening found nothing in these e-mails. The stop was for what others said of them:"
        " compare the examples with what your site is meant to send."
    )


def ended(case: SpamCase, now: datetime) -> str:
    """When a case ended and by whom; empty while it is open."""
    if case.closed_at is None:
        return ""
    if case.closed_by in wording.BY_RULE:
        return _("replaced by a new stop %(moment)s") % {
            "moment": wording.moment(case.closed_at, now)
        }
    return _("closed %(moment)s, by %(actor)s") % {
        "moment": wording.moment(case.closed_at, now),
        "actor": case.closed_by,
    }


def _weight(mean: float, number: int, looked_at: int) -> str:
    if looked_at == 1:
        return _("score %(score)s, in the e-mail that was looked at") % {"score": points(mean)}
    return _("score %(score)s, in %(number)s of %(looked_at)s e-mails") % {
        "score": points(mean),
        "number": wording.number(number),
        "looked_at": wording.number(looked_at),
    }
