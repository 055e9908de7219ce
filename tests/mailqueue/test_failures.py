"""« Emails en erreur »: which failures are found, in which order, at which cost."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailqueue import failures, queue
from mailqueue.bounces import Category
from mailqueue.failures import Wish
from mailqueue.models import HostingAccount, Recipient
from mailqueue.outcomes import Outcome, Result

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]
UNKNOWN = "550 5.1.1 <x@example.org>: Recipient address rejected: User unknown"
FULL = "552 5.2.2 Mailbox full"


def fail(now: datetime, *replies: str) -> None:
    """Ends what is due, in order, with these replies."""
    claimed = queue.claim_due(now, len(replies), timedelta(seconds=60))
    outcomes = [Outcome(Result.FAILED, reply, "5.0.0", "mx.example.org") for reply in replies]
    queue.record(list(zip(claimed, outcomes, strict=True)), now)


def addresses(account: HostingAccount, wish: Wish, before: str = "", limit: int = 50) -> list[str]:
    return [row.address for row in failures.page(account, wish, before, limit).rows]


def test_a_failure_is_kept_with_its_category(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("a@example.org")
    fail(now, UNKNOWN)
    [row] = failures.page(account, Wish(now)).rows
    assert (row.address, row.category, row.reply) == ("a@example.org", "user_unknown", UNKNOWN)
    assert (row.host, row.ended_at) == ("mx.example.org", now)


def test_what_was_sent_or_is_another_accounts_is_not_there(
    account: HostingAccount, other: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("sent@example.org")
    [claimed] = queue.claim_due(now, 1, timedelta(seconds=60))
    queue.record([(claimed, Outcome(Result.DELIVERED, "250 ok", "2.0.0"))], now)
    submit("theirs@example.org", account_id=other.pk)
    fail(now, UNKNOWN)
    assert addresses(account, Wish(now)) == []


def test_category_period_and_words_narrow_it(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("old@example.org")
    fail(now, UNKNOWN)
    later = now + timedelta(hours=1)
    submit("full@example.org", "gone@example.org", at=later)
    fail(later, FULL, UNKNOWN)
    assert addresses(account, Wish(now)) == [
        "gone@example.org",
        "full@example.org",
        "old@example.org",
    ]
    assert addresses(account, Wish(later)) == ["gone@example.org", "full@example.org"]
    assert addresses(account, Wish(now, Category.MAILBOX_FULL)) == ["full@example.org"]
    assert addresses(account, Wish(now, search="GONE@")) == ["gone@example.org"]
    assert addresses(account, Wish(now, search="mailbox")) == ["full@example.org"]
    assert addresses(account, Wish(now, search="100%_\\")) == []


def test_failures_of_before_the_rules_are_of_unknown_cause(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("a@example.org")
    fail(now, UNKNOWN)
    Recipient.objects.update(category="")
    assert addresses(account, Wish(now, Category.UNDEFINED)) == ["a@example.org"]


def test_pages_follow_each_other_even_within_one_moment(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(*(f"{number}@example.org" for number in range(5)))
    fail(now, *[UNKNOWN] * 5)
    first = failures.page(account, Wish(now), limit=2)
    second = failures.page(account, Wish(now), first.before, limit=2)
    third = failures.page(account, Wish(now), second.before, limit=2)
    found = [row.address for part in (first, second, third) for row in part.rows]
    assert found == [f"{number}@example.org" for number in (4, 3, 2, 1, 0)]
    assert third.before == ""


@pytest.mark.parametrize(
    "before", ["x", "1", "-", "1-", "-1", "9" * 40 + "-1", "1-" + "9" * 40, "١-١"]
)
def test_a_place_that_is_none_is_the_start(
    before: str, account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("a@example.org")
    fail(now, UNKNOWN)
    assert addresses(account, Wish(now), before) == ["a@example.org"]


def test_a_page_is_two_queries_however_many_rows(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(*(f"{number}@example.org" for number in range(60)))
    fail(now, *[UNKNOWN] * 60)
    with CaptureQueriesContext(connection) as seen:
        assert len(failures.page(account, Wish(now)).rows) == 50
    # Those that failed, and those that came back.
    assert len(seen) == 2
    assert sum(1 for _ in failures.everything(account, Wish(now))) == 60
