"""What somebody chose in the queue: let go, or purged."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from mailqueue import ledger, queue, service
from mailqueue.errors import IllegalTransition, UnknownAccount
from mailqueue.models import AccountTotals, Body, HostingAccount, Recipient
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Submission
from tests.mailqueue.test_concurrency import run

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _ledger_balances() -> Iterator[None]:
    yield
    assert all(line.is_balanced for line in ledger.check())


def numbers() -> list[int]:
    return list(Recipient.objects.order_by("pk").values_list("pk", flat=True))


def statuses() -> list[str]:
    return list(Recipient.objects.order_by("pk").values_list("status", flat=True))


def totals(account: HostingAccount) -> AccountTotals:
    return AccountTotals.objects.get(account=account)


def over_the_quota(pk: int) -> None:
    row = Recipient.objects.filter(pk=pk)
    row.update(status="held", hold_reason="overflow", next_attempt_at=None)
    AccountTotals.objects.filter(account=row.get().account).update(held=1, overflow=1)


def set_state(account: HostingAccount, state: str) -> None:
    HostingAccount.objects.filter(pk=account.pk).update(state=state)


def test_what_was_chosen_goes_and_the_rest_stays(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    service.block(account.pk, "claire", now)
    submit("a@x.example", "b@x.example")
    submit("c@x.example")
    first, second, third = numbers()
    later = now + 70 * HOUR
    done = queue.release_chosen(account.pk, [first, third], later, as_administrator=False)
    assert done == 2
    assert statuses() == ["waiting", "held", "waiting"]
    row = Recipient.objects.get(pk=first)
    assert row.is_released
    assert row.hold_reason == ""
    assert row.next_attempt_at == later
    assert row.admitted_at == later
    assert row.deadline == later + 24 * HOUR
    assert not Recipient.objects.get(pk=second).is_released
    assert (totals(account).held, totals(account).admitted) == (1, 2)
    claimed = queue.claim_due(later, 10, HOUR)
    assert [item.address for item in claimed] == ["a@x.example", "c@x.example"]


def test_who_was_admitted_before_is_not_counted_again(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    service.block(account.pk, "claire", now)
    submit("a@x.example")
    Recipient.objects.update(admitted_at=now - HOUR, deadline=now + 72 * HOUR)
    assert queue.release_chosen(account.pk, numbers(), now, as_administrator=False) == 1
    row = Recipient.objects.get()
    assert row.admitted_at == now
    assert row.deadline == now + 72 * HOUR, "a longer time is not cut"
    assert totals(account).admitted == 0


@pytest.mark.parametrize(
    ("state", "review", "owner_may", "administrator_may"),
    [
        ("ok", False, False, True),
        ("force", False, False, True),
        ("ko", False, True, True),
        ("bounce", False, True, True),
        ("ko", True, False, True),
        ("bounce", True, False, True),
        ("spam", False, False, True),
        ("purging", False, False, False),
    ],
)
def test_who_may_let_go_depends_on_the_state(
    account: HostingAccount,
    submit: Submit,
    now: datetime,
    state: str,
    review: bool,
    owner_may: bool,
    administrator_may: bool,
) -> None:
    service.block(account.pk, "claire", now)
    submit("a@x.example")
    submit("b@x.example")
    set_state(account, state)
    HostingAccount.objects.update(review_required=review)
    for pk, is_administrator, may in zip(
        numbers(), (False, True), (owner_may, administrator_may), strict=True
    ):
        if may:
            done = queue.release_chosen(account.pk, [pk], now, as_administrator=is_administrator)
            assert done == 1
        else:
            with pytest.raises(IllegalTransition):
                queue.release_chosen(account.pk, [pk], now, as_administrator=is_administrator)
    expected = ["waiting" if may else "held" for may in (owner_may, administrator_may)]
    assert statuses() == expected


def test_what_is_over_the_quota_is_let_go_by_administrators_only(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("a@x.example")
    over_the_quota(numbers()[0])
    set_state(account, "ko")
    assert queue.release_chosen(account.pk, numbers(), now, as_administrator=False) == 0
    assert statuses() == ["held"]


@pytest.mark.parametrize("state", ["ok", "force", "ko", "bounce", "spam"])
def test_held_and_waiting_mail_is_purged_in_every_state(
    account: HostingAccount, submit: Submit, now: datetime, state: str
) -> None:
    submit("waiting@x.example")
    service.block(account.pk, "claire", now)
    submit("held@x.example", "stays@x.example")
    set_state(account, state)
    first, second, _ = numbers()
    assert queue.purge_chosen(account.pk, [first, second], now) == 2
    assert statuses() == ["purged", "purged", "held"]
    assert (totals(account).purged, totals(account).held) == (2, 1)
    assert Body.objects.count() == 1, "a body stays as long as one recipient needs it"


def test_nothing_is_chosen_while_all_is_purged(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("a@x.example")
    set_state(account, "purging")
    with pytest.raises(IllegalTransition):
        queue.purge_chosen(account.pk, numbers(), now)
    assert statuses() == ["waiting"]


def test_what_is_being_sent_or_has_ended_is_left_alone(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("a@x.example")
    submit("b@x.example")
    queue.claim_due(now, 1, HOUR)
    Recipient.objects.filter(address="b@x.example").update(
        status="sent", ended_at=now, next_attempt_at=None
    )
    AccountTotals.objects.update(sent=1)
    assert queue.purge_chosen(account.pk, numbers(), now) == 0
    assert queue.release_chosen(account.pk, numbers(), now, as_administrator=True) == 0
    assert statuses() == ["sending", "sent"]


def test_mail_of_another_account_is_out_of_reach(
    account: HostingAccount, other: HostingAccount, submit: Submit, now: datetime
) -> None:
    service.block(other.pk, "paul", now)
    submit("a@x.example", account_id=other.pk)
    assert queue.purge_chosen(account.pk, numbers(), now) == 0
    assert queue.release_chosen(account.pk, numbers(), now, as_administrator=True) == 0
    assert statuses() == ["held"]


def test_a_choice_has_an_end(account: HostingAccount, now: datetime) -> None:
    with pytest.raises(ValueError, match="200"):
        queue.purge_chosen(account.pk, range(201), now)
    with pytest.raises(UnknownAccount):
        queue.purge_chosen(account.pk + 1, [1], now)


def test_a_stop_that_is_still_at_work_lets_go_what_was_chosen_after_it(
    account: HostingAccount, submit: Submit, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.advance, "__defaults__", (2,))
    submit(*(f"{number}@x.example" for number in range(5)))
    over_the_quota(numbers()[-1])
    service.block(account.pk, "claire", now)
    assert statuses() == ["held", "held", "waiting", "waiting", "held"]
    queue.release_chosen(account.pk, numbers()[-1:], now + HOUR, as_administrator=True)
    for job in (*service.open_jobs(), *service.open_jobs()):
        service.advance(job, now + HOUR)
    assert statuses() == ["held"] * 4 + ["waiting"]
    assert queue.cleared(queue.claim_due(now + HOUR, 10, HOUR)) == {numbers()[-1]}


def test_the_next_stop_holds_what_was_let_go_before_it(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    service.block(account.pk, "claire", now)
    submit("a@x.example", "b@x.example")
    queue.release_chosen(account.pk, numbers(), now, as_administrator=True)
    batch = queue.claim_due(now, 1, HOUR)
    assert queue.cleared(batch) == {numbers()[0]}
    service.report_spam(account.pk, "complaints", now + HOUR)
    assert queue.cleared(batch) == set()
    queue.record([(batch[0], Outcome(Result.DEFERRED, "451 later", "4.0.0"))], now + HOUR)
    assert statuses() == ["held", "held"]


def test_choices_clicks_and_deliveries_at_once_keep_the_ledger(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    service.block(account.pk, "claire", now)
    for _ in range(12):
        queue.accept([submission(*(f"r{number}@x.example" for number in range(10)))], now)
    pks = numbers()
    stopped = threading.Event()

    def choose(verb: Callable[..., int], first: int, **options: bool) -> Callable[[], None]:
        def work() -> None:
            for start in range(first, 120, 24):
                with suppress(IllegalTransition):
                    verb(account.pk, pks[start : start + 20], datetime.now(UTC), **options)

        return work

    def click() -> None:
        try:
            for verb in (service.unblock, service.block, service.unblock, service.block):
                verb(account.pk, "claire", datetime.now(UTC))
        finally:
            stopped.set()

    def deliver() -> None:
        delivered = Outcome(Result.DELIVERED, "250 ok", "2.0.0")
        while not stopped.is_set():
            batch = queue.claim_due(datetime.now(UTC), 5, HOUR)
            queue.record([(item, delivered) for item in batch], datetime.now(UTC))

    run(
        choose(queue.release_chosen, 0, as_administrator=True),
        choose(queue.purge_chosen, 12),
        choose(queue.purge_chosen, 0),
        click,
        deliver,
        deliver,
    )
    assert len(statuses()) == 120
    assert "purged" in statuses()
