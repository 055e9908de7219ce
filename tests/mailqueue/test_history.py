"""The chart: every quarter of an hour in its hour and its day, in every time zone."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailqueue import accounts, history, queue
from mailqueue.history import History, Period
from mailqueue.models import HostingAccount, QuarterCount
from mailqueue.outcomes import Outcome, Result

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 3, 2, 12, 7, 30, tzinfo=UTC)


@pytest.fixture
def in_zone(db: None) -> Callable[[str], HostingAccount]:
    """Makes an account in a time zone."""

    def create(time_zone: str) -> HostingAccount:
        born = datetime(2020, 1, 1, tzinfo=UTC)
        return accounts.create("zone.example", born, time_zone=time_zone)

    return create


def count(account: HostingAccount, start: datetime, sent: int = 1, **counts: int) -> None:
    QuarterCount.objects.create(account=account, start=start, sent=sent, **counts)


def starts(shown: History) -> list[str]:
    return [f"{bar.start:%d %H:%M}" for bar in shown.bars]


def sent(shown: History) -> dict[str, int]:
    """The bars that have something, by when they begin."""
    return {f"{bar.start:%d %H:%M}": bar.sent for bar in shown.bars if bar.sent}


@pytest.mark.parametrize(
    ("period", "number", "first"),
    [
        (Period.DAY, 24, "01 14:00"),
        (Period.WEEK, 7, "24 00:00"),
        (Period.MONTH, 30, "01 00:00"),
        (Period.QUARTER, 90, "03 00:00"),
    ],
)
def test_a_period_ends_now(
    account: HostingAccount, period: Period, number: int, first: str
) -> None:
    shown = history.of_period(account, period, NOON, queued=3)
    assert len(shown.bars) == number
    assert starts(shown)[0] == first
    assert shown.bars[-1].start <= NOON < shown.bars[-1].end
    assert [bar.queued for bar in shown.bars] == [0] * (number - 1) + [3]
    assert shown.is_by_hour == (period is Period.DAY)


def test_it_counts_what_the_queue_has_ended(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    submit("a@x.example", "b@x.example", "c@x.example")
    claimed = queue.claim_due(now, 2, timedelta(seconds=60))
    results = (Result.DELIVERED, Result.FAILED)
    queue.record(
        [
            (item, Outcome(result, "250 ok", "2.0.0"))
            for item, result in zip(claimed, results, strict=True)
        ],
        now,
    )
    for period in Period:
        bar = history.of_period(account, period, now, queued=1).bars[-1]
        assert (bar.sent, bar.delivered, bar.in_error, bar.queued) == (2, 1, 1, 1)


def test_what_came_back_may_outnumber_what_left(account: HostingAccount) -> None:
    count(account, datetime(2026, 3, 2, 10, tzinfo=UTC), sent=2, failed=1, returned=5)
    bar = history.of_period(account, Period.MONTH, NOON, 0).bars[-1]
    assert (bar.sent, bar.in_error, bar.delivered) == (3, 6, 0)


def test_what_lies_beside_the_range_is_not_counted(
    account: HostingAccount, other: HostingAccount
) -> None:
    first = history.day_start(account.time_zone, date(2026, 2, 1))
    count(account, first - timedelta(minutes=15))
    count(account, first)
    count(other, first)
    assert sent(history.of_period(account, Period.MONTH, NOON, 0)) == {"01 00:00": 1}


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", "01 18:00"),
        ("Europe/Paris", "01 19:00"),
        ("Asia/Kolkata", "02 00:00"),
        ("Asia/Kathmandu", "02 00:00"),
        ("Pacific/Chatham", "02 08:00"),
        ("Pacific/Honolulu", "01 08:00"),
    ],
)
def test_a_quarter_falls_into_its_hour_and_its_day(
    in_zone: Callable[[str], HostingAccount], zone: str, expected: str
) -> None:
    account = in_zone(zone)
    count(account, datetime(2026, 3, 1, 18, 30, tzinfo=UTC))
    assert sent(history.of_period(account, Period.DAY, NOON, 0)) == {expected: 1}
    day = date(2026, 3, int(expected[:2]))
    assert sent(history.of_day(account, day, Period.MONTH, NOON, 0)) == {expected: 1}
    assert sent(history.of_period(account, Period.WEEK, NOON, 0)) == {f"{expected[:2]} 00:00": 1}


@pytest.mark.parametrize(
    ("zone", "day", "number"),
    [
        ("Europe/Paris", date(2026, 3, 29), 23),
        ("Europe/Paris", date(2026, 10, 25), 25),
        ("Europe/Paris", date(2026, 6, 1), 24),
        ("America/St_Johns", date(2026, 3, 8), 23),
        ("Asia/Kathmandu", date(2026, 3, 29), 24),
        # At midnight itself: the day begins at one, or its last hour comes twice.
        ("Africa/Cairo", date(2025, 4, 25), 23),
        ("Africa/Cairo", date(2025, 10, 30), 25),
        # By half an hour.
        ("Australia/Lord_Howe", date(2026, 4, 5), 25),
    ],
)
def test_a_day_has_the_hours_that_the_clock_gives_it(
    in_zone: Callable[[str], HostingAccount], zone: str, day: date, number: int
) -> None:
    account = in_zone(zone)
    later = datetime(2026, 12, 1, tzinfo=UTC)
    start = history.day_start(zone, day)
    end = history.day_start(zone, day + timedelta(days=1))
    quarters = (end - start) // timedelta(minutes=15)
    for quarter in range(quarters):
        count(account, start + quarter * timedelta(minutes=15))
    shown = history.of_day(account, day, Period.MONTH, later, 0)
    assert len(shown.bars) == number
    assert {bar.start.date() for bar in shown.bars} == {day}
    # Each of its quarters is in the bar of its hour, once, and the days beside it have none.
    lengths = [bar.end.timestamp() - bar.start.timestamp() for bar in shown.bars]
    assert [bar.sent for bar in shown.bars] == [length / 900 for length in lengths]
    assert sum(bar.sent for bar in shown.bars) == quarters
    after = datetime.combine(day + timedelta(days=3), datetime.min.time(), tzinfo=UTC)
    week = history.of_period(account, Period.WEEK, after, 0)
    assert {bar.start.date(): bar.sent for bar in week.bars if bar.sent} == {day: quarters}


def test_today_has_the_hours_that_have_begun(account: HostingAccount) -> None:
    shown = history.of_day(account, date(2026, 3, 2), Period.WEEK, NOON, queued=4)
    assert starts(shown) == [f"02 {hour:02d}:00" for hour in range(14)]
    assert [bar.queued for bar in shown.bars] == [0] * 13 + [4]
    assert (shown.period, shown.is_by_hour) == (Period.WEEK, True)
    yesterday = history.of_day(account, date(2026, 3, 1), Period.WEEK, NOON, queued=4)
    assert len(yesterday.bars) == 24
    assert not any(bar.queued for bar in yesterday.bars)


@pytest.mark.parametrize("minute", [0, 14, 59])
def test_today_begins_with_its_first_hour(account: HostingAccount, minute: int) -> None:
    midnight = history.day_start(account.time_zone, date(2026, 3, 2))
    now = midnight + timedelta(minutes=minute)
    shown = history.of_day(account, date(2026, 3, 2), Period.MONTH, now, 1)
    assert starts(shown) == ["02 00:00"]
    assert shown.bars[0].queued == 1


def test_a_day_that_never_was_is_refused(in_zone: Callable[[str], HostingAccount]) -> None:
    account = in_zone("Pacific/Apia")
    for day in (date(2026, 3, 4), date(2011, 12, 30)):
        with pytest.raises(ValueError, match="has begun"):
            history.of_day(account, day, Period.MONTH, NOON, 0)


def test_it_takes_one_query_whatever_the_period(account: HostingAccount) -> None:
    for number in range(200):
        count(account, NOON.replace(minute=0, second=0) - timedelta(hours=number))
    for period in Period:
        with CaptureQueriesContext(connection) as captured:
            history.of_period(account, period, NOON, 0)
        assert len(captured) == 1
