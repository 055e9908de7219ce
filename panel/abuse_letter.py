"""What the letter « Abus avec votre hébergement … » says beyond other letters about a stop.

Owns its evidence: what was found with its scores, the examples, and the way to the case; and what
administrators are told to do. It quotes strangers, each in one line of limited length; the HTML
template escapes them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from mailqueue.models import SpamCase
from panel import case_words, finding_words, letters
from panel.case_words import RuleLine
from panel.letters import Part

# The case has more; a letter that is too long is not read.
MOST_RULES = 8
MOST_FINDINGS = 6


@dataclass(frozen=True, slots=True)
class Example:
    """An e-mail that was copied, and what was found in it, a line each."""

    subject: str
    address: str
    others: str
    script: str
    verdict: str
    findings: Sequence[str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found, by `rules` and in `examples`; `link` leads to the case."""

    threshold: str
    rules: Sequence[RuleLine]
    examples: Sequence[Example]
    link: str


def evidence(case: SpamCase) -> Evidence:
    """The evidence of a case."""
    rules = [
        replace(
            line,
            title=letters.one_line(line.title, 200),
            advice=letters.one_line(line.advice, 500),
        )
        for line in case_words.rules(case, MOST_RULES)
    ]
    return Evidence(
        threshold=case_words.threshold() if rules else case_words.nothing_found(),
        rules=rules,
        examples=[
            _example(line)
            for line in case_words.samples(case.samples.defer("content").order_by("pk"))
        ],
        link=link(case),
    )


def link(case: SpamCase) -> str:
    """The address of a case, for letters."""
    page = reverse("case", args=[case.account.service_name, case.pk])
    return f"{settings.PUBLIC_URL}{page}"


def for_administrators(*, needs_review: bool) -> Part:
    """What an administrator does about a case."""
    steps = [
        _("The owner was told the same."),
        _("Open the case with the link below: its evidence stays, even if the owner purges."),
        _("Once the owner has said what was done, lift the stop there, or refuse with a word.")
        if needs_review
        else _("No review is required: the owner may purge the e-mails, and sending goes on."),
    ]
    return Part(_("What to do as an administrator"), steps, is_ordered=True)


def _example(line: case_words.SampleLine) -> Example:
    sample = line.sample
    return Example(
        subject=letters.one_line(sample.subject, 120),
        address=letters.one_line(line.address, 254),
        others=line.others,
        script=letters.one_line("/".join(filter(None, (sample.folder, sample.script))), 200),
        verdict=line.verdict,
        findings=_lines(line.findings[:MOST_FINDINGS]),
    )


def _lines(findings: Iterable[finding_words.Told]) -> list[str]:
    return [
        _("%(title)s (%(where)s, score %(score)s)")
        % {
            "title": letters.one_line(found.title, 200),
            "where": letters.one_line(found.where, 60),
            "score": case_words.points(found.score),
        }
        for found in findings
    ]
