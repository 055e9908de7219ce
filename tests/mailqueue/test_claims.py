"""Whose turn it is: accounts share a claim, and what is put off comes back when it was told to."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailqueue import accounts, ledger, queue, service, statements
from mailqueue.models import AccountTotals, HostingAccount, Message, Recipient
from mailqueue.queue import Submission, claims

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = timedelta(seconds=60)
MINUTE = timedelta(minutes=1)
SOCKET = Message.Origin.SOCKET


@pytest.fixture(autouse=True)
def _ledger_balances() -> Any:
    yield
    assert all(line.is_balanced for line in ledger.check())


def fill(submission: Callable[..., Submission], now: datetime, number: int, pk: int) -> None:
    """So many e-mails of an account, in messages of a hundred."""
    for start in range(0, number, 100):
        to = [f"{index}@example.org" for index in range(start, min(start + 100, number))]
        queue.accept([submission(*to, account_id=pk)], now)


def test_the_single_mail_of_one_comes_with_the_first_claim_beside_the_thousands_of_another(
    account: HostingAccount,
    other: HostingAccount,
    submission: Callable[..., Submission],
    now: datetime,
) -> None:
    fill(submission, now, 2000, account.pk)
    fill(submission, now + MINUTE, 1, other.pk)
    claimed = queue.claim_due(now + MINUTE, 200, LEASE)
    assert Counter(item.account_id for item in claimed) == {account.pk: 199, other.pk: 1}


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(numbers=st.lists(st.integers(0, 40), min_size=1, max_size=6), limit=st.integers(1, 60))
def test_shares_are_equal_and_nothing_is_left(
    db: None, now: datetime, numbers: list[int], limit: int
) -> None:
    names = {}
    for index, number in enumerate(numbers):
        name = f"a{index}.example"
        found = HostingAccount.objects.filter(service_name=name).first()
        pk = (found or accounts.create(name, now)).pk
        names[pk] = number
        if number:
            to = tuple(f"{place}@example.org" for place in range(number))
            content = b"Subject: a\r\n\r\n"
            queue.accept(
                [Submission(pk, "", to, content, len(content), "a", SOCKET)],
                now,
            )
    claimed = queue.claim_due(now, limit, LEASE)
    taken = Counter(item.account_id for item in claimed)
    assert len(claimed) == min(limit, sum(numbers))
    # Whoever got less than another got all he had, but for the rounding of the last round.
    most = max(taken.values(), default=0)
    for pk, number in names.items():
        assert taken[pk] == number or taken[pk] >= min(number, most - len(numbers))
    queue.give_back(claimed, now)
    forget()


def forget() -> None:
    """Leave no rows and no counts: the next example begins anew."""
    Recipient.objects.all().delete()
    Message.objects.all().delete()
    AccountTotals.objects.update(accepted=0, held=0)


def test_those_who_did_not_have_their_turn_are_next(
    submission: Callable[..., Submission], now: datetime
) -> None:
    ids = [accounts.create(f"a{index}.example", now).pk for index in range(5)]
    for pk in ids:
        fill(submission, now, 10, pk)
    seen: list[int] = []
    last = 0
    for _ in range(5):
        claimed = queue.claim_due(now, 2, LEASE, last)
        seen += [item.account_id for item in claimed]
        last = claimed[-1].account_id
    assert seen == ids + ids


def test_what_is_put_off_is_due_at_its_moment_and_was_no_try(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    fill(submission, now, 3, account.pk)
    claimed = queue.claim_due(now, 10, LEASE)
    moments = [now + MINUTE * place for place in (1, 2, 3)]
    assert queue.put_off(list(zip(claimed, moments, strict=True)), now) == 3
    assert not queue.has_due(now)
    assert [
        (row.status, row.tries, row.next_attempt_at) for row in Recipient.objects.order_by("pk")
    ] == [("waiting", 0, moment) for moment in moments]
    assert len(queue.claim_due(now + 2 * MINUTE, 10, LEASE)) == 2


def test_what_is_put_off_shares_the_lot_of_its_account(
    account: HostingAccount,
    other: HostingAccount,
    submission: Callable[..., Submission],
    now: datetime,
) -> None:
    fill(submission, now, 2, account.pk)
    fill(submission, now, 2, other.pk)
    claimed = queue.claim_due(now, 10, LEASE)
    service.block(account.pk, "admin", now)
    assert queue.put_off([(item, now + MINUTE) for item in claimed], now) == 4
    rows = Recipient.objects.order_by("pk").values_list("status", flat=True)
    assert list(rows) == ["held", "held", "waiting", "waiting"]
    assert queue.put_off([(item, now + MINUTE) for item in claimed], now) == 0


def test_a_claim_makes_as_many_queries_beside_much_that_waits_as_beside_little(
    account: HostingAccount,
    other: HostingAccount,
    submission: Callable[..., Submission],
    now: datetime,
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            claimed = queue.claim_due(now, 10, LEASE)
        queue.give_back(claimed, now)
        return len(seen)

    fill(submission, now, 50, account.pk)
    fill(submission, now, 50, other.pk)
    few = queries()
    fill(submission, now, 1000, account.pk)
    fill(submission, now + MINUTE, 1000, other.pk)
    assert queries() == few


@pytest.mark.parametrize("part", ["accounts", "rows"])
def test_a_claim_walks_along_its_index(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime, part: str
) -> None:
    fill(submission, now, 1000, account.pk)
    due = statements.moment(now)
    if part == "accounts":
        sql, values = claims.DUE_ACCOUNTS, [0, due, 10]
    else:
        sql, values = claims.DUE.format("%s"), [account.pk, due, 10]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE mailqueue_recipient")
            cursor.execute("SET enable_seqscan = off")
        word = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
        cursor.execute(f"{word} {sql}", values)
        plan = str(cursor.fetchall())
        if connection.vendor == "postgresql":
            cursor.execute("RESET ALL")
    assert "recipient_turn" in plan or (part == "accounts" and "recipient_waiting" in plan)
    assert not any(word in plan for word in ("TEMP B-TREE", "Sort"))
