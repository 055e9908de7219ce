"""The verdict on a message: every rule asked, weights added up. Pure."""

from collections.abc import Iterable, Iterator

from mailqueue.screening import (
    attachments,
    deceit,
    disguise,
    guide,
    headers,
    robots,
    subjects,
    together,
)
from mailqueue.screening.catalogue import MALWARE, RULES
from mailqueue.screening.deceit import elsewhere, own_domains
from mailqueue.screening.letter import Letter, read
from mailqueue.screening.verdicts import Context, Finding, Verdict

# Ours. Faults of headers are one fault of one script, however many there are.
MOST_HEADERS = 1.5
# A link may be wrong in several ways; it is still one link.
MOST_LINKS = 3.5
# A newsletter by a new plug-in, or after a move, looks like a burst to strangers: these patterns
# together make no verdict, and where it tells how to leave the list they count less.
MOST_MAILING = 4.0
MOST_MAILING_OF_LISTS = 2.5


def screen(message: bytes, context: Context | None = None) -> Verdict:
    """Judge a message as it is about to go out, after the relay completed its header.

    Takes no more than some milliseconds for usual mail, 250 for the worst. Never raises on what
    strangers wrote. The same message and context always give the same verdict.
    """
    return judge(read(message), context or Context())


def judge(letter: Letter, context: Context) -> Verdict:
    """The verdict of `screen` on a message that was read already."""
    findings = [*_tuned(_weighed(_found(letter, context)), context)]
    # What was found elsewhere has the weights of the catalogue already.
    findings += _tuned(context.observed, context)
    findings.sort(key=lambda finding: (-finding.score, finding.rule))
    score = total(findings, is_bulk=letter.is_bulk)
    has_malware = any(finding.rule in MALWARE and finding.score > 0 for finding in findings)
    return Verdict(has_malware or score >= context.threshold, score, tuple(findings), has_malware)


def _found(letter: Letter, context: Context) -> Iterator[Finding]:
    own = own_domains(letter, context)
    away = elsewhere(letter, own)
    yield from headers.check(letter, context.added)
    others = [*guide.check(letter, context), *attachments.check(letter)]
    yield from others
    dressed = disguise.dressed_words(letter)
    yield from disguise.check(letter, dressed)
    for finding in deceit.check(letter, own, away):
        # The relay completes From with the login of the site, which may well look so.
        if finding.rule != "random_sender" or "from" not in context.added:
            yield finding
    yield from robots.check(letter, own, away)
    about = list(subjects.check(letter, context, away, sorted(set(dressed.values()))))
    yield from about
    yield from together.check(letter, others, about, away)
    if letter.message.is_cut:
        yield Finding("structure", 1.0, "message")
    if letter.is_long:
        yield Finding("unread", 1.0, "text")


def _weighed(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings with the weights of the catalogue."""
    for finding in findings:
        score = finding.score * RULES[finding.rule].weight
        yield Finding(finding.rule, score, finding.where, finding.details)


def _tuned(findings: Iterable[Finding], context: Context) -> Iterator[Finding]:
    """Findings with the weights of the account, if they add anything."""
    for finding in findings:
        weight = context.weights.get(finding.rule, 1.0)
        score = round(finding.score * weight, 2)
        if score > 0:
            yield Finding(finding.rule, score, finding.where, finding.details, weight)


def total(findings: Iterable[Finding], *, is_bulk: bool = False) -> float:
    """What findings add up to; those of a family have a common limit."""
    most = {
        "headers": MOST_HEADERS,
        "links": MOST_LINKS,
        "mailing": MOST_MAILING_OF_LISTS if is_bulk else MOST_MAILING,
    }
    kept = dict.fromkeys(most, 0.0)
    free = 0.0
    for finding in findings:
        family = RULES[finding.rule].family if finding.rule in RULES else ""
        if family in kept:
            kept[family] += finding.score
        else:
            free += finding.score
    return round(free + sum(min(most[family], score) for family, score in kept.items()), 2)
