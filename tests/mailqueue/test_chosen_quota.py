"""A selection is no way around the quota."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from mailqueue import ledger, queue, service
from mailqueue.models import AccountTotals, HostingAccount, Recipient

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_owner_lets_go_as_many_as_the_quota_allows(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    HostingAccount.objects.update(hourly_quota=3)
    service.block(account.pk, "claire", now)
    submit(*(f"{number}@example.org" for number in range(5)))
    ids = list(Recipient.objects.values_list("pk", flat=True))
    assert queue.release_chosen(account.pk, ids, now, as_administrator=False) == 3
    assert queue.release_chosen(account.pk, ids, now, as_administrator=False) == 0
    assert queue.release_chosen(account.pk, ids, now, as_administrator=True) == 2
    assert AccountTotals.objects.get(account=account).admitted == 5
    assert all(line.is_balanced for line in ledger.check())


def test_what_was_let_go_is_not_held_again_by_its_worker(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    service.block(account.pk, "claire", now)
    submit("a@example.org", "b@example.org")
    first, _ = Recipient.objects.order_by("pk")
    queue.release_chosen(account.pk, [first.pk], now, as_administrator=False)
    batch = queue.claim_due(now, 10, timedelta(minutes=1))
    assert [item.recipient_id for item in batch] == [first.pk]
    assert queue.cleared(batch) == {first.pk}
    queue.give_back(batch, now)
    assert Recipient.objects.get(pk=first.pk).status == "waiting"
