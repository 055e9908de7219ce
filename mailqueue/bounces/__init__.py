"""What came back: a refusal while delivering, or a message returned later. Pure.

    reply of a server   -> classify_reply  -> Verdict
    message that came back -> classify_report -> Report for each recipient

`dsn` reads messages, `bounce_rules` knows what servers say; this package puts the two together.
Neither function raises, whatever it is given, and both work in time linear in what they read.

Note: a report proves nothing about who wrote it. Whoever calls `classify_report` must know from
the return path whose mail came back, and take the recipient from there.
"""

from mailqueue.bounce_rules import NOT_FAILURES, OF_HOUSE, OF_RECIPIENT, Category, advice
from mailqueue.bounces.reading import classify_reply, classify_report
from mailqueue.bounces.verdicts import Report, Verdict

__all__ = [
    "NOT_FAILURES",
    "OF_HOUSE",
    "OF_RECIPIENT",
    "Category",
    "Report",
    "Verdict",
    "advice",
    "classify_reply",
    "classify_report",
]
