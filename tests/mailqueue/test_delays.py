"""What is late: tried, not taken, and waiting for its next try."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from mailqueue import delays, queue
from mailqueue.models import HostingAccount
from mailqueue.outcomes import Outcome, Result

pytestmark = pytest.mark.django_db

DEFERRED = Outcome(Result.DEFERRED, "451 4.7.1 Greylisted", "4.7.1", "mx.example.org")
MINUTE = timedelta(minutes=1)


def test_only_what_was_tried_is_late(
    account: HostingAccount, other: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("late@example.org")
    submit("others@example.org", account_id=other.pk)
    queue.record([(item, DEFERRED) for item in queue.claim_due(now, 10, MINUTE)], now)
    submit("new@example.org")
    found = delays.of_account(account, now + MINUTE)
    assert (found.number, found.is_more) == (1, False)
    [row] = found.rows
    assert (row.address, row.reply) == ("late@example.org", "451 4.7.1 Greylisted")
    assert row.next_attempt_at is not None
    assert row.next_attempt_at > now


def test_what_came_after_the_moment_is_not_late_yet(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit()
    queue.record([(item, DEFERRED) for item in queue.claim_due(now, 10, MINUTE)], now)
    assert delays.of_account(account, now).number == 0


def test_many_are_not_counted_to_the_end(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    for _ in range(6):
        submit()
    queue.record([(item, DEFERRED) for item in queue.claim_due(now, 10, MINUTE)], now)
    found = delays.of_account(account, now + MINUTE, listed=2, limit=4)
    assert (found.number, found.is_more, len(found.rows)) == (4, True, 2)
