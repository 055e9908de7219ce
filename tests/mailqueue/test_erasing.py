"""What is kept about one address: found along an index, and taken out of ended rows."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection

from mailqueue import ledger, queue, traces
from mailqueue.models import Body, HostingAccount, Message, Recipient
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Submission
from tests.mailqueue.conftest import Submit

pytestmark = pytest.mark.django_db(transaction=True)

ZOE = "zoe@example.org"


def end(now: datetime, result: Result = Result.FAILED, reply: str = f"550 <{ZOE}> unknown") -> None:
    claimed = queue.claim_due(now, 100, timedelta(seconds=60))
    queue.record(
        [(item, Outcome(result, reply, "5.1.1", "mx.example.org")) for item in claimed], now
    )


def test_ended_rows_become_nobodys_and_the_ledger_holds(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(ZOE)
    submit("Zoe@Example.org", "paul@example.org")
    end(now)
    Message.objects.update(subject=f"Commande de {ZOE.upper()}")
    before = ledger.check()
    assert queue.erase(account.pk, ZOE) == 2
    kept = str(list(Recipient.objects.values())) + str(list(Message.objects.values()))
    assert "zoe" not in kept.lower()
    assert "paul@example.org" in kept
    first, second = Recipient.objects.filter(domain="invalid").order_by("pk")
    assert first.address == f"erased-{first.pk}@invalid"
    assert (first.status, first.reply, first.reply_status) == ("failed", "", "5.1.1")
    assert second.ended_at is not None
    # The one that went to her alone is gone; Paul's failed and may still be looked at.
    assert list(Body.objects.values_list("message_id", flat=True)) == [second.message_id]
    assert ledger.check() == before
    assert all(line.is_balanced for line in ledger.check())
    assert traces.look(account, ZOE).is_empty


def test_what_is_in_the_queue_is_told_and_left_alone(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(ZOE)
    end(now)
    submit(ZOE)
    found = traces.look(account, ZOE)
    assert (found.ended, found.live, found.is_more) == (1, 1, False)
    for _ in range(3):
        submit(ZOE)
    end(now)
    submit(ZOE)
    found = traces.look(account, ZOE, most=2)
    assert (found.ended, found.live, found.is_more) == (2, 1, True)
    assert queue.erase(account.pk, ZOE) == 5
    assert Recipient.objects.get(address=ZOE).status == "waiting"
    assert Body.objects.count() == 1


def test_other_accounts_keep_what_they_have(
    account: HostingAccount, other: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(ZOE, account_id=other.pk)
    end(now, Result.DELIVERED, "250 Ok")
    assert traces.look(account, ZOE).is_empty
    assert queue.erase(account.pk, ZOE) == 0
    assert Recipient.objects.get().address == ZOE


def test_it_works_in_slices(account: HostingAccount, submit: Submit, now: datetime) -> None:
    for _ in range(5):
        submit(ZOE)
    end(now)
    assert traces.look(account, ZOE, most=3).is_more
    assert [queue.erase(account.pk, ZOE, limit=2) for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.parametrize(
    "address", ["%@example.org", "_oe@example.org", "", "zoe", "x' OR 1=1 --@b"]
)
def test_nothing_but_the_whole_address_fits(
    account: HostingAccount, submit: Submit, now: datetime, address: str
) -> None:
    submit(ZOE)
    end(now)
    assert traces.look(account, address).is_empty
    assert queue.erase(account.pk, address) == 0


def test_an_address_is_found_along_its_index(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    many = [submission(f"r{number}@example.org") for number in range(2000)]
    queue.accept(many, now)
    if connection.vendor == "postgresql":
        # SQLite would keep what it learns for the tests that follow.
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    plan = traces.to_address(account.pk, "r7@example.org").explain()
    assert "recipient_by_address" in plan
