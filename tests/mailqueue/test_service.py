"""Clicks on the three buttons, and the slow work behind them."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from mailqueue import ledger, queue, service, tasks
from mailqueue.errors import IllegalTransition, UnknownAccount
from mailqueue.models import AccountTotals, HostingAccount, QueueJob, Recipient, StateChange

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]


def state(account: HostingAccount) -> str:
    return HostingAccount.objects.get(pk=account.pk).state


def statuses() -> list[str]:
    return list(Recipient.objects.order_by("pk").values_list("status", flat=True))


@pytest.fixture(autouse=True)
def _ledger_balances() -> object:
    yield
    assert all(line.is_balanced for line in ledger.check())


def test_block_holds_what_waits(account: HostingAccount, submit: Submit, now: datetime) -> None:
    submit("a@example.org", "b@example.org")
    change = service.block(account.pk, "admin", now)
    assert (change.from_state, change.to_state, change.actor) == ("ok", "ko", "admin")
    assert state(account) == "ko"
    assert statuses() == ["held", "held"]
    assert AccountTotals.objects.get(account=account).held == 2


def test_block_leaves_other_accounts_alone(
    account: HostingAccount, other: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(account_id=other.pk)
    service.block(account.pk, "admin", now)
    assert statuses() == ["waiting"]


def test_unblock_sends_held_mail_on_its_way(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    service.block(account.pk, "admin", now)
    submit("a@example.org")
    later = now + timedelta(hours=60)
    service.unblock(account.pk, "admin", later)
    assert state(account) == "ok"
    row = Recipient.objects.get()
    assert (row.status, row.next_attempt_at) == ("waiting", later)
    assert row.deadline == later + timedelta(hours=24), "a day of tries at least"


def test_unblocking_bounce_leads_to_force(account: HostingAccount, now: datetime) -> None:
    HostingAccount.objects.update(state="bounce")
    service.unblock(account.pk, "admin", now)
    assert state(account) == "force"


def test_purge_empties_the_queue_and_lets_mail_go_on(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit()
    service.block(account.pk, "admin", now)
    submit()
    service.purge(account.pk, "admin", now)
    assert state(account) == "ok"
    assert statuses() == ["purged", "purged"]
    submit()
    assert statuses()[-1] == "waiting"


def test_a_purge_can_leave_the_service_blocked(account: HostingAccount, now: datetime) -> None:
    service.block(account.pk, "admin", now)
    service.purge(account.pk, "admin", now, stay_blocked=True)
    assert state(account) == "ko"


def test_a_purge_leads_to_spam_when_a_review_is_required(
    account: HostingAccount, now: datetime
) -> None:
    HostingAccount.objects.update(state="spam", review_required=True)
    service.purge(account.pk, "admin", now)
    assert state(account) == "spam"


@pytest.mark.parametrize(
    ("start", "verb"),
    [
        ("ko", service.block),
        ("bounce", service.block),
        ("spam", service.block),
        ("purging", service.block),
        ("ok", service.unblock),
        ("force", service.unblock),
        ("spam", service.unblock),
        ("purging", service.unblock),
        ("ok", service.purge),
        ("force", service.purge),
        ("purging", service.purge),
    ],
)
def test_an_illegal_click_is_refused_and_changes_nothing(
    start: str, verb: Callable[..., StateChange], account: HostingAccount, now: datetime
) -> None:
    HostingAccount.objects.update(state=start)
    with pytest.raises(IllegalTransition):
        verb(account.pk, "admin", now)
    assert state(account) == start
    assert not StateChange.objects.exists()
    assert not QueueJob.objects.exists()


def test_an_unknown_account_is_said(db: None, now: datetime) -> None:
    with pytest.raises(UnknownAccount):
        service.block(999, "admin", now)


def test_windows_start_anew_when_mail_goes_on(account: HostingAccount, now: datetime) -> None:
    service.block(account.pk, "admin", now + timedelta(hours=1))
    assert HostingAccount.objects.get().windows_from == now
    service.unblock(account.pk, "admin", now + timedelta(hours=2))
    assert HostingAccount.objects.get().windows_from == now + timedelta(hours=2)


def test_every_change_is_kept(account: HostingAccount, submit: Submit, now: datetime) -> None:
    submit()
    service.block(account.pk, "claire", now)
    service.purge(account.pk, "paul", now + timedelta(minutes=1))
    changes = StateChange.objects.order_by("pk").values_list("event", "to_state", "actor")
    assert list(changes) == [
        ("block", "ko", "claire"),
        ("purge", "purging", "paul"),
        ("purged", "ok", "paul"),
    ]


@pytest.fixture
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.advance, "__defaults__", (2,))


@pytest.mark.usefixtures("small_slices")
def test_a_long_queue_is_purged_in_slices_in_order_of_arrival(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    service.block(account.pk, "admin", now)
    submit(*(f"{number}@example.org" for number in range(5)))
    service.purge(account.pk, "admin", now)
    assert state(account) == "purging"
    assert statuses() == ["purged", "purged", "held", "held", "held"]
    job = QueueJob.objects.get(finished_at=None)
    assert (job.kind, job.done, job.total) == ("purge", 2, 5)
    submit("new@example.org")
    tasks.work()
    assert state(account) == "ok"
    assert statuses() == ["purged"] * 5 + ["waiting"]


@pytest.mark.usefixtures("small_slices")
def test_what_arrives_while_a_purge_runs_goes_out_after_it(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    service.block(account.pk, "admin", now)
    submit(*(f"{number}@example.org" for number in range(3)))
    service.purge(account.pk, "admin", now)
    submit("new@example.org")
    assert statuses()[-1] == "held"
    tasks.work()
    assert statuses() == ["purged"] * 3 + ["waiting"]


@pytest.mark.usefixtures("small_slices")
def test_a_click_replaces_the_work_of_the_click_before(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(*(f"{number}@example.org" for number in range(5)))
    service.block(account.pk, "admin", now)
    assert statuses() == ["held"] * 2 + ["waiting"] * 3
    service.unblock(account.pk, "admin", now)
    tasks.work()
    assert statuses() == ["waiting"] * 5
    assert queue.has_due(now)
