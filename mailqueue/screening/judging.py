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


def screen(message: bytes, context: Context | None = None) -> Verdict:
    """Judge a message as it is about to go out, after the relay completed its header.

    Takes no more than some milliseconds for usual mail, 250 for the worst. Never raises on what
    strangers wrote. The same message and context always give the same verdict.
    """
    context = context or Context()
    letter = read(message)
    findings = [*_weighed(_found(letter, context), context), *context.observed]
    findings.sort(key=lambda finding: (-finding.score, finding.rule))
    score = round(_sum(findings), 2)
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
    yield from deceit.check(letter, own, away)
    yield from robots.check(letter, own, away)
    about = list(subjects.check(letter, context, away, sorted(set(dressed.values()))))
    yield from about
    yield from together.check(letter, others, about, away)
    if letter.message.is_cut:
        yield Finding("structure", 1.0, "message")
    if letter.is_long:
        yield Finding("unread", 1.0, "text")


def _weighed(findings: Iterable[Finding], context: Context) -> Iterator[Finding]:
    """Findings with the weights of the catalogue and of the account, if they add anything."""
    for finding in findings:
        factor = RULES[finding.rule].weight * context.weights.get(finding.rule, 1.0)
        score = round(finding.score * factor, 2)
        if score > 0:
            yield Finding(finding.rule, score, finding.where, finding.details)


def _sum(findings: list[Finding]) -> float:
    kept = {"headers": 0.0, "links": 0.0}
    total = 0.0
    for finding in findings:
        family = RULES[finding.rule].family if finding.rule in RULES else ""
        if family in kept:
            kept[family] += finding.score
        else:
            total += finding.score
    return total + min(MOST_HEADERS, kept["headers"]) + min(MOST_LINKS, kept["links"])
