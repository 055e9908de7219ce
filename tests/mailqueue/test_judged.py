"""What the ledger makes of verdicts: spam is held, counted once, and stops its account."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from mailqueue import judgements, ledger, queue, service
from mailqueue.judgements import Judged
from mailqueue.models import (
    AccountRule,
    AccountTotals,
    Alert,
    HostingAccount,
    Judgement,
    Message,
    MinuteCount,
    Recipient,
    RuleCount,
    Screening,
)
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Claimed, Submission
from mailqueue.screening import Finding, Verdict
from tests.mailqueue.test_concurrency import run

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., str]
LEASE = timedelta(minutes=1)
CLEAN = Verdict(is_spam=False, score=0.8, findings=(Finding("subject_opening", 0.8, "subject"),))
DUBIOUS = Verdict(is_spam=False, score=2.5, findings=(Finding("link_text", 2.5, "link"),))
SPAM = Verdict(
    is_spam=True,
    score=6.5,
    findings=(
        Finding("credentials", 4.4, "text", {"what": "a\0b \udce9"}),
        Finding("only_link", 2.1, "link"),
    ),
)
MALWARE = Verdict(
    is_spam=True, score=10.0, findings=(Finding("malware", 10, "attachment"),), has_malware=True
)


@pytest.fixture(autouse=True)
def _ledger_balances() -> Iterator[None]:
    yield
    assert all(line.is_balanced for line in ledger.check())
    for totals in AccountTotals.objects.all():
        overflow = Recipient.objects.filter(account=totals.account_id, hold_reason="overflow")
        assert totals.overflow == overflow.count()


def claim(now: datetime) -> list[Claimed]:
    return queue.claim_due(now, 1000, LEASE)


def judge(
    claimed: list[Claimed], verdict: Verdict, now: datetime, *, holds: bool = True
) -> queue.Sentence:
    """Judges every message of a claim alike."""
    numbers = queue.addressees_of({item.message_id for item in claimed})
    judged = {
        item.message_id: Judged(
            item.message_id,
            item.account_id,
            verdict,
            numbers[item.message_id].number,
            holds=holds,
        )
        for item in claimed
    }
    return queue.judge(list(judged.values()), claimed, now)


def rows() -> list[tuple[str, str]]:
    return list(Recipient.objects.order_by("pk").values_list("status", "hold_reason"))


def spam(submit: Submit, now: datetime, number: int, *, to: int = 1) -> queue.Sentence:
    """Hands messages over and judges them to be spam."""
    for one in range(number):
        submit(*(f"to{one}-{index}@example.org" for index in range(to)), at=now)
    return judge(claim(now), SPAM, now)


def state(account: HostingAccount) -> str:
    return HostingAccount.objects.get(pk=account.pk).state


def test_clean_mail_goes_on_and_is_not_judged_again(submit: Submit, now: datetime) -> None:
    submit()
    [item] = claim(now)
    assert (item.screening, item.is_judged, item.is_spam) == (Screening.HOLD, False, False)
    sentence = judge([item], CLEAN, now)
    assert sentence == queue.Sentence(frozenset({item.message_id}), frozenset(), frozenset())
    assert queue.cleared([item]) == {item.recipient_id}
    assert not Judgement.objects.exists(), "nothing worth telling"
    assert RuleCount.objects.get().fired == 1
    queue.give_back([item], now)
    [item] = claim(now)
    assert item.is_judged
    assert judge([item], SPAM, now) == queue.Sentence(frozenset(), frozenset(), frozenset())
    assert (RuleCount.objects.get().fired, rows()) == (1, [("sending", "")])


def test_much_is_told_of_though_it_goes(submit: Submit, now: datetime) -> None:
    submit()
    claimed = claim(now)
    judge(claimed, DUBIOUS, now)
    told = Judgement.objects.get()
    assert (told.score, told.is_spam, told.has_malware) == (2.5, False, False)
    assert queue.cleared(claimed) == {claimed[0].recipient_id}
    assert AccountRule.objects.get().fired == 1


def test_spam_is_held_with_all_its_recipients(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    account.hourly_quota = 2
    account.save()
    submit("a@example.org", "b@example.org", "c@example.net")
    claimed = claim(now)
    assert rows() == [("sending", ""), ("sending", ""), ("held", "overflow")]
    sentence = judge(claimed, SPAM, now)
    assert sentence.struck == {account.pk}
    assert rows() == [("held", "spam")] * 3
    assert queue.cleared(claimed) == set()
    assert queue.give_back(claimed, now) == 0
    totals = AccountTotals.objects.get(account=account)
    assert (totals.held, totals.overflow) == (3, 0)
    assert (totals.spam, totals.spam_messages) == (3, 1)
    message = Message.objects.get()
    assert (message.spam_score, message.is_spam) == (6.5, True)
    told = Judgement.objects.get()
    assert [one["rule"] for one in told.findings] == ["credentials", "only_link"]
    assert told.findings[0]["details"] == {"what": "a b ?"}
    counts = dict(RuleCount.objects.values_list("rule", "convicted"))
    assert counts == {"credentials": 1, "only_link": 1}


def test_a_verdict_is_counted_once_though_two_workers_came_to_it(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("a@example.org", "b@example.org")
    first = queue.claim_due(now, 1, LEASE)
    second = queue.claim_due(now, 1, LEASE)
    assert {item.message_id for item in first} == {item.message_id for item in second}
    sentences: list[queue.Sentence] = []
    run(
        lambda: sentences.append(judge(first, SPAM, now)),
        lambda: sentences.append(judge(second, SPAM, now)),
    )
    assert sorted(len(one.fresh) for one in sentences) == [0, 1]
    assert all(one.spam == {first[0].message_id} for one in sentences)
    assert rows() == [("held", "spam")] * 2
    totals = AccountTotals.objects.get(account=account)
    assert (totals.spam, totals.spam_messages, totals.held) == (2, 1, 2)


def test_noted_spam_goes_out(account: HostingAccount, submit: Submit, now: datetime) -> None:
    HostingAccount.objects.update(screening="note")
    for _ in range(6):
        submit()
    claimed = claim(now)
    assert claimed[0].screening is Screening.NOTE
    sentence = judge(claimed, MALWARE, now, holds=False)
    assert (len(sentence.spam), sentence.struck) == (6, frozenset())
    assert len(queue.cleared(claimed)) == 6
    assert Judgement.objects.filter(is_spam=True).count() == 6
    assert service.judge_spam([account.pk], now) == [], "it is only noted"
    assert state(account) == "ok"


def test_the_panels_own_letters_are_never_looked_at(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    HostingAccount.objects.update(is_system=True, screening="hold")
    submit()
    assert claim(now)[0].screening is Screening.OFF
    account.refresh_from_db()
    assert judgements.mode_of(account) is Screening.OFF


def test_the_house_rule_counts_where_an_account_has_none(
    account: HostingAccount, submit: Submit, now: datetime, settings: object
) -> None:
    settings.SCREENING = "off"  # type: ignore[attr-defined]
    submit()
    assert claim(now)[0].screening is Screening.OFF


def test_unblocking_leaves_spam_where_it_is(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    spam(submit, now, 2)
    service.block(account.pk, "admin", now)
    submit("honest@example.org", at=now)
    service.unblock(account.pk, "admin", now)
    assert rows() == [("held", "spam")] * 2 + [("waiting", "")]
    assert AccountTotals.objects.get(account=account).held == 2


def test_a_release_looks_at_spam_slice_by_slice(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    spam(submit, now, 4)
    HostingAccount.objects.update(state="ko")
    submit("honest@example.org", at=now)
    last = queue.last_queued_id(account.pk)
    after, slices = 0, []
    while True:
        with transaction.atomic():
            piece = queue.release(account.pk, after, last, 2, now)
        slices.append(piece.number)
        if piece.last_id is None:
            break
        after = piece.last_id
    assert slices == [2, 2, 1]
    assert rows() == [("held", "spam")] * 4 + [("waiting", "")]


def test_a_purge_takes_spam_and_its_content(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    spam(submit, now, 2)
    service.block(account.pk, "admin", now)
    service.purge(account.pk, "admin", now)
    assert rows() == [("purged", "")] * 2
    assert queue.contents_of(Message.objects.values_list("pk", flat=True)) == {}


def test_spam_expires_like_all_that_is_held(submit: Submit, now: datetime) -> None:
    spam(submit, now, 1)
    assert queue.expire(now + timedelta(hours=73)) == 1
    assert rows() == [("expired", "")]


def test_what_the_quotas_let_go_leaves_spam(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    account.hourly_quota = 1
    account.save()
    submit("a@example.org", "b@example.org")
    judge(claim(now), SPAM, now)
    assert service.drip(account.pk, now + timedelta(hours=2)) == 0
    assert rows() == [("held", "spam")] * 2


def test_what_somebody_let_go_goes_though_it_is_spam(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    spam(submit, now, 1)
    [pk] = Recipient.objects.values_list("pk", flat=True)
    assert queue.release_chosen(account.pk, [pk], now, as_administrator=True) == 1
    [item] = claim(now)
    assert (item.is_spam, item.is_released, item.is_judged) == (True, True, True)
    assert queue.cleared([item]) == {pk}


def test_what_was_let_go_before_its_verdict_is_held_all_the_same(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    HostingAccount.objects.update(state="ko")
    submit()
    [pk] = Recipient.objects.values_list("pk", flat=True)
    queue.release_chosen(account.pk, [pk], now, as_administrator=True)
    judge(claim(now), SPAM, now)
    assert rows() == [("held", "spam")]
    assert not Recipient.objects.get().is_released


def test_spam_that_comes_to_its_turn_again_is_held_again(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    spam(submit, now, 1)
    # Held as the mail of a blocked account is, and released with it.
    Recipient.objects.update(hold_reason="blocked")
    HostingAccount.objects.update(state="ko")
    service.unblock(account.pk, "admin", now)
    claimed = claim(now)
    assert [item.is_spam for item in claimed] == [True]
    queue.hold_spam(claimed, now)
    assert rows() == [("held", "spam")]
    assert AccountTotals.objects.get(account=account).spam == 1, "counted once"


def test_what_was_purged_while_it_was_judged_is_purged(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit()
    claimed = claim(now)
    service.block(account.pk, "admin", now)
    service.purge(account.pk, "admin", now)
    assert rows() == [("sending", "")]
    judge(claimed, SPAM, now)
    assert rows() == [("purged", "")]
    assert queue.contents_of([claimed[0].message_id]) == {}


def test_an_outcome_of_what_was_held_meanwhile_is_written_down(
    submit: Submit, now: datetime
) -> None:
    """Another worker, whose account only had it noted then, had sent it by that time."""
    submit("a@example.org", "b@example.org")
    first, second = queue.claim_due(now, 1, LEASE), queue.claim_due(now, 1, LEASE)
    judge(first, SPAM, now)
    queue.record([(second[0], Outcome(Result.DELIVERED, "250 ok", "2.0.0"))], now)
    assert rows() == [("held", "spam"), ("sent", "")]


def test_five_messages_within_ten_minutes_stop_an_account(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    assert spam(submit, now, 4).struck == {account.pk}
    assert service.judge_spam([account.pk], now) == []
    submit("honest@example.org", at=now)
    later = now + timedelta(minutes=9)
    queue.give_back(claim(now), now)
    submit("last@example.org", at=later)
    last = [item for item in claim(later) if item.address == "last@example.org"]
    judge(last, SPAM, later)
    [stop] = service.judge_spam([account.pk], later)
    assert (stop.event, stop.to_state) == ("spam_detected", "spam")
    assert {name: stop.figures[name] for name in ("messages", "recipients", "minutes")} == {
        "messages": 5,
        "recipients": 5,
        "minutes": 10,
    }
    assert state(account) == "spam"
    assert Alert.objects.get().kind == "blocked"
    assert ("waiting", "") not in rows(), "all the rest is held"


def test_fifty_recipients_are_enough(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    spam(submit, now, 1, to=49)
    assert service.judge_spam([account.pk], now) == []
    spam(submit, now, 1)
    assert [stop.figures["recipients"] for stop in service.judge_spam([account.pk], now)] == [50]


def test_spam_of_more_than_ten_minutes_ago_does_not_count(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    spam(submit, now, 4)
    later = now + timedelta(minutes=12)
    spam(submit, later, 4)
    assert service.judge_spam([account.pk], later) == []


def test_the_window_starts_anew_when_the_service_does(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    spam(submit, now, 4)
    service.block(account.pk, "admin", now)
    service.unblock(account.pk, "admin", now)
    spam(submit, now, 4)
    assert service.judge_spam([account.pk], now) == []
    spam(submit, now, 1)
    assert len(service.judge_spam([account.pk], now)) == 1


def test_malware_stops_at_once_and_not_again_after_a_lift(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit()
    judge(claim(now), MALWARE, now)
    [stop] = service.judge_spam([account.pk], now)
    assert (stop.figures["malware"], stop.figures["messages"]) == (1, 1)
    later = now + timedelta(minutes=1)
    service.lift(account.pk, "admin", later)
    assert rows() == [("held", "spam")], "a lift lets no malware go"
    spam(submit, later, 1)
    assert service.judge_spam([account.pk], later) == []


def test_spam_in_a_stopped_account_leads_to_spam(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    spam(submit, now, 5)
    HostingAccount.objects.update(state="ko")
    [stop] = service.judge_spam([account.pk], now)
    assert (stop.from_state, stop.to_state) == ("ko", "spam")
    assert service.judge_spam([account.pk], now) == [], "it is there already"


def test_limits_can_be_switched_off(
    account: HostingAccount, submit: Submit, now: datetime, settings: object
) -> None:
    settings.SPAM_MESSAGES = settings.SPAM_RECIPIENTS = 0  # type: ignore[attr-defined]
    spam(submit, now, 60)
    assert service.judge_spam([account.pk], now) == []


def test_the_minutes_tell_how_much_was_spam(submit: Submit, now: datetime) -> None:
    spam(submit, now, 2, to=3)
    assert list(MinuteCount.objects.values_list("spam", "spam_messages").exclude(spam=0)) == [
        (6, 2)
    ]


def test_many_recipients_are_held_as_their_turn_comes(
    submit: Submit, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailqueue.queue.judged.MOST_HELD", 3)
    submit(*(f"to{index}@example.org" for index in range(8)))
    first = queue.claim_due(now, 2, LEASE)
    judge(first, SPAM, now)
    assert 3 <= rows().count(("held", "spam")) <= 5
    rest = claim(now)
    assert {(item.is_spam, item.is_judged) for item in rest} == {(True, True)}
    queue.hold_spam(rest, now)
    assert rows() == [("held", "spam")] * 8


def test_two_workers_that_judge_each_others_messages_do_not_wait_for_ever(
    submission: Callable[..., Submission], now: datetime
) -> None:
    queue.accept([submission("a@example.org", "b@example.org") for _ in range(20)], now)
    first = queue.claim_due(now, 20, LEASE)
    second = queue.claim_due(now, 20, LEASE)
    second.reverse()
    sentences: list[queue.Sentence] = []
    run(
        lambda: sentences.append(judge(first, SPAM, now)),
        lambda: sentences.append(judge(second, SPAM, now)),
    )
    assert sum(len(one.fresh) for one in sentences) == 20
    assert rows() == [("held", "spam")] * 40
    assert AccountTotals.objects.get().spam_messages == 20


def test_erasing_an_address_takes_it_out_of_what_was_found(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("marie@example.org")
    found = replace(SPAM.findings[0], details={"what": "To: Marie@example.org"})
    judge(claim(now), replace(SPAM, findings=(found,)), now)
    queue.expire(now + timedelta(days=4))
    assert queue.erase(account.pk, "marie@example.org") == 1
    assert Judgement.objects.get().findings == []
