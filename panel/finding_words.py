"""What screening found, in words for people: title, place, what it is about, and how to mend it.

The words of rules are English and stand in `mailqueue/screening/catalogue`; details quote
strangers, and pages escape them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from mailqueue.screening import RULES, Finding, kept

__all__ = ["Told", "kept", "place", "title", "told"]


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in words. `about` quotes the message in one line; "" where there is nothing to."""

    rule: str
    score: float
    title: str
    where: str
    about: str
    advice: str


def told(findings: Iterable[Finding]) -> list[Told]:
    """Findings in words, in their order."""
    return [_told(finding) for finding in findings]


def title(rule: str) -> str:
    """What a rule finds; one that is gone by now is told by its name."""
    return _(RULES[rule].title) if rule in RULES else rule


def place(where: str) -> str:
    """Where in a message something was found; an unknown place keeps its name."""
    places = {
        "subject": _("in the subject"),
        "header": _("in the header"),
        "text": _("in the text"),
        "html": _("in the HTML"),
        "link": _("in a link"),
        "attachment": _("in an attachment"),
        "message": _("in the e-mail as a whole"),
        "history": _("in how the site sends"),
    }
    return places.get(where, where)


def _told(finding: Finding) -> Told:
    rule = RULES.get(finding.rule)
    advice = _filled(_(rule.advice), finding.details) if rule else ""
    where = place(finding.where)
    return Told(finding.rule, finding.score, title(finding.rule), where, finding.about, advice)


class _Details(dict[str, str]):
    """Details of a finding; one that an older version did not keep is a dash."""

    def __missing__(self, name: str) -> str:
        return "–"


def _filled(advice: str, details: Mapping[str, str]) -> str:
    return advice % _Details(details)
