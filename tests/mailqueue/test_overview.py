"""What pages show: right in the account's time zone, and flat in cost as rows grow."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailqueue import accounts, actions, overview, queue, queue_view, service
from mailqueue.actions import Why
from mailqueue.models import HostingAccount, QueueJob, StateChange
from mailqueue.outcomes import Outcome, Result
from mailqueue.states import State

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]
LEASE = timedelta(seconds=60)


def deliver(now: datetime, *results: Result) -> None:
    """Ends what is due, in order, as told."""
    claimed = queue.claim_due(now, len(results), LEASE)
    outcomes = [Outcome(result, "250 ok", "2.0.0") for result in results]
    queue.record(list(zip(claimed, outcomes, strict=True)), now)


def test_totals_count_what_left_and_what_was_in_error(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("a@x.example", "b@x.example", "c@x.example", "d@x.example")
    deliver(now, Result.DELIVERED, Result.DELIVERED, Result.FAILED)
    seen = overview.of_account(account, now)
    assert (seen.total_sent, seen.total_in_error) == (3, 1)
    assert (seen.sent_today, seen.in_error_today) == (3, 1)
    assert (seen.queued, seen.held) == (1, 0)


def test_a_deferral_is_no_error(account: HostingAccount, submit: Submit, now: datetime) -> None:
    submit()
    deliver(now, Result.DEFERRED)
    seen = overview.of_account(account, now)
    assert (seen.total_sent, seen.total_in_error, seen.queued) == (0, 0, 1)


def test_held_mail_is_queued(account: HostingAccount, submit: Submit, now: datetime) -> None:
    service.block(account.pk, "admin", now)
    submit()
    seen = overview.of_account(HostingAccount.objects.get(pk=account.pk), now)
    assert (seen.state, seen.queued, seen.held) == (State.KO, 1, 1)
    assert seen.last_change is not None
    assert seen.last_change.actor == "admin"


@pytest.mark.parametrize(
    ("zone", "today"),
    [
        ("Europe/Paris", 1),  # midnight was at 23:00 UTC
        ("Asia/Kathmandu", 1),  # at 18:15 UTC: +05:45
        ("America/New_York", 0),  # not yet the new day there, when it was sent
        ("UTC", 1),
    ],
)
def test_today_begins_at_midnight_of_the_account(
    zone: str, today: int, db: None, submit: Submit, account: HostingAccount
) -> None:
    HostingAccount.objects.update(time_zone=zone)
    account.refresh_from_db()
    sent_at = datetime(2026, 3, 2, 0, 20, tzinfo=UTC)
    submit(at=sent_at)
    deliver(sent_at, Result.DELIVERED)
    seen = overview.of_account(account, datetime(2026, 3, 2, 12, 0, tzinfo=UTC))
    assert seen.sent_today == today
    assert seen.total_sent == 1


@pytest.mark.parametrize(
    ("state", "block", "unblock", "purge"),
    [
        (State.OK, None, Why.NOT_BLOCKED, Why.NOT_BLOCKED),
        (State.FORCE, None, Why.NOT_BLOCKED, Why.NOT_BLOCKED),
        (State.KO, Why.ALREADY_BLOCKED, None, None),
        (State.BOUNCE, Why.ALREADY_BLOCKED, None, None),
        (State.SPAM, Why.ALREADY_BLOCKED, Why.PURGE_FIRST, None),
        (State.PURGING, Why.PURGING, Why.PURGING, Why.PURGING),
    ],
)
def test_buttons_that_do_not_apply_say_why(
    state: State, block: Why | None, unblock: Why | None, purge: Why | None
) -> None:
    seen = actions.of_state(state)
    assert (seen.block.why, seen.unblock.why, seen.purge.why) == (block, unblock, purge)
    for action in (seen.block, seen.unblock, seen.purge):
        assert action.is_allowed == (action.why is None) == (action.next_state is not None)


def test_a_review_is_told_of_before_a_purge_that_changes_nothing() -> None:
    owner = actions.of_state(State.SPAM, review_required=True)
    assert owner.unblock.why is Why.REVIEW
    administrator = actions.of_state(State.SPAM, review_required=True, is_administrator=True)
    assert administrator.unblock.why is Why.PURGE_FIRST


def test_progress_is_shown_while_a_job_runs(account: HostingAccount, now: datetime) -> None:
    QueueJob.objects.create(
        account=account, kind="purge", through_id=9, total=8, done=2, actor="a", created_at=now
    )
    job = overview.of_account(account, now).job
    assert job is not None
    assert (job.kind, job.percent) == ("purge", 25)


def test_the_queue_is_paged_in_order_of_arrival(account: HostingAccount, submit: Submit) -> None:
    submit(*(f"{number}@x.example" for number in range(5)))
    first = queue_view.page(account, limit=3)
    assert [row.address for row in first.rows] == ["0@x.example", "1@x.example", "2@x.example"]
    second = queue_view.page(account, after=first.after, limit=3)
    assert [row.address for row in second.rows] == ["3@x.example", "4@x.example"]
    assert second.after is None


def test_changes_of_state_are_paged_the_newest_first(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    # Two at each moment: what ends a purge happens in the transaction of what began it.
    made = [
        StateChange.objects.create(
            account=account,
            changed_at=now + timedelta(minutes=number // 2),
            event="block",
            from_state="ok",
            to_state="ko",
            actor="claire",
        )
        for number in range(7)
    ]
    service.block(other.pk, "paul", now)
    seen: list[StateChange] = []
    before = None
    for _ in range(3):
        page = overview.changes_page(account, before, limit=3)
        seen += page.rows
        before = page.next_before
    assert seen == made[::-1]
    assert before is None


@pytest.mark.parametrize("number", [0, 1, 10**18])
def test_changes_before_one_that_is_not_there_are_the_newest(
    account: HostingAccount, other: HostingAccount, now: datetime, number: int
) -> None:
    service.block(other.pk, "paul", now)
    change = service.block(account.pk, "claire", now)
    assert overview.changes_page(account, number).rows == [change]


def test_accounts_are_searched_sorted_and_paged(
    account: HostingAccount, other: HostingAccount, submit: Submit, now: datetime
) -> None:
    accounts.create("zoo.example", now, time_zone="Asia/Tokyo")
    system = accounts.create("facteur.internal", now)
    HostingAccount.objects.filter(pk=system.pk).update(is_system=True)
    submit("a@x.example", "b@x.example")
    deliver(now, Result.DELIVERED, Result.FAILED)
    everything = HostingAccount.objects.all()

    def names(**options: object) -> list[str]:
        page = overview.accounts_page(everything, now, **options)  # type: ignore[arg-type]
        return [row.account.service_name for row in page.rows]

    assert names() == ["autre.example", "boutique.example", "zoo.example"]
    assert names(sort="-service_name") == ["zoo.example", "boutique.example", "autre.example"]
    assert names(sort="-sent_today")[0] == "boutique.example"
    assert names(sort="-sent")[0] == "boutique.example"
    assert names(search="ZOO") == ["zoo.example"]
    assert names(sort="password") == ["autre.example", "boutique.example", "zoo.example"]
    assert names(page=2, per_page=2) == ["zoo.example"]
    assert names(page=99, per_page=2) == ["zoo.example"]
    assert names(search="nothing") == []
    row = overview.accounts_page(everything, now, search="boutique").rows[0]
    assert (row.total_sent, row.sent_today, row.in_error_today, row.queued) == (2, 2, 1, 0)


def test_queries_stay_flat_as_accounts_and_mail_grow(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            overview.of_account(account, now)
            queue_view.page(account)
            overview.changes_page(account)
            overview.accounts_page(HostingAccount.objects.all(), now, sort="-sent_today")
        return len(seen)

    few = queries()
    for number in range(12):
        accounts.create(f"site{number}.example", now)
    submit(*(f"{number}@x.example" for number in range(50)))
    deliver(now, *[Result.DELIVERED] * 25)
    for _ in range(10):
        service.block(account.pk, "claire", now)
        service.unblock(account.pk, "claire", now)
    account.refresh_from_db()
    assert queries() == few
