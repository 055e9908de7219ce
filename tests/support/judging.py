"""Messages that screening has judged, as its worker leaves them behind."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from mailqueue.counters import Tallies
from mailqueue.models import Judgement, Message, Recipient

# What a letter in capitals with a false link is found guilty of; together 5.5.
FINDINGS = (
    {"rule": "pills", "score": 3.0, "where": "text", "details": {"what": "viagra, pills"}},
    {
        "rule": "link_text",
        "score": 1.5,
        "where": "link",
        "details": {"what": "bank.example", "host": "evil.example"},
    },
    {"rule": "subject_capitals", "score": 1.0, "where": "subject", "details": {"what": "BUY NOW"}},
)


def judge(
    message: Message,
    now: datetime,
    findings: Sequence[Mapping[str, Any]] = FINDINGS,
    *,
    is_spam: bool = True,
    has_malware: bool = False,
    is_held: bool = True,
) -> Judgement:
    """Let a message be judged; what waits of it is held if it is spam and `is_held`."""
    score = sum(float(found["score"]) for found in findings)
    with transaction.atomic():
        Message.objects.filter(pk=message.pk).update(spam_score=score, is_spam=is_spam)
        if is_spam and is_held:
            waiting = Recipient.objects.filter(message=message, status="waiting")
            tallies = Tallies()
            tally = tallies[message.account_id]
            tally.held = waiting.update(status="held", hold_reason="spam", next_attempt_at=None)
            tally.held_bytes = tally.held * message.size_bytes
            tallies.write(now)
        return Judgement.objects.create(
            message=message,
            account_id=message.account_id,
            judged_at=now,
            score=score,
            is_spam=is_spam,
            has_malware=has_malware,
            findings=[dict(found) for found in findings],
        )
