"""Screening: what in a message is, or looks like, abuse; explained rule by rule. Pure.

    screen(message, context) -> Verdict: is_spam, score, findings
    letter = read(message); traits(letter, context); judge(letter, context): the same in steps

`letter` reads a message (`mime`, `markup`, `page`, `styles`, `links`), within bounds and in linear
time. `headers`, `guide`, `attachments`, `disguise`, `deceit`, `robots` and `subjects` find;
`topics`, `brands`, `hosts`, `joints` and `catalogue` are their data; `judging` adds up. `patterns`
judges counts over time; `traits` has what is counted or looked up of a message. Nothing here reads
rows, settings, clock or network: what is known elsewhere comes in the `Context`.
"""

from mailqueue.screening.catalogue import MALWARE, RULES, Rule
from mailqueue.screening.judging import judge, screen, total
from mailqueue.screening.letter import Letter, read
from mailqueue.screening.patterns import Counts, patterns
from mailqueue.screening.traits import MARK_BITS, Traits, mark, traits
from mailqueue.screening.verdicts import THRESHOLD, Context, Finding, Listing, Verdict, kept

__all__ = [
    "MALWARE",
    "MARK_BITS",
    "RULES",
    "THRESHOLD",
    "Context",
    "Counts",
    "Finding",
    "Letter",
    "Listing",
    "Rule",
    "Traits",
    "Verdict",
    "judge",
    "kept",
    "mark",
    "patterns",
    "read",
    "screen",
    "total",
    "traits",
]
