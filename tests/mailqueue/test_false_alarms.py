"""What saying that messages are wanted would mean, before it is said."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from mailqueue import false_alarms, queue, weights
from mailqueue.false_alarms import Fall
from mailqueue.models import HostingAccount, Judgement, Message, Recipient
from tests.support.judged import pronounce

Submit = Callable[..., str]


def spam(submit: Submit, now: datetime, **options: Any) -> Message:
    message = Message.objects.get(queue_id=submit("a@example.org", "b@example.org"))
    pronounce(message, now, **options)
    return message


def test_it_is_told_as_it_then_comes(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    weights.set_house("pills", 0.5, "admin", now)
    first, second = spam(submit, now), spam(submit, now)
    Judgement.objects.filter(message=second).update(
        findings=[{"rule": "pills", "score": 3.0, "where": "text", "weight": 0.5}]
    )
    told = false_alarms.outlook(account, [first.pk, second.pk], with_malware=False)
    assert told.falls == [
        Fall("link_text", 1.0, 0.5),
        Fall("pills", 1.0, 0.5),
        Fall("subject_capitals", 1.0, 0.5),
    ]
    # The house's weight came after the first was judged.
    assert [alarm.score_then for alarm in told.alarms] == [0.75 + 0.75 + 0.5, 1.5]
    assert (told.still_spam, told.held) == (0, 4)
    queue.mark_wanted(account.pk, [first.pk, second.pk], now, actor="claire", as_administrator=True)
    now_weights = weights.of([account.pk])[account.pk]
    assert [weights.rescored(alarm.findings, now_weights) for alarm in told.alarms] == [2.0, 1.5]
    nothing = false_alarms.outlook(account, [first.pk, second.pk], with_malware=False)
    assert (nothing.falls, nothing.alarms) == ([], [])


def test_what_is_sure_stays_sure(account: HostingAccount, submit: Submit, now: datetime) -> None:
    heavy = spam(submit, now)
    Judgement.objects.filter(message=heavy).update(
        findings=[{"rule": "pills", "score": 12.0, "where": "text"}]
    )
    infected = spam(submit, now, has_malware=True)
    Judgement.objects.filter(message=infected).update(
        findings=[{"rule": "malware", "score": 10.0, "where": "attachment"}]
    )
    ids = [heavy.pk, infected.pk]
    told = false_alarms.outlook(account, ids, with_malware=True)
    assert [(fall.rule, fall.after) for fall in told.falls] == [("pills", 0.5)]
    assert [alarm.is_spam_then for alarm in told.alarms] == [True, True]
    assert told.still_spam == 2
    assert len(false_alarms.outlook(account, ids, with_malware=False).alarms) == 1


def test_others_and_what_is_no_spam_are_left_out(
    account: HostingAccount, other: HostingAccount, submit: Submit, now: datetime
) -> None:
    fine = spam(submit, now, is_spam=False)
    foreign = spam(submit, now)
    told = false_alarms.outlook(other, [foreign.pk], with_malware=True)
    assert told.alarms == []
    assert false_alarms.outlook(account, [fine.pk, 987654321], with_malware=True).alarms == []


def test_what_is_held_of_a_message_is_found(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    message = spam(submit, now)
    pks = list(Recipient.objects.order_by("pk").values_list("pk", flat=True))
    assert false_alarms.held_of(message, 10) == pks
    assert false_alarms.held_of(message, 1) == pks[:1]
    Recipient.objects.filter(pk=pks[0]).update(hold_reason="blocked")
    assert false_alarms.held_of(message, 10) == pks[1:]
    judged = false_alarms.judgement_of(message)
    assert judged
    assert judged.is_spam
    bare = Message.objects.get(queue_id=submit("c@example.org"))
    assert false_alarms.judgement_of(bare) is None
