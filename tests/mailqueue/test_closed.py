"""A closed account: whatever is clicked, nothing of it goes out until it is reopened."""

from collections.abc import Callable
from datetime import datetime

import pytest

from mailqueue import accounts, actions, queue, service
from mailqueue.actions import Why
from mailqueue.errors import AccountClosed, IllegalTransition
from mailqueue.models import HostingAccount, Recipient, Review
from mailqueue.states import State

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]


@pytest.fixture
def closed(account: HostingAccount, submit: Submit, now: datetime) -> HostingAccount:
    submit("a@example.org")
    accounts.close(account.pk, "admin", now)
    account.refresh_from_db()
    return account


def test_nobody_unblocks_it(closed: HostingAccount, now: datetime) -> None:
    with pytest.raises(AccountClosed):
        service.unblock(closed.pk, "admin", now, by_administrator=True)
    with pytest.raises(AccountClosed):
        service.lift(closed.pk, "admin", now)
    assert HostingAccount.objects.get().state == "ko"
    assert Recipient.objects.get().status == "held"


def test_a_lift_that_is_refused_answers_no_review(closed: HostingAccount, now: datetime) -> None:
    Review.objects.create(account=closed, stated_at=now, author="claire", statement="mended")
    with pytest.raises(AccountClosed):
        service.lift(closed.pk, "admin", now)
    assert Review.objects.get().answered_at is None


def test_nothing_of_it_is_let_go_by_choice(closed: HostingAccount, now: datetime) -> None:
    chosen = [Recipient.objects.get().pk]
    with pytest.raises(IllegalTransition):
        queue.release_chosen(closed.pk, chosen, now, as_administrator=True)
    assert Recipient.objects.get().status == "held"


def test_its_queue_can_be_purged_and_it_stays_blocked(
    closed: HostingAccount, now: datetime
) -> None:
    service.purge(closed.pk, "admin", now, by_administrator=True)
    assert Recipient.objects.get().status == "purged"
    accounts.reopen(closed.pk)
    assert HostingAccount.objects.get().state == "ko", "held until somebody unblocks it"


def test_the_buttons_say_why() -> None:
    of_ko = actions.of_state(State.KO, is_administrator=True, is_closed=True)
    assert (of_ko.unblock.why, of_ko.lift.why, of_ko.purge.why) == (Why.CLOSED, Why.CLOSED, None)
    of_spam = actions.of_state(State.SPAM, is_administrator=True, is_closed=True)
    assert of_spam.unblock.why is Why.PURGE_FIRST
