"""Counts: right by quarter and minute, and right when many count at once."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from mailqueue import counters
from mailqueue.counters import Tallies, Tally
from mailqueue.models import AccountTotals, HostingAccount, MinuteCount, QuarterCount

pytestmark = pytest.mark.django_db(transaction=True)


def count(now: datetime, *accounts: HostingAccount, **numbers: int) -> None:
    tallies = Tallies()
    for account in accounts:
        for name, number in numbers.items():
            setattr(tallies[account.pk], name, number)
    with transaction.atomic():
        tallies.write(now)


def test_counts_add_up_in_their_quarter_and_their_minute(
    account: HostingAccount, now: datetime
) -> None:
    count(now, account, accepted=3)
    count(now + timedelta(minutes=1), account, accepted=2, sent=1)
    assert AccountTotals.objects.get().accepted == 5
    [quarter] = QuarterCount.objects.all()
    assert (quarter.start, quarter.accepted, quarter.sent) == (
        datetime(2026, 3, 2, 10, 0, tzinfo=UTC), 5, 1,
    )  # fmt: skip
    assert list(MinuteCount.objects.order_by("start").values_list("start", "accepted")) == [
        (datetime(2026, 3, 2, 10, 7, tzinfo=UTC), 3),
        (datetime(2026, 3, 2, 10, 8, tzinfo=UTC), 2),
    ]


def test_what_is_held_now_is_no_event(account: HostingAccount, now: datetime) -> None:
    count(now, account, accepted=1, held=1)
    count(now + timedelta(hours=1), account, held=-1)
    assert AccountTotals.objects.get().held == 0
    assert QuarterCount.objects.count() == 1


def test_nothing_to_count_writes_nothing(account: HostingAccount, now: datetime) -> None:
    tallies = Tallies()
    assert not tallies[account.pk]
    tallies.write(now)
    assert not QuarterCount.objects.exists()


def test_windows_and_quarters_sum_for_each_account(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    count(now - timedelta(hours=2), account, accepted=7, sent=7)
    count(now, account, other, accepted=3, sent=2, failed=1)
    since = now - timedelta(hours=1)
    ids = [account.pk, other.pk]
    expected = {
        account.pk: Tally(accepted=3, sent=2, failed=1),
        other.pk: Tally(accepted=3, sent=2, failed=1),
    }
    assert counters.trailing(dict.fromkeys(ids, since), now) == expected
    longer = {account.pk: now - timedelta(hours=2), other.pk: since}
    assert counters.trailing(longer, now)[account.pk].accepted == 10
    quarter = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    assert counters.in_quarters(ids, quarter, now) == expected


def test_a_minute_that_begins_anew_holds_nothing_of_before(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    count(now - timedelta(minutes=1), account, accepted=2)
    count(now, account, other, accepted=3, bounced=1)
    with transaction.atomic():
        counters.begin_minute(account.pk, now)
        counters.begin_minute(account.pk, now)
    count(now, account, accepted=1)
    start = {account.pk: now, other.pk: now}
    assert counters.trailing(start, now)[account.pk] == Tally(accepted=1)
    assert counters.trailing(start, now)[other.pk] == Tally(accepted=3, bounced=1)
    hour = dict.fromkeys(start, now - timedelta(hours=1))
    assert counters.trailing(hour, now)[account.pk] == Tally(accepted=6, bounced=1)


def test_minutes_go_after_25_hours_and_quarters_stay(
    account: HostingAccount, now: datetime
) -> None:
    count(now, account, accepted=1, sent=1)
    assert counters.prune_minutes(now + timedelta(hours=25)) == 1
    assert QuarterCount.objects.exists()


def test_many_count_at_once_and_nothing_is_lost(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    def work(accounts: tuple[HostingAccount, ...]) -> None:
        try:
            for _ in range(25):
                count(now, *accounts, accepted=1)
        finally:
            connection.close()

    orders: list[tuple[HostingAccount, ...]] = [(account, other), (other, account)]
    threads = [threading.Thread(target=work, args=(orders[n % 2],)) for n in range(6)]
    run(threads)
    assert list(AccountTotals.objects.values_list("accepted", flat=True)) == [150, 150]
    assert list(QuarterCount.objects.values_list("accepted", flat=True)) == [150, 150]


def run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
