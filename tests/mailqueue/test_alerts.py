"""Alerts in the ledger: each event once; the warning of held mail that is about to expire."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailqueue import alerts, service, tasks
from mailqueue.models import Alert, HostingAccount, Recipient

pytestmark = pytest.mark.django_db

Kind = Alert.Kind
HOUR = timedelta(hours=1)
Submit = Callable[..., str]


@pytest.fixture
def held(account: HostingAccount, submit: Submit, now: datetime) -> Callable[[int], None]:
    """Has so many e-mails held, all accepted at `now`."""
    service.block(account.pk, "claire", now)

    def make(number: int) -> None:
        submit(*(f"client{index}@example.org" for index in range(number)))

    return make


def test_an_event_is_raised_once(account: HostingAccount, now: datetime) -> None:
    assert alerts.raise_once(account.pk, Kind.BLOCKED, "7", now, {"number": 1})
    assert not alerts.raise_once(account.pk, Kind.BLOCKED, "7", now, {"number": 2})
    assert alerts.raise_once(account.pk, Kind.HOURLY_QUOTA, "7", now, {})
    [first, second] = alerts.waiting()
    assert (first.figures, first.account) == ({"number": 1}, account)
    assert alerts.waiting(first.pk) == [second]
    assert alerts.handle(first.pk, now)
    assert not alerts.handle(first.pk, now)
    assert alerts.waiting() == [second]


def test_alerts_are_kept_for_a_year(account: HostingAccount, now: datetime) -> None:
    alerts.raise_once(account.pk, Kind.BLOCKED, "7", now, {})
    assert alerts.prune(now + timedelta(days=364)) == 0
    assert alerts.prune(now + timedelta(days=366)) == 1


def test_the_task_prunes_alerts(account: HostingAccount, now: datetime) -> None:
    alerts.raise_once(account.pk, Kind.BLOCKED, "7", now - timedelta(days=3650), {})
    tasks.prune()
    assert not Alert.objects.exists()


def test_owners_are_warned_a_day_before_held_mail_expires(
    held: Callable[[int], None], account: HostingAccount, now: datetime
) -> None:
    held(3)
    assert alerts.note_expiring(now + 48 * HOUR - timedelta(seconds=1)) == 0
    assert alerts.note_expiring(now + 48 * HOUR) == 1
    alert = Alert.objects.get()
    assert (alert.account, alert.kind) == (account, Kind.EXPIRING)
    assert alert.figures == {
        "number": 3,
        "until": (now + 72 * HOUR).isoformat(),
        "is_more": False,
    }


def test_an_account_is_warned_once_a_day(
    held: Callable[[int], None], submit: Submit, now: datetime
) -> None:
    held(1)
    submit("late@example.org", at=now + 30 * HOUR)
    assert alerts.note_expiring(now + 48 * HOUR) == 1
    assert alerts.note_expiring(now + 48 * HOUR) == 0
    assert alerts.note_expiring(now + 71 * HOUR) == 0
    # The first has expired since, whether the sweep has been or not; the late one is to come.
    assert alerts.note_expiring(now + 80 * HOUR) == 1
    newest = Alert.objects.latest("pk")
    assert newest.figures["number"] == 1
    assert newest.figures["until"] == (now + 102 * HOUR).isoformat()


def test_two_tasks_at_once_warn_once(held: Callable[[int], None], now: datetime) -> None:
    held(1)
    late = now + 50 * HOUR
    assert alerts.note_expiring(late) == 1
    # As if the other task had looked before this one had written.
    Alert.objects.update(created_at=late - 30 * HOUR)
    assert alerts.note_expiring(late) == 0


def test_expired_and_released_mail_is_no_news(
    held: Callable[[int], None], account: HostingAccount, now: datetime
) -> None:
    held(2)
    assert alerts.note_expiring(now + 72 * HOUR) == 0
    service.unblock(account.pk, "claire", now + 47 * HOUR)
    assert alerts.note_expiring(now + 50 * HOUR) == 0


def test_a_hold_that_was_made_shorter_is_seen(
    held: Callable[[int], None], submit: Submit, now: datetime
) -> None:
    held(5)
    submit("short@example.org")
    newest = Recipient.objects.latest("pk")
    Recipient.objects.filter(pk=newest.pk).update(deadline=now + 20 * HOUR)
    assert alerts.note_expiring(now, limit=3) == 1
    assert Alert.objects.get().figures["until"] == (now + 20 * HOUR).isoformat()


def test_many_are_not_counted_to_the_end(held: Callable[[int], None], now: datetime) -> None:
    held(12)
    assert alerts.note_expiring(now + 50 * HOUR, limit=10) == 1
    assert Alert.objects.get().figures["number"] == 10
    assert Alert.objects.get().figures["is_more"] is True


def test_its_queries_do_not_grow_with_what_is_held(
    held: Callable[[int], None], now: datetime
) -> None:
    counted = []
    for number in (1, 40):
        Alert.objects.all().delete()
        held(number)
        with CaptureQueriesContext(connection) as captured:
            alerts.note_expiring(now + 50 * HOUR)
        counted.append(len(captured))
    assert counted[0] == counted[1]


def test_the_system_account_is_not_warned(
    held: Callable[[int], None], account: HostingAccount, now: datetime
) -> None:
    held(1)
    HostingAccount.objects.update(is_system=True)
    assert alerts.note_expiring(now + 50 * HOUR) == 0


def test_the_task_warns(account: HostingAccount, submit: Submit) -> None:
    service.block(account.pk, "claire", datetime.now(UTC))
    submit(at=datetime.now(UTC) - 60 * HOUR)
    assert tasks.warn() == 1
