"""Screening: what in a message is, or looks like, abuse; explained rule by rule. Pure.

    screen(message, context) -> Verdict: is_spam, score, findings

`letter` reads a message (`mime`, `markup`, `page`, `styles`, `links`), within bounds and in linear
time. `headers`, `guide`, `attachments`, `disguise`, `deceit`, `robots` and `subjects` find;
`topics`, `brands`, `hosts`, `joints` and `catalogue` are their data; `judging` adds up. `patterns`
judges counts over time. Nothing here reads rows, settings, clock or network: what is known
elsewhere comes in the `Context`.
"""

from mailqueue.screening.catalogue import RULES, Rule
from mailqueue.screening.judging import screen
from mailqueue.screening.patterns import Counts, patterns
from mailqueue.screening.verdicts import THRESHOLD, Context, Finding, Listing, Verdict

__all__ = [
    "RULES",
    "THRESHOLD",
    "Context",
    "Counts",
    "Finding",
    "Listing",
    "Rule",
    "Verdict",
    "patterns",
    "screen",
]
