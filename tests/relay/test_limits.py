"""Limits at the door: what is refused, what is kept, what the rules see."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mailqueue import accounts, service
from mailqueue.models import HostingAccount, Message, Recipient, StateChange
from relay.intake import Answer, Intake
from tests.relay.test_intake import UID, handover
from tests.support.loop import run


@pytest.fixture
def account(transactional_db: None, now: datetime) -> HostingAccount:
    return accounts.create("boutique.example", now, uid=UID)


@pytest.fixture
def take(account: HostingAccount) -> Callable[..., Answer]:
    """Hands one message over by `origin`."""

    def hand_over(origin: Message.Origin = Message.Origin.SOCKET) -> Answer:
        async def go() -> Answer:
            intake = Intake(lambda: datetime.now(UTC))
            try:
                return await intake.hand_over(replace(handover(), origin=origin))
            finally:
                await intake.finish()

        return run(go())

    return hand_over


def test_what_may_not_be_held_is_refused_with_552_and_exit_69(
    account: HostingAccount, take: Callable[..., Answer]
) -> None:
    HostingAccount.objects.update(hold_limit=1)
    service.block(account.pk, "claire", datetime.now(UTC))
    assert take().code == 250
    answer = take()
    assert (answer.code, answer.status, answer.exit_code) == (552, "5.2.2", 69)
    assert Recipient.objects.count() == 1


def test_what_a_script_was_told_is_kept_stays_in_the_maildrop(
    account: HostingAccount, take: Callable[..., Answer]
) -> None:
    HostingAccount.objects.update(hold_limit=0)
    service.block(account.pk, "claire", datetime.now(UTC))
    HostingAccount.objects.update(hold_limit=1)
    take()
    assert take(Message.Origin.MAILDROP).is_temporary


def test_what_exceeds_the_quota_is_taken_and_held(
    account: HostingAccount, take: Callable[..., Answer]
) -> None:
    HostingAccount.objects.update(hourly_quota=1)
    assert [take().code, take().code] == [250, 250]
    assert list(Recipient.objects.order_by("pk").values_list("hold_reason", flat=True)) == [
        "",
        "overflow",
    ]


def test_too_much_too_fast_stops_with_the_message_that_was_too_much(
    account: HostingAccount, take: Callable[..., Answer]
) -> None:
    HostingAccount.objects.update(fast_limit=2)
    assert [take().code for _ in range(3)] == [250, 250, 250], "all of them are kept"
    assert StateChange.objects.get().event == "too_fast"
    assert set(Recipient.objects.values_list("status", flat=True)) == {"held"}
