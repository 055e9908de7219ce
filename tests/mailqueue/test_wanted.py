"""Mail that was judged spam and is wanted: who may say so, what goes, and what rules lose."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailqueue import ledger, queue, service, weights
from mailqueue.errors import IllegalTransition, UnknownAccount
from mailqueue.models import (
    AccountRule,
    AccountTotals,
    HostingAccount,
    Judgement,
    Message,
    Recipient,
)
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Wanted
from mailqueue.weights import Tally
from tests.mailqueue.test_concurrency import run
from tests.support.judged import FINDINGS, pronounce

pytestmark = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
RULES = [str(found["rule"]) for found in FINDINGS]


@pytest.fixture(autouse=True)
def _ledger_balances() -> Iterator[None]:
    yield
    assert all(line.is_balanced for line in ledger.check())


@pytest.fixture
def spam(submit: Callable[..., str], now: datetime) -> Message:
    """A message to two, judged spam."""
    message = Message.objects.get(queue_id=submit("a@example.org", "b@example.org"))
    pronounce(message, now)
    return message


def mark(message: Message, now: datetime, *, as_administrator: bool = True) -> Wanted:
    return queue.mark_wanted(
        message.account_id, [message.pk], now, actor="claire", as_administrator=as_administrator
    )


def standings() -> list[tuple[str, str]]:
    return list(Recipient.objects.order_by("pk").values_list("status", "hold_reason"))


def test_it_goes_and_its_rules_weigh_less(
    account: HostingAccount, spam: Message, now: datetime
) -> None:
    later = now + 60 * HOUR
    result = mark(spam, later)
    assert result == Wanted([spam.queue_id], 2, 0, dict.fromkeys(RULES, 0.5))
    assert standings() == [("waiting", ""), ("waiting", "")]
    rows = Recipient.objects.all()
    assert {row.next_attempt_at for row in rows} == {later}
    assert {row.deadline for row in rows} == {later + 24 * HOUR}
    assert len(queue.claim_due(later, 10, HOUR)) == 2
    spam.refresh_from_db()
    assert (spam.is_spam, spam.spam_score) == (False, 5.5)
    judgement = Judgement.objects.get()
    assert (judgement.wanted_at, judgement.wanted_by, judgement.is_spam) == (later, "claire", True)
    assert weights.of([account.pk])[account.pk] == dict.fromkeys(RULES, 0.5)
    assert weights.tallies(later)["pills"] == Tally(1, 1, 1)
    totals = AccountTotals.objects.get()
    assert (totals.held, totals.held_bytes) == (0, 0)


def test_a_time_that_is_long_enough_stays(spam: Message, now: datetime) -> None:
    mark(spam, now + HOUR)
    assert {row.deadline for row in Recipient.objects.all()} == {now + 72 * HOUR}


def test_what_is_held_for_another_reason_stays(
    account: HostingAccount, spam: Message, submit: Callable[..., str], now: datetime
) -> None:
    Recipient.objects.filter(address="b@example.org").update(hold_reason="script")
    other = Message.objects.get(queue_id=submit("c@example.org"))
    pronounce(other, now)
    assert mark(spam, now).let_go == 1
    assert standings() == [("waiting", ""), ("held", "script"), ("held", "spam")]


def test_it_goes_though_the_service_is_blocked(
    account: HostingAccount, spam: Message, now: datetime
) -> None:
    service.block(account.pk, "claire", now)
    assert mark(spam, now + HOUR, as_administrator=True).let_go == 2
    claimed = queue.claim_due(now + HOUR, 10, HOUR)
    assert len(queue.cleared(claimed)) == 2
    service.unblock(account.pk, "claire", now + HOUR)
    service.block(account.pk, "claire", now + 2 * HOUR)
    assert not queue.cleared(claimed)


def test_saying_it_again_lowers_nothing_again(spam: Message, now: datetime) -> None:
    mark(spam, now)
    assert mark(spam, now) == Wanted()
    assert set(AccountRule.objects.values_list("weight", flat=True)) == {0.5}


def test_a_message_that_is_not_held_any_more_still_lowers_the_rules(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    message = Message.objects.get(queue_id=submit("a@example.org"))
    pronounce(message, now, is_held=False)
    assert mark(message, now) == Wanted([message.queue_id], 0, 0, dict.fromkeys(RULES, 0.5))
    assert standings() == [("waiting", "")]


def test_what_was_not_judged_spam_is_left_alone(
    submit: Callable[..., str], now: datetime, other: HostingAccount
) -> None:
    unjudged = Message.objects.get(queue_id=submit("a@example.org"))
    fine = Message.objects.get(queue_id=submit("b@example.org"))
    pronounce(fine, now, is_spam=False)
    foreign = Message.objects.get(queue_id=submit("c@example.org", account_id=other.pk))
    pronounce(foreign, now)
    ids = [unjudged.pk, fine.pk, foreign.pk, 987654321]
    result = queue.mark_wanted(unjudged.account_id, ids, now, actor="claire", as_administrator=True)
    assert result == Wanted()
    assert standings() == [("waiting", ""), ("waiting", ""), ("held", "spam")]
    assert not AccountRule.objects.filter(overruled__gt=0).exists()


def test_several_messages_lower_a_rule_once(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    messages = [Message.objects.get(queue_id=submit(f"{n}@example.org")) for n in range(3)]
    for message in messages:
        pronounce(message, now)
    result = queue.mark_wanted(
        account.pk, [row.pk for row in messages], now, actor="claire", as_administrator=True
    )
    assert (len(result.queue_ids), result.let_go) == (3, 3)
    row = AccountRule.objects.get(rule="pills")
    assert (row.weight, row.overruled) == (0.5, 3)


def allow(account: HostingAccount, **values: object) -> None:
    HostingAccount.objects.filter(pk=account.pk).update(**values)


@pytest.mark.parametrize(
    ("house", "own", "expected"),
    [
        (False, None, False),
        (True, None, True),
        (False, True, True),
        (True, False, False),
    ],
)
def test_owners_may_where_they_are_allowed(
    account: HostingAccount,
    spam: Message,
    now: datetime,
    settings: Any,
    house: bool,
    own: bool | None,
    expected: bool,
) -> None:
    settings.OWNERS_OVERRULE = house
    allow(account, owners_overrule=own)
    if expected:
        assert mark(spam, now, as_administrator=False).let_go == 2
        return
    with pytest.raises(IllegalTransition):
        mark(spam, now, as_administrator=False)
    assert standings() == [("held", "spam")] * 2
    assert mark(spam, now).let_go == 2


@pytest.mark.parametrize(
    ("values", "owner", "administrator"),
    [
        ({"state": "ok"}, True, True),
        ({"state": "force"}, True, True),
        ({"state": "ko"}, True, True),
        ({"state": "bounce"}, True, True),
        ({"state": "spam"}, False, True),
        ({"state": "purging"}, False, False),
        ({"state": "ko", "review_required": True}, False, True),
        ({"closed_at": datetime(2026, 3, 2, tzinfo=UTC)}, False, False),
    ],
)
def test_owners_may_not_after_spam_or_before_a_review(
    account: HostingAccount,
    spam: Message,
    now: datetime,
    values: dict[str, object],
    owner: bool,
    administrator: bool,
) -> None:
    allow(account, owners_overrule=True, **values)
    account.refresh_from_db()
    assert queue.may_overrule(account, as_administrator=False) == owner
    assert queue.may_overrule(account, as_administrator=True) == administrator
    for as_administrator, is_allowed in ((False, owner), (True, administrator)):
        if not is_allowed:
            with pytest.raises(IllegalTransition):
                mark(spam, now, as_administrator=as_administrator)
    assert standings() == [("held", "spam")] * 2


def test_owners_never_let_malware_go(account: HostingAccount, spam: Message, now: datetime) -> None:
    allow(account, owners_overrule=True)
    Judgement.objects.update(has_malware=True)
    assert mark(spam, now, as_administrator=False) == Wanted()
    assert standings() == [("held", "spam")] * 2
    assert mark(spam, now, as_administrator=True).let_go == 2


def test_what_the_quotas_let_through_before_goes_at_once(
    account: HostingAccount, spam: Message, now: datetime
) -> None:
    allow(account, owners_overrule=True, hourly_quota=1)
    result = mark(spam, now, as_administrator=False)
    assert (result.let_go, result.over_quota) == (2, 0)
    assert AccountTotals.objects.get().admitted == 2


def test_what_does_not_fit_the_quota_drips_out_later(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    allow(account, owners_overrule=True)
    service.block(account.pk, "claire", now)
    message = Message.objects.get(queue_id=submit("a@example.org", "b@example.org"))
    Recipient.objects.update(hold_reason="spam")
    allow(account, hourly_quota=1)
    Judgement.objects.create(message=message, account=account, judged_at=now, score=6, is_spam=True)
    result = mark(message, now, as_administrator=False)
    assert (result.let_go, result.over_quota) == (1, 1)
    assert standings() == [("waiting", ""), ("held", "overflow")]
    totals = AccountTotals.objects.get()
    assert (totals.held, totals.overflow, totals.admitted) == (1, 1, 1)
    assert totals.held_bytes == message.size_bytes
    assert len(queue.claim_due(now, 10, HOUR)) == 1


def test_an_administrator_asks_no_quota(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    service.block(account.pk, "claire", now)
    message = Message.objects.get(queue_id=submit("a@example.org", "b@example.org"))
    Recipient.objects.update(hold_reason="spam")
    allow(account, hourly_quota=1)
    Judgement.objects.create(message=message, account=account, judged_at=now, score=6, is_spam=True)
    assert mark(message, now).let_go == 2
    assert AccountTotals.objects.get().admitted == 2


def test_only_so_many_go_at_once(
    account: HostingAccount,
    submit: Callable[..., str],
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages = []
    for number in range(3):
        addresses = [f"{number}-{place}@example.org" for place in range(2)]
        messages.append(Message.objects.get(queue_id=submit(*addresses)))
        pronounce(messages[-1], now)
    monkeypatch.setattr("mailqueue.queue.wanted.MOST_LET_GO", 5)
    ids = [row.pk for row in messages]

    def again() -> Wanted:
        return queue.mark_wanted(account.pk, ids, now, actor="claire", as_administrator=True)

    first = again()
    assert (first.queue_ids, first.let_go) == ([row.queue_id for row in messages[:2]], 4)
    assert Message.objects.filter(is_spam=True).get() == messages[2]
    second = again()
    assert (second.queue_ids, second.let_go) == ([messages[2].queue_id], 2)


def test_of_one_message_that_is_too_large_the_rest_goes_with_another_click(
    account: HostingAccount,
    submit: Callable[..., str],
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    message = Message.objects.get(queue_id=submit(*(f"{n}@example.org" for n in range(5))))
    pronounce(message, now)
    monkeypatch.setattr("mailqueue.queue.wanted.MOST_LET_GO", 3)
    assert (mark(message, now).let_go, mark(message, now).let_go) == (3, 2)
    assert set(AccountRule.objects.values_list("weight", flat=True)) == {0.5}


def test_too_many_at_once_are_refused(account: HostingAccount, now: datetime) -> None:
    with pytest.raises(ValueError, match="at most"):
        queue.mark_wanted(account.pk, range(201), now, actor="x", as_administrator=True)
    with pytest.raises(UnknownAccount):
        queue.mark_wanted(987654321, [1], now, actor="x", as_administrator=True)


def test_clicks_purges_and_deliveries_at_once_keep_the_ledger(
    account: HostingAccount, submit: Callable[..., str], now: datetime
) -> None:
    messages = []
    for number in range(12):
        addresses = [f"{number}-{place}@example.org" for place in range(3)]
        messages.append(Message.objects.get(queue_id=submit(*addresses)))
        pronounce(messages[-1], now)
    ids = [row.pk for row in messages]
    recipients = list(Recipient.objects.values_list("pk", flat=True))

    def say() -> None:
        for start in range(0, 12, 3):
            queue.mark_wanted(
                account.pk, ids[start : start + 4], now, actor="claire", as_administrator=True
            )

    def purge() -> None:
        for start in range(1, 36, 4):
            queue.purge_chosen(account.pk, recipients[start : start + 1], now)

    def click() -> None:
        for verb in (service.block, service.unblock):
            with suppress(IllegalTransition):
                verb(account.pk, "claire", now)

    def deliver() -> None:
        for _ in range(6):
            batch = queue.claim_due(now, 5, HOUR)
            queue.record(
                [(one, Outcome(Result.DELIVERED, "250 ok", "2.0.0")) for one in batch], now
            )

    run(say, say, purge, click, deliver)
    assert AccountRule.objects.get(rule="pills").overruled == 12
    assert not Message.objects.filter(is_spam=True).exists()
