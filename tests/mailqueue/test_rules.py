"""Rules that stop a service by themselves: at which moment, with which figures, how often."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailqueue import ledger, queue, scripts, service
from mailqueue.models import Alert, HostingAccount, Recipient, StateChange
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Submission
from tests.mailqueue.test_concurrency import run

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]
LEASE = timedelta(minutes=1)
DELIVERED = Outcome(Result.DELIVERED, "250 ok", "2.0.0")
UNKNOWN = Outcome(Result.FAILED, "550 5.1.1 User unknown", "5.1.1", "mx.example.org")
OUR_FAULT = Outcome(Result.FAILED, "554 5.7.1 Your IP address is on a blocklist", "5.7.1")
LATER = Outcome(Result.DEFERRED, "452 4.2.2 mailbox full", "4.2.2")


@pytest.fixture(autouse=True)
def _ledger_balances() -> Iterator[None]:
    yield
    assert all(line.is_balanced for line in ledger.check())


@pytest.fixture
def limited(account: HostingAccount) -> HostingAccount:
    HostingAccount.objects.filter(pk=account.pk).update(
        fast_limit=6, error_limit=12, bounce_percent=25
    )
    account.refresh_from_db()
    return account


def state(account: HostingAccount) -> str:
    return HostingAccount.objects.get(pk=account.pk).state


Send = Callable[..., list[StateChange]]


@pytest.fixture
def send(limited: HostingAccount, submit: Submit) -> Send:
    """Sends mails that end as told, and lets the rules look."""

    def go(at: datetime, *outcomes: Outcome) -> list[StateChange]:
        for _ in outcomes:
            submit(at=at)
        claimed = queue.claim_due(at, 1000, LEASE)
        assert len(claimed) >= len(outcomes)
        queue.record(list(zip(claimed, outcomes, strict=False)), at)
        return service.judge_failures([limited.pk], at)

    return go


def test_too_much_too_fast_stops_and_explains_itself(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    for _ in range(6):
        submit(at=now)
    assert service.judge_arrivals([limited.pk], now) == []
    submit("last@example.org", at=now + timedelta(minutes=9))
    [stop] = service.judge_arrivals([limited.pk], now + timedelta(minutes=9))
    assert (stop.event, stop.from_state, stop.to_state) == ("too_fast", "ok", "ko")
    assert stop.figures["number"] == 7
    assert stop.figures["limit"] == 6
    assert stop.figures["samples"][0]["address"] == "last@example.org"
    assert state(limited) == "ko"
    assert set(Recipient.objects.values_list("status", flat=True)) == {"held"}


def test_the_window_of_ten_minutes_slides(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    for _ in range(6):
        submit(at=now)
    submit(at=now + timedelta(minutes=11))
    assert service.judge_arrivals([limited.pk], now + timedelta(minutes=11)) == []


def test_a_click_begins_every_window_anew(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    for _ in range(7):
        submit(at=now)
    assert service.judge_arrivals([limited.pk], now)
    service.unblock(limited.pk, "claire", now)
    for _ in range(6):
        submit(at=now)
    assert service.judge_arrivals([limited.pk], now) == []
    submit(at=now)
    assert service.judge_arrivals([limited.pk], now)


def test_a_receipt_says_when_rules_should_look(
    limited: HostingAccount, submission: Callable[..., queue.Submission], now: datetime
) -> None:
    receipts = [queue.accept([submission()], now)[0] for _ in range(7)]
    assert [receipt.nears_limit for receipt in receipts] == [False] * 6 + [True]


def test_too_many_errors_stop(limited: HostingAccount, send: Send, now: datetime) -> None:
    HostingAccount.objects.update(bounce_percent=0)
    assert send(now, *[UNKNOWN] * 11) == []
    [stop] = send(now + timedelta(minutes=58), UNKNOWN)
    assert (stop.event, stop.to_state, stop.figures["number"]) == ("too_many_errors", "ko", 12)
    assert stop.figures["samples"][0]["reply"] == UNKNOWN.reply


def test_errors_of_another_hour_do_not_count(
    limited: HostingAccount, send: Send, now: datetime
) -> None:
    HostingAccount.objects.update(bounce_percent=0)
    assert send(now, *[UNKNOWN] * 11) == []
    assert send(now + timedelta(minutes=62), *[UNKNOWN] * 11) == []


def test_a_large_share_of_errors_stops(limited: HostingAccount, send: Send, now: datetime) -> None:
    HostingAccount.objects.update(error_limit=0)
    assert send(now, *[DELIVERED] * 31, *[UNKNOWN] * 9) == [], "nine errors are too few"
    [stop] = send(now + timedelta(hours=23), UNKNOWN, *[UNKNOWN] * 1)
    assert (stop.event, stop.to_state) == ("ratio_exceeded", "bounce")
    assert (stop.figures["number"], stop.figures["sent"], stop.figures["limit"]) == (11, 42, 25)


@pytest.mark.parametrize("outcome", [OUR_FAULT, LATER], ids=["our fault", "deferral"])
def test_what_is_not_the_recipient_s_fault_never_stops_a_site(
    limited: HostingAccount, send: Send, outcome: Outcome, now: datetime
) -> None:
    assert send(now, *[outcome] * 50) == []
    assert state(limited) == "ok"


def test_in_force_the_share_is_doubled(limited: HostingAccount, send: Send, now: datetime) -> None:
    HostingAccount.objects.update(error_limit=0)
    [stop] = send(now, *[DELIVERED] * 20, *[UNKNOWN] * 10)
    service.unblock(limited.pk, "claire", now)
    assert state(limited) == "force"
    assert send(now, *[DELIVERED] * 20, *[UNKNOWN] * 15) == [], "43 % of less than 50 %"
    assert HostingAccount.objects.get().over_ratio_at == now
    [stop] = send(now, *[UNKNOWN] * 5)
    assert (stop.from_state, stop.to_state, stop.figures["limit"]) == ("force", "bounce", 50)


def test_a_purge_leads_back_without_doubling(
    limited: HostingAccount, send: Send, now: datetime
) -> None:
    HostingAccount.objects.update(error_limit=0)
    send(now, *[DELIVERED] * 20, *[UNKNOWN] * 10)
    service.purge(limited.pk, "claire", now)
    assert state(limited) == "ok"
    assert send(now, *[DELIVERED] * 20, *[UNKNOWN] * 10)[0].figures["limit"] == 25


def test_a_week_under_the_usual_share_ends_force(limited: HostingAccount, now: datetime) -> None:
    HostingAccount.objects.update(state="force", state_changed_at=now, windows_from=now)
    assert service.recover(now + timedelta(days=7) - timedelta(seconds=1)) == 0
    assert service.recover(now + timedelta(days=7)) == 1
    assert state(limited) == "ok"
    [change] = StateChange.objects.all()
    assert (change.event, change.actor) == ("recovered", "recovered")
    assert service.recover(now + timedelta(days=8)) == 0


def test_a_bad_day_puts_the_recovery_off(limited: HostingAccount, now: datetime) -> None:
    bad = now + timedelta(days=5)
    HostingAccount.objects.update(state="force", state_changed_at=now, over_ratio_at=bad)
    assert service.recover(now + timedelta(days=8)) == 0
    assert service.recover(bad + timedelta(days=7)) == 1


def test_of_many_workers_one_stops_it(limited: HostingAccount, submit: Submit) -> None:
    moment = datetime.fromisoformat("2026-03-02T10:07:30+00:00")
    for _ in range(9):
        submit(at=moment)
    stops: list[StateChange] = []

    def look() -> None:
        stops.extend(service.judge_arrivals([limited.pk], moment))

    run(look, look, look, look)
    assert len(stops) == 1
    assert StateChange.objects.count() == 1
    assert Alert.objects.filter(kind="blocked").count() == 1


def test_an_account_that_is_stopped_is_not_stopped_again(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    HostingAccount.objects.update(state="spam")
    for _ in range(9):
        submit(at=now)
    assert service.judge_arrivals([limited.pk], now) == []
    assert state(limited) == "spam"


def test_a_stop_is_told_once_with_its_figures(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    for _ in range(8):
        submit(at=now)
    [stop] = service.judge_arrivals([limited.pk], now)
    [alert] = Alert.objects.all()
    assert (alert.kind, alert.key) == ("blocked", str(stop.pk))
    assert alert.figures["event"] == "too_fast"
    assert alert.figures["number"] == 8
    assert alert.figures["review"] is False


def test_the_script_that_most_came_from_is_named(
    limited: HostingAccount, submission: Callable[..., queue.Submission], now: datetime
) -> None:
    from dataclasses import replace

    names = ["1001:send.php"] * 5 + ["1001:contact.php"] * 2 + [""]
    queue.accept([replace(submission(), script=name) for name in names], now)
    [stop] = service.judge_arrivals([limited.pk], now)
    assert stop.figures["script"] == "1001:send.php"
    assert stop.figures["script_number"] == 5
    assert stop.figures["script_key"] == scripts.key_of("1001:send.php", "", "socket")


def test_one_message_to_many_hides_no_other_script(
    limited: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    many = (f"r{number}@example.org" for number in range(600))
    mails = [replace(submission(), script=f"{number}:form.php") for number in (1, 1, 1)]
    queue.accept([*mails, replace(submission(*many), script="9:news.php")], now)
    [stop] = service.judge_arrivals([limited.pk], now)
    told = {name: stop.figures[name] for name in ("script", "script_number", "looked_at")}
    assert told == {"script": "1:form.php", "script_number": 3, "looked_at": 4}


def test_a_quota_that_is_nearly_used_is_told_once_in_its_window(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    HostingAccount.objects.update(hourly_quota=5, daily_quota=20, fast_limit=0)
    for number in range(5):
        submit(at=now)
        service.judge_arrivals([account.pk], now)
        assert Alert.objects.count() == (number >= 3)
    alert = Alert.objects.get()
    assert (alert.kind, alert.figures) == ("hour", {"used": 4, "limit": 5})
    # The clock strikes, the window goes on.
    service.judge_arrivals([account.pk], now + timedelta(minutes=55))
    assert Alert.objects.count() == 1
    later = now + timedelta(minutes=70)
    for _ in range(4):
        submit(at=later)
    service.judge_arrivals([account.pk], later)
    assert Alert.objects.filter(kind="hour").count() == 2


def test_who_has_been_warned_costs_no_transaction_with_each_message(
    limited: HostingAccount, submit: Submit, now: datetime
) -> None:
    HostingAccount.objects.update(hourly_quota=5, daily_quota=5, fast_limit=100)
    submit(*(f"{number}@example.org" for number in range(9)))
    service.judge_arrivals([limited.pk], now)
    assert set(Alert.objects.values_list("kind", flat=True)) == {"hour", "day"}
    with CaptureQueriesContext(connection) as captured:
        service.judge_arrivals([limited.pk], now)
    assert captured.captured_queries
    assert not [query for query in captured.captured_queries if "BEGIN" in query["sql"]]


def test_a_daily_quota_is_told_once_a_day(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    HostingAccount.objects.update(daily_quota=5)
    for day in range(2):
        at = now + timedelta(days=day)
        for _ in range(5):
            submit(at=at)
            service.judge_arrivals([account.pk], at)
    keys = Alert.objects.filter(kind="day").order_by("pk").values_list("key", flat=True)
    assert list(keys) == ["2026-03-02", "2026-03-03"]
