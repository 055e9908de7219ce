"""What the dashboard shows of the whole house: read, never written.

Two queries over the count rows of one day, along the index by account: with 1,000 accounts that
send in every quarter of an hour, 96,000 rows each, they take 40 to 65 ms each on SQLite, however
far back the counts go (measured with 2.9 million rows). A chart of 30 days would read thirty times
as much. The panel's own letters and closed accounts are left out.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum

from mailqueue import history, windows
from mailqueue.history import History
from mailqueue.models import AccountTotals, HostingAccount, QuarterCount, Review
from mailqueue.states import State

# The lists of the dashboard.
MOST_SENDERS = 10
MOST_REVIEWS = 20
# Where no account says what time it is.
DEFAULT_ZONE = "Europe/Paris"


@dataclass(frozen=True, slots=True)
class Sender:
    """An account, and what it counted today. Sent means left: delivered or refused."""

    account: HostingAccount
    sent: int
    in_error: int

    @property
    def error_percent(self) -> float:
        """The share in error; what came back late may outnumber what was sent today."""
        return min(100.0, 100 * self.in_error / self.sent) if self.sent else 100.0


@dataclass(frozen=True, slots=True)
class Awaiting:
    """An account that an administrator has to look at, and when its owner asked for it, if so."""

    account: HostingAccount
    stated_at: datetime | None


@dataclass(frozen=True, slots=True)
class HouseOverview:
    """The house at a moment, in recipients; "today" began at `midnight` in `time_zone`."""

    time_zone: str
    midnight: datetime
    states: dict[State, int]
    sent_today: int
    in_error_today: int
    queued: int
    held: int
    history: History
    by_errors: Sequence[Sender]
    by_volume: Sequence[Sender]
    awaiting: Sequence[Awaiting]
    number_awaiting: int

    @property
    def error_percent(self) -> float | None:
        """The share of today's e-mails in error; None if none was sent."""
        if not self.sent_today:
            return None
        return min(100.0, 100 * self.in_error_today / self.sent_today)


def time_zone() -> str:
    """The time zone of the house: the one that most accounts have."""
    return _most_common(list(_open().values_list("time_zone", flat=True)))


def at(now: datetime) -> HouseOverview:
    """All that the dashboard shows at `now`."""
    rows = list(_open().values_list("pk", "state", "time_zone"))
    ids = [pk for pk, _state, _zone in rows]
    states = Counter(state for _pk, state, _zone in rows)
    zone = _most_common([zone for _pk, _state, zone in rows])
    midnight = windows.midnight(zone, now)
    today = _today(ids, midnight)
    queued, held = _standing(ids)
    awaiting = _awaiting()
    return HouseOverview(
        time_zone=zone,
        midnight=midnight,
        states={state: states[state] for state in State},
        sent_today=sum(sent for _pk, sent, _errors in today),
        in_error_today=sum(errors for _pk, _sent, errors in today),
        queued=queued,
        held=held,
        history=history.of_accounts(ids, zone, now, queued),
        by_errors=_senders(nlargest(MOST_SENDERS, today, key=lambda row: (row[2], row[1]))),
        by_volume=_senders(nlargest(MOST_SENDERS, today, key=lambda row: (row[1], row[2]))),
        awaiting=_first(awaiting),
        number_awaiting=awaiting.count(),
    )


def _open() -> QuerySet[HostingAccount]:
    return HostingAccount.objects.filter(is_system=False, closed_at__isnull=True)


def _most_common(zones: list[str]) -> str:
    # Of two that are as common, the same one each time.
    return Counter(sorted(zones)).most_common(1)[0][0] if zones else DEFAULT_ZONE


def _today(ids: list[int], midnight: datetime) -> list[tuple[int, int, int]]:
    """For each account that counted something today: its number, what it sent, what was in error.

    Rows of the future cannot be: the clock that writes them is the one that reads them.
    """
    rows = (
        QuarterCount.objects.filter(account_id__in=ids, start__gte=midnight)
        .values_list("account_id")
        .annotate(Sum("sent"), Sum("failed"), Sum("returned"))
    )
    # PostgreSQL's sums are Decimals.
    return [(pk, int(sent + failed), int(failed + back)) for pk, sent, failed, back in rows]


def _senders(rows: list[tuple[int, int, int]]) -> list[Sender]:
    accounts = HostingAccount.objects.in_bulk([pk for pk, _sent, _errors in rows])
    return [Sender(accounts[pk], sent, errors) for pk, sent, errors in rows if sent or errors]


def _standing(ids: list[int]) -> tuple[int, int]:
    """What is in all queues now, and what of it is held."""
    ended = F("sent") + F("failed") + F("purged") + F("expired") + F("suppressed")
    sums = AccountTotals.objects.filter(account_id__in=ids).aggregate(
        queued=Sum(F("accepted") - ended), held=Sum("held")
    )
    return int(sums["queued"] or 0), int(sums["held"] or 0)


_ASKED = Review.objects.filter(account=OuterRef("pk"), answered_at__isnull=True)


def _awaiting() -> QuerySet[HostingAccount]:
    return _open().filter(Q(review_required=True) | Exists(_ASKED))


def _first(awaiting: QuerySet[HostingAccount]) -> list[Awaiting]:
    """First who asked for a review, the longest first."""
    rows = list(
        awaiting.annotate(stated_at=Subquery(_ASKED.values("stated_at")[:1]))
        .order_by(F("stated_at").asc(nulls_last=True), "service_name")
        .values_list("pk", "stated_at")[:MOST_REVIEWS]
    )
    accounts = HostingAccount.objects.in_bulk([pk for pk, _stated_at in rows])
    return [Awaiting(accounts[pk], stated_at) for pk, stated_at in rows]
