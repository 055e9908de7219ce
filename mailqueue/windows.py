"""What accounts have counted in the windows that limits look at.

Trailing windows are read from minutes, "today" from quarters of an hour in the account's time zone:
both are right in every zone, and cost the same however much mail there is.

The windows of limits that block start anew at the last change to `ok` or `force`; the quotas' do
not (see docs/decisions/quotas-and-clicks.md).
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mailqueue import counters, statements
from mailqueue.counters import Since, Standing, Tally
from mailqueue.history import day_start
from mailqueue.models import HostingAccount
from mailqueue.policy import FAST_WINDOW, HOUR, Usage

A_MOMENT = timedelta(seconds=1)


def midnight(time_zone: str, now: datetime) -> datetime:
    """When the day of `now` began in a time zone, as UTC."""
    return day_start(time_zone, now.astimezone(ZoneInfo(time_zone)).date())


def usages(accounts: Iterable[HostingAccount], now: datetime) -> dict[int, Usage]:
    """What each of these accounts has used of its quotas, and handed over of late."""
    rows = list(accounts)
    found = statements.fetch_all([asking_standing(row, now) for row in rows])
    return {row.pk: usage_of(Standing.of(values)) for row, values in zip(rows, found, strict=True)}


def asking_standing(account: HostingAccount, now: datetime) -> tuple[str, Sequence[Any]]:
    """The query, for `statements.fetch_all`, that gives the Standing of an account."""
    since = Since(
        minutes=now - HOUR,
        quarters=midnight(account.time_zone, now),
        accepted=max(now - FAST_WINDOW, account.windows_from),
    )
    return counters.asking_standing(account.pk, since, now)


def usage_of(standing: Standing) -> Usage:
    """What limits look at, of how an account stands."""
    return Usage(
        hour=standing.admitted_in_minutes,
        day=standing.admitted_in_quarters,
        fast=standing.accepted,
    )


def since(account: HostingAccount, window: timedelta, now: datetime) -> Tally:
    """What an account counted in a trailing window of at most 25 hours, since the last click."""
    start = max(now - window, account.windows_from)
    return counters.trailing({account.pk: start}, now)[account.pk]


def since_midnight(zones: dict[int, str], now: datetime) -> dict[int, Tally]:
    """What each account counted since its midnight: one query for each midnight there is."""
    by_midnight: dict[datetime, list[int]] = defaultdict(list)
    for pk, zone in zones.items():
        by_midnight[midnight(zone, now)].append(pk)
    counted: dict[int, Tally] = defaultdict(Tally)
    for start, ids in by_midnight.items():
        counted.update(counters.in_quarters(ids, start, now + A_MOMENT))
    return counted
