"""Reviews: when a block requires one, what owners may do then, how an administrator ends it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from mailqueue import service
from mailqueue.errors import IllegalTransition, NoReview, ReviewRequired
from mailqueue.models import Alert, HostingAccount, Recipient, Review, StateChange

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]


def read(account: HostingAccount) -> tuple[str, bool]:
    row = HostingAccount.objects.get(pk=account.pk)
    return row.state, row.review_required


def test_the_block_of_an_administrator_requires_a_review(
    account: HostingAccount, now: datetime
) -> None:
    service.block(account.pk, "admin", now, by_administrator=True)
    assert read(account) == ("ko", True)
    with pytest.raises(ReviewRequired):
        service.unblock(account.pk, "claire", now)
    assert read(account) == ("ko", True)


def test_the_block_of_an_owner_requires_none(account: HostingAccount, now: datetime) -> None:
    service.block(account.pk, "claire", now)
    service.unblock(account.pk, "claire", now)
    assert read(account) == ("ok", False)


def test_an_administrator_who_unblocks_has_looked(account: HostingAccount, now: datetime) -> None:
    service.block(account.pk, "admin", now, by_administrator=True)
    service.unblock(account.pk, "admin", now, by_administrator=True)
    assert read(account) == ("ok", False)


def test_an_owner_s_purge_during_a_review_leaves_it_stopped(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    service.block(account.pk, "admin", now, by_administrator=True)
    submit()
    service.purge(account.pk, "claire", now)
    assert read(account) == ("spam", True)
    assert Recipient.objects.get().status == "purged"


def test_an_administrator_who_purges_has_looked(account: HostingAccount, now: datetime) -> None:
    service.block(account.pk, "admin", now, by_administrator=True)
    service.purge(account.pk, "admin", now, by_administrator=True)
    assert read(account) == ("ok", False)


def test_an_administrator_can_purge_and_stay_blocked(
    account: HostingAccount, now: datetime
) -> None:
    service.block(account.pk, "claire", now)
    service.purge(account.pk, "admin", now, by_administrator=True, stay_blocked=True)
    assert read(account) == ("ko", True), "his block now"
    service.purge(account.pk, "admin", now, by_administrator=True, stay_blocked=True)
    assert read(account) == ("ko", True)


def test_lifting_ends_the_review_and_lets_the_queue_go(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    for state in ("ko", "bounce", "spam"):
        HostingAccount.objects.update(state=state, review_required=True)
        submit()
        change = service.lift(account.pk, "admin", now, "captcha seen")
        assert (change.to_state, change.reason) == ("ok", "captcha seen")
        assert read(account) == ("ok", False)
    assert set(Recipient.objects.values_list("status", flat=True)) == {"waiting"}


@pytest.mark.parametrize("state", ["ok", "force", "purging"])
def test_nothing_is_lifted_where_nothing_is_stopped(
    account: HostingAccount, state: str, now: datetime
) -> None:
    HostingAccount.objects.update(state=state)
    with pytest.raises(IllegalTransition):
        service.lift(account.pk, "admin", now)
    assert not StateChange.objects.exists()


@pytest.mark.parametrize(
    ("before", "needed"),
    [
        (["too_fast", "ratio_exceeded"], True),
        (["too_fast"], False),
        (["block", "unblock", "block", "too_fast"], False),
    ],
)
def test_the_third_automatic_block_within_thirty_days_requires_a_review(
    account: HostingAccount, submit: Submit, now: datetime, before: list[str], needed: bool
) -> None:
    HostingAccount.objects.update(fast_limit=1)
    for number, event in enumerate(before):
        StateChange.objects.create(
            account=account,
            changed_at=now - timedelta(days=29, hours=number),
            event=event,
            from_state="ok",
            to_state="ko",
            actor=event,
        )
    submit("a@example.org", "b@example.org", at=now)
    assert len(service.judge_arrivals([account.pk], now)) == 1
    assert read(account) == ("ko", needed)
    assert Alert.objects.get(kind="blocked").figures["review"] is needed


def test_blocks_of_more_than_thirty_days_ago_are_forgiven(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    HostingAccount.objects.update(fast_limit=1)
    for _ in range(3):
        StateChange.objects.create(
            account=account,
            changed_at=now - timedelta(days=31),
            event="too_fast",
            from_state="ok",
            to_state="ko",
            actor="too_fast",
        )
    submit("a@example.org", "b@example.org", at=now)
    assert service.judge_arrivals([account.pk], now)
    assert read(account) == ("ko", False)


def test_what_an_owner_states_is_kept_and_told_once(account: HostingAccount, now: datetime) -> None:
    service.block(account.pk, "admin", now, by_administrator=True)
    service.state_review(account.pk, "claire", "A captcha is there now.", now)
    service.state_review(account.pk, "claire", "And the plugin is gone.", now + timedelta(hours=1))
    review = Review.objects.get()
    assert (review.author, review.statement) == ("claire", "And the plugin is gone.")
    assert service.open_review(account.pk) == review
    assert Alert.objects.get().figures == {"review": review.pk}


def test_nothing_can_be_stated_where_nothing_is_asked(
    account: HostingAccount, now: datetime
) -> None:
    with pytest.raises(NoReview):
        service.state_review(account.pk, "claire", "x", now)
    service.block(account.pk, "claire", now)
    with pytest.raises(NoReview):
        service.state_review(account.pk, "claire", "x", now)
    with pytest.raises(NoReview):
        service.refuse_review(account.pk, "admin", "x", now)


def test_a_refusal_answers_and_leaves_it_stopped(account: HostingAccount, now: datetime) -> None:
    service.block(account.pk, "admin", now, by_administrator=True)
    service.state_review(account.pk, "claire", "Done.", now)
    service.refuse_review(account.pk, "admin", "The form is still open.", now)
    review = Review.objects.get()
    assert (review.is_lifted, review.answered_by, review.answer) == (
        False,
        "admin",
        "The form is still open.",
    )
    assert read(account) == ("ko", True)
    assert Alert.objects.filter(kind="answered").count() == 1
    service.state_review(account.pk, "claire", "Now it is closed.", now)
    service.lift(account.pk, "admin", now, "Thank you.")
    assert Review.objects.filter(is_lifted=True).count() == 1
    assert Alert.objects.filter(kind="answered").count() == 2
