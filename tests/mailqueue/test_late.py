"""Mail of the maildrop: handed over while the relay was away, it is not too fast when it comes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from mailqueue import queue, service
from mailqueue.models import AccountTotals, HostingAccount, Message, Recipient
from mailqueue.queue import Submission

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_piled_up_in_an_outage_stops_nothing_and_the_quota_spreads_it(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    HostingAccount.objects.update(hourly_quota=10, fast_limit=30)
    late = [replace(submission(), origin=Message.Origin.MAILDROP) for _ in range(40)]
    queue.accept(late, now)
    assert service.judge_arrivals([account.pk], now) == []
    assert Recipient.objects.filter(status="waiting").count() == 10
    totals = AccountTotals.objects.get()
    assert (totals.accepted, totals.admitted, totals.overflow) == (40, 10, 30)


def test_what_is_handed_over_now_is_too_fast_all_the_same(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    HostingAccount.objects.update(fast_limit=30)
    queue.accept([replace(submission(), origin=Message.Origin.MAILDROP) for _ in range(40)], now)
    queue.accept([submission() for _ in range(30)], now)
    assert service.judge_arrivals([account.pk], now) == []
    [receipt] = queue.accept([submission()], now)
    assert receipt.nears_limit
    [stop] = service.judge_arrivals([account.pk], now)
    assert (stop.event, stop.figures["number"]) == ("too_fast", 31)
