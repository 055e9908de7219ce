"""Quotas: what exceeds them is held and drips out, in order; what may be held has an end."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import LazySettings

from mailqueue import accounts, ledger, limits, queue, service, tasks, windows
from mailqueue.models import AccountTotals, HostingAccount, Recipient
from mailqueue.outcomes import Outcome, Result
from mailqueue.policy import Usage
from mailqueue.queue import Submission

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]
LEASE = timedelta(minutes=1)
DELIVERED = Outcome(Result.DELIVERED, "250 ok", "2.0.0")
LATER = Outcome(Result.DEFERRED, "451 later", "4.0.0")


@pytest.fixture(autouse=True)
def _ledger_balances() -> Iterator[None]:
    yield
    assert all(line.is_balanced for line in ledger.check())
    for totals in AccountTotals.objects.all():
        held = Recipient.objects.filter(account=totals.account_id, status="held")
        sizes = held.values_list("message__size_bytes", flat=True)
        assert totals.held_bytes == sum(sizes)
        assert totals.overflow == held.filter(hold_reason="overflow").count()


@pytest.fixture
def limited(account: HostingAccount) -> HostingAccount:
    """The account with a quota of 5 an hour and 8 a day."""
    HostingAccount.objects.filter(pk=account.pk).update(hourly_quota=5, daily_quota=8)
    account.refresh_from_db()
    return account


def states() -> list[str]:
    rows = Recipient.objects.order_by("pk").values_list("status", "hold_reason")
    return [reason or status for status, reason in rows]


def drip(now: datetime) -> int:
    return service.drip_due(now)[0]


def test_limits_are_the_house_s_unless_the_account_has_its_own(
    account: HostingAccount, settings: LazySettings
) -> None:
    settings.HOURLY_QUOTA, settings.DAILY_QUOTA = 200, 2000
    settings.ERROR_LIMIT, settings.BOUNCE_PERCENT = 100, 25
    found = limits.of(account)
    assert (found.hourly_quota, found.daily_quota, found.fast_limit) == (200, 2000, 600)
    assert (found.error_limit, found.bounce_percent, found.hold_limit) == (100, 25, 6000)
    assert (found.hold, found.hold_bytes) == (timedelta(hours=72), 1024**3)
    account.hourly_quota, account.daily_quota, account.hold_hours = 10, 0, 24
    found = limits.of(account)
    assert (found.hourly_quota, found.fast_limit) == (10, 30)
    assert (found.daily_quota, found.hold_limit) == (None, None)
    assert found.hold == timedelta(hours=24)


def test_the_panel_s_own_letters_have_no_limits(settings: LazySettings, now: datetime) -> None:
    settings.HOURLY_QUOTA = 1
    assert limits.of(accounts.system(now)) == limits.NONE


def test_what_exceeds_the_hourly_quota_is_held_and_the_rest_goes(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(*(f"{n}@example.org" for n in range(7)))
    assert states() == ["waiting"] * 5 + ["overflow"] * 2
    totals = AccountTotals.objects.get(account=limited)
    assert (totals.accepted, totals.admitted, totals.held, totals.overflow) == (7, 5, 2, 2)
    assert HostingAccount.objects.get(pk=limited.pk).state == "ok", "nothing is blocked"


def test_newcomers_wait_behind_what_is_held_already(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(*(f"{n}@example.org" for n in range(6)))
    submit("late@example.org", at=now + timedelta(hours=2))
    assert states() == ["waiting"] * 5 + ["overflow"] * 2


def test_it_drips_out_in_order_when_the_hour_allows_it(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(*(f"{n}@example.org" for n in range(3)))
    submit(*(f"x{n}@example.org" for n in range(4)), at=now + timedelta(minutes=30))
    assert states() == ["waiting"] * 5 + ["overflow"] * 2
    assert drip(now + timedelta(minutes=59)) == 0
    assert drip(now + timedelta(minutes=61)) == 2
    assert states() == ["waiting"] * 7
    row = Recipient.objects.order_by("pk").last()
    assert row
    assert row.admitted_at == row.next_attempt_at == now + timedelta(minutes=61)


def test_the_hour_frees_only_what_it_has_room_for(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    HostingAccount.objects.update(daily_quota=0)
    submit(*(f"{n}@example.org" for n in range(5)))
    submit(*(f"x{n}@example.org" for n in range(9)), at=now + timedelta(minutes=1))
    late = now + timedelta(minutes=65)
    assert (drip(late), drip(late)) == (5, 0)
    assert states() == ["waiting"] * 10 + ["overflow"] * 4
    assert drip(late + timedelta(minutes=61)) == 4


def test_the_daily_quota_begins_anew_at_midnight_of_the_account(
    limited: HostingAccount, submit: Submit
) -> None:
    evening = datetime(2026, 3, 2, 19, 0, tzinfo=UTC)
    submit(*(f"{n}@example.org" for n in range(5)), at=evening)
    submit(*(f"x{n}@example.org" for n in range(5)), at=evening + timedelta(hours=2))
    assert states() == ["waiting"] * 8 + ["overflow"] * 2
    assert drip(datetime(2026, 3, 2, 22, 58, tzinfo=UTC)) == 0
    assert drip(datetime(2026, 3, 2, 23, 1, tzinfo=UTC)) == 2, "one past midnight in Paris"


def test_every_account_drips_in_turn(
    limited: HostingAccount, other: HostingAccount, submit: Submit, now: datetime
) -> None:
    HostingAccount.objects.update(hourly_quota=1)
    for account in (limited, other):
        submit("a@example.org", "b@example.org", account_id=account.pk)
    HostingAccount.objects.update(hourly_quota=2)
    late = now + timedelta(minutes=5)
    assert service.drip_due(late) == (1, limited.pk)
    assert service.drip_due(late, limited.pk) == (1, other.pk)
    assert service.drip_due(late, other.pk) == (0, None)


def test_the_task_goes_through_all_accounts(
    limited: HostingAccount, other: HostingAccount, submit: Submit, now: datetime
) -> None:
    HostingAccount.objects.update(hourly_quota=1)
    for account in (limited, other):
        submit("a@example.org", "b@example.org", account_id=account.pk)
    # By the clock of the task, which is long after.
    tasks.work()
    assert states() == ["waiting"] * 4


def test_a_line_of_any_length_goes_when_its_quota_is_taken_away(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    HostingAccount.objects.update(hold_limit=0)
    submit(*(f"{n}@example.org" for n in range(1200)))
    assert states().count("overflow") == 1195
    HostingAccount.objects.update(hourly_quota=0, daily_quota=0)
    tasks.work()
    assert states() == ["waiting"] * 1200, "not a slice for each sweep"


def test_a_blocked_account_drips_nothing(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(*(f"{n}@example.org" for n in range(6)))
    service.block(limited.pk, "claire", now)
    assert drip(now + timedelta(hours=3)) == 0
    assert states() == ["blocked"] * 5 + ["overflow"]


def test_clicks_do_not_get_around_the_quota(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    service.block(limited.pk, "claire", now)
    submit(*(f"{n}@example.org" for n in range(7)))
    assert states() == ["blocked"] * 7
    service.unblock(limited.pk, "claire", now)
    assert states() == ["waiting"] * 5 + ["overflow"] * 2
    service.block(limited.pk, "claire", now)
    service.unblock(limited.pk, "claire", now)
    assert states() == ["waiting"] * 5 + ["overflow"] * 2


def test_a_release_that_goes_on_later_lets_nobody_overtake(
    limited: HostingAccount, submit: Submit, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.advance, "__defaults__", (2,))
    HostingAccount.objects.update(hourly_quota=2)
    service.block(limited.pk, "claire", now)
    submit(*(f"{n}@example.org" for n in range(6)))
    service.unblock(limited.pk, "claire", now)
    [job] = service.open_jobs()
    service.advance(job, now)
    assert states() == ["waiting"] * 2 + ["overflow"] * 2 + ["blocked"] * 2
    # The worker was away for an hour: the quota has room again.
    late = now + timedelta(minutes=61)
    service.advance(job, late)
    assert states() == ["waiting"] * 2 + ["overflow"] * 4
    assert drip(late) == 2
    assert states() == ["waiting"] * 4 + ["overflow"] * 2


def test_what_the_quota_let_through_once_is_not_counted_again(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(*(f"{n}@example.org" for n in range(4)))
    service.block(limited.pk, "claire", now)
    service.unblock(limited.pk, "claire", now)
    assert states() == ["waiting"] * 4
    assert windows.usages([limited], now)[limited.pk] == Usage(hour=4, day=4, fast=0)
    batch = queue.claim_due(now, 10, LEASE)
    queue.record([(item, LATER) for item in batch], now)
    assert AccountTotals.objects.get(account=limited).admitted == 4


def test_a_late_report_about_what_waits_for_the_quota_is_counted_right(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("a@example.org")
    [late] = queue.claim_due(now, 1, LEASE)
    # As mail that was in the queue before there were quotas.
    Recipient.objects.update(admitted_at=None)
    service.block(limited.pk, "claire", now)
    queue.recover_leases(now + LEASE)
    HostingAccount.objects.update(hourly_quota=1)
    service.unblock(limited.pk, "claire", now)
    assert states() == ["overflow"]
    queue.record([(late, DELIVERED)], now + LEASE)
    assert states() == ["sent"]


def test_held_over_the_quota_it_can_be_purged(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(*(f"{n}@example.org" for n in range(7)))
    service.block(limited.pk, "claire", now)
    service.purge(limited.pk, "claire", now)
    assert states() == ["purged"] * 7


def test_held_over_the_quota_it_expires(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(*(f"{n}@example.org" for n in range(6)))
    assert queue.expire(now + timedelta(hours=73)) == 1
    assert states() == ["waiting"] * 5 + ["expired"]


def test_an_account_keeps_held_mail_as_long_as_it_says(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    HostingAccount.objects.update(hold_hours=24)
    submit("a@example.org")
    assert Recipient.objects.get().deadline == now + timedelta(hours=24)


def test_more_than_may_be_held_is_refused_whole(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    HostingAccount.objects.update(hold_limit=3)
    service.block(account.pk, "claire", now)
    asked = [submission("a@example.org", "b@example.org") for _ in range(2)]
    asked.append(submission("c@example.org"))
    first, second, third = queue.accept(asked, now)
    assert (first.is_refused, second.is_refused, third.is_refused) == (False, True, False)
    assert states() == ["blocked"] * 3
    assert queue.accept([submission()], now) == [queue.REFUSED]
    assert AccountTotals.objects.get(account=account).accepted == 3


def test_a_size_that_may_not_be_held_is_refused(
    account: HostingAccount,
    submission: Callable[..., Submission],
    settings: LazySettings,
    now: datetime,
) -> None:
    settings.HOLD_BYTES = 2000
    service.block(account.pk, "claire", now)
    small, large = submission(size=500), submission(size=1800)
    answers = queue.accept([small, large], now)
    assert [answer.is_refused for answer in answers] == [False, True]
    service.unblock(account.pk, "claire", now)
    assert not queue.accept([large], now)[0].is_refused, "what goes out is not held"


def test_the_largest_message_is_remembered(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    sizes = (500, 1800, 20)
    made = [submission(size=size) for size in sizes]
    for one in made:
        queue.accept([one], now)
    assert AccountTotals.objects.get(account=account).largest_bytes == made[1].size_bytes
