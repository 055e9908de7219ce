"""The chart of an account: what was sent and what was in error, by day or by hour.

Reads the count rows of the range it shows, never messages. Days and hours are those of the
account's time zone: quarters of an hour make them right in every zone, and on the days when clocks
change, which have 23 or 25 hours.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.db.models import Sum

from mailqueue.counters import QUARTER
from mailqueue.models import HostingAccount, QuarterCount

HOURS = 24
ONE_DAY = timedelta(days=1)


class Period(StrEnum):
    """How far back the chart looks."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"


DAYS = {Period.WEEK: 7, Period.MONTH: 30, Period.QUARTER: 90}


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour or a day of the chart, its ends in the account's time zone.

    Sent means left: delivered or refused. `in_error` counts what was refused or came back
    meanwhile, `queued` what stands in the queue now, on the bar of this moment only.
    """

    start: datetime
    end: datetime
    sent: int
    in_error: int
    queued: int

    @property
    def delivered(self) -> int:
        """Sent and not in error; mail of before that came back may outnumber both."""
        return max(0, self.sent - self.in_error)


@dataclass(frozen=True, slots=True)
class History:
    """The bars of a period, or the hours of one day. They end with the bar of this moment."""

    period: Period
    day: date | None
    bars: Sequence[Bar]

    @property
    def is_by_hour(self) -> bool:
        """Whether a bar is an hour."""
        return self.day is not None or self.period is Period.DAY


def of_period(account: HostingAccount, period: Period, now: datetime, queued: int) -> History:
    """The last 24 hours by hour, or the last days by day; `queued` is what waits now."""
    zone = ZoneInfo(account.time_zone)
    if period is Period.DAY:
        first = _floor_to_hour(now - timedelta(hours=HOURS - 1), zone)
        edges = _hours(first, now, zone)
    else:
        today = now.astimezone(zone).date()
        days = range(DAYS[period])
        edges = [day_start(account.time_zone, today - ONE_DAY * back) for back in reversed(days)]
        edges.append(day_start(account.time_zone, today + ONE_DAY))
    return History(period, None, _bars([account.pk], zone, edges, now, queued))


def of_day(
    account: HostingAccount, day: date, period: Period, now: datetime, queued: int
) -> History:
    """The hours of a day, of today those that have begun; `period` is where the day was chosen.

    Raises ValueError for a day that has not begun, and for one that the calendar of the time zone
    left out (Samoa, 2011-12-30).
    """
    start, end = day_start(account.time_zone, day), day_start(account.time_zone, day + ONE_DAY)
    if not start < end or start > now:
        raise ValueError(f"no hour of {day} has begun")
    zone = ZoneInfo(account.time_zone)
    edges = _hours(start, min(now, end - QUARTER), zone)
    return History(period, day, _bars([account.pk], zone, edges, now, queued))


def of_accounts(account_ids: Sequence[int], time_zone: str, now: datetime, queued: int) -> History:
    """The last 24 hours of several accounts together, by the hours of a time zone."""
    zone = ZoneInfo(time_zone)
    edges = _hours(_floor_to_hour(now - timedelta(hours=HOURS - 1), zone), now, zone)
    return History(Period.DAY, None, _bars(account_ids, zone, edges, now, queued))


def day_start(time_zone: str, day: date) -> datetime:
    """When a day begins in a time zone, as UTC."""
    return datetime.combine(day, time.min, tzinfo=ZoneInfo(time_zone)).astimezone(UTC)


def _hours(start: datetime, last: datetime, zone: ZoneInfo) -> list[datetime]:
    """The beginnings of the hours from that of `start` to that of `last`, and the end of this.

    An hour ends where the clock shows another one, or the same one again. Walks in quarters: zones
    lie up to 45 minutes beside UTC, and one changes its clock by half an hour.
    """
    edges = [start]
    moment = start
    while True:
        moment += QUARTER
        if _hour(moment, zone) != _hour(moment - QUARTER, zone):
            edges.append(moment)
            if moment > last:
                return edges


def _floor_to_hour(moment: datetime, zone: ZoneInfo) -> datetime:
    moment = moment.astimezone(UTC)
    floored = moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
    while _hour(floored - QUARTER, zone) == _hour(floored, zone):
        floored -= QUARTER
    return floored


def _hour(moment: datetime, zone: ZoneInfo) -> tuple[int, timedelta | None]:
    local = moment.astimezone(zone)
    return local.hour, local.utcoffset()


def _bars(
    account_ids: Sequence[int],
    zone: ZoneInfo,
    edges: Sequence[datetime],
    now: datetime,
    queued: int,
) -> list[Bar]:
    sent, in_error = _counted(account_ids, edges)
    return [
        Bar(
            start=start.astimezone(zone),
            end=end.astimezone(zone),
            sent=sent[number],
            in_error=in_error[number],
            queued=queued if start <= now < end else 0,
        )
        for number, (start, end) in enumerate(pairwise(edges))
    ]


def _counted(account_ids: Sequence[int], edges: Sequence[datetime]) -> tuple[list[int], list[int]]:
    """What was sent and what was in error between each edge and the next."""
    sent, in_error = [0] * len(edges), [0] * len(edges)
    rows: Iterable[tuple[datetime, int, int, int]] = (
        QuarterCount.objects.filter(
            account_id__in=account_ids, start__gte=edges[0], start__lt=edges[-1]
        )
        .values_list("start")
        .annotate(Sum("sent"), Sum("failed"), Sum("returned"))
    )
    for start, delivered, failed, returned in rows:
        number = bisect_right(edges, start) - 1
        # PostgreSQL's sums are Decimals.
        sent[number] += int(delivered + failed)
        in_error[number] += int(failed + returned)
    return sent, in_error
