"""What Facteur saw of an account's scripts."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from mailqueue import evidence
from mailqueue.models import AccountTotals, HostingAccount, LastRefusal, Message, Recipient

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]
HOUR = timedelta(hours=1)


def test_of_an_account_without_calls_nothing_is_known(account: HostingAccount) -> None:
    seen = evidence.of_account(account)
    assert (seen.last_call, seen.last_test, seen.refusal, seen.largest_bytes) == (
        None,
        None,
        None,
        0,
    )


def test_the_last_call_is_one_of_a_script(
    account: HostingAccount, other: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit(at=now - 3 * HOUR)
    submit(at=now - 2 * HOUR)
    Message.objects.filter(accepted_at=now - 2 * HOUR).update(script="commande.php")
    submit(at=now - HOUR)
    Message.objects.filter(accepted_at=now - HOUR).update(origin=Message.Origin.PANEL)
    submit(account_id=other.pk)
    call = evidence.of_account(account).last_call
    assert call
    assert (call.at, call.script) == (now - 2 * HOUR, "commande.php")


def test_a_test_is_known_by_its_subject_and_tells_where_it_is(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    queue_id = submit("a@x.example", "b@x.example", at=now - 2 * HOUR)
    submit(at=now)
    Message.objects.filter(queue_id=queue_id).update(subject="Test mail PHP")
    Recipient.objects.filter(address="b@x.example").update(
        status="sent", ended_at=now, next_attempt_at=None
    )
    test = evidence.of_account(account).last_test
    assert test
    assert test.queue_id == queue_id
    assert test.statuses == {"waiting", "sent"}


def test_the_last_refusal_and_the_largest_message_are_the_accounts(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    LastRefusal.objects.create(account=other, refused_at=now, exit_code=64, text="theirs")
    LastRefusal.objects.create(account=account, refused_at=now, exit_code=65, text="ours")
    AccountTotals.objects.filter(account=account).update(largest_bytes=4096)
    seen = evidence.of_account(account)
    assert seen.refusal
    assert (seen.refusal.text, seen.largest_bytes) == ("ours", 4096)
