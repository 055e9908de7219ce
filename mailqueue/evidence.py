"""What Facteur saw of an account's scripts: for somebody whose e-mails do not leave.

Read, never written, from the newest messages alone: the cost does not grow with what there is.
"""

from dataclasses import dataclass
from datetime import datetime

from mailqueue.models import AccountTotals, HostingAccount, LastRefusal, Message, RecipientStatus

# Messages that are looked at, the newest first: the panel's own tests lie between.
LOOKED_AT = 50
# What the guide's test script has as its subject.
TEST_SUBJECT = "Test mail PHP"


@dataclass(frozen=True, slots=True)
class Call:
    """A message that a script handed over: when, by which script, where its recipients are."""

    at: datetime
    script: str
    queue_id: str
    statuses: frozenset[RecipientStatus]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The last call, the last call of a test script, the last refusal; None where there is none.

    `largest_bytes` is the largest message ever taken, 0 if there was none.
    """

    last_call: Call | None
    last_test: Call | None
    refusal: LastRefusal | None
    largest_bytes: int


def of_account(account: HostingAccount) -> Evidence:
    """All there is to say of an account."""
    newest = Message.objects.filter(account=account).order_by("-accepted_at")[:LOOKED_AT]
    calls = [message for message in newest if message.origin != Message.Origin.PANEL]
    tests = [message for message in calls if message.subject == TEST_SUBJECT]
    return Evidence(
        last_call=_call(calls),
        last_test=_call(tests),
        refusal=LastRefusal.objects.filter(account=account).first(),
        largest_bytes=max(
            (
                AccountTotals.objects.get(account=account).largest_bytes,
                *(m.size_bytes for m in calls),
            )
        ),
    )


def _call(messages: list[Message]) -> Call | None:
    if not messages:
        return None
    newest = messages[0]
    # A message may have thousands of recipients; where they are is one of eight.
    statuses = newest.recipients.order_by().values_list("status", flat=True).distinct()
    return Call(
        newest.accepted_at,
        newest.script,
        newest.queue_id,
        frozenset(RecipientStatus(status) for status in statuses),
    )
