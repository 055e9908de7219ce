"""The queue: what enters, who works on it, what became of it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from mailqueue import ledger, queue, service, walks
from mailqueue.errors import InvalidSubmission, UnknownAccount
from mailqueue.models import AccountTotals, Body, HostingAccount, Message, Recipient
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Claimed, Submission

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = timedelta(seconds=60)
DELIVERED = Outcome(Result.DELIVERED, "250 2.0.0 taken", "2.0.0", "mx.example.org")
DEFERRED = Outcome(Result.DEFERRED, "451 4.7.1 later", "4.7.1", "mx.example.org")
FAILED = Outcome(Result.FAILED, "550 5.1.1 no such user", "5.1.1", "mx.example.org")
Submit = Callable[..., str]


def totals(account: HostingAccount) -> AccountTotals:
    return AccountTotals.objects.get(account=account)


def statuses() -> list[str]:
    return list(Recipient.objects.order_by("pk").values_list("status", flat=True))


def claim(now: datetime, limit: int = 100) -> list[Claimed]:
    return queue.claim_due(now, limit, LEASE)


@pytest.fixture(autouse=True)
def _ledger_balances() -> object:
    yield
    assert all(line.is_balanced for line in ledger.check())


def test_it_keeps_what_was_handed_over(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    sent = submission("a@example.org", "b@Example.NET", size=5000)
    [receipt] = queue.accept([sent], now)
    message = Message.objects.get(queue_id=receipt.queue_id)
    assert queue.content_of(message.pk) == sent.content
    assert bytes(Body.objects.get().content) != sent.content, "long bodies are compressed"
    rows = list(message.recipients.order_by("pk"))
    assert [(row.address, row.domain) for row in rows] == [
        ("a@example.org", "example.org"),
        ("b@Example.NET", "example.net"),
    ]
    assert {row.status for row in rows} == {"waiting"}
    assert {row.deadline for row in rows} == {now + timedelta(hours=72)}
    assert totals(account).accepted == 2


def test_it_keeps_a_hand_over_once(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    first = submission(handover_id="ab" * 16)
    [receipt] = queue.accept([first], now)
    again = queue.accept([first, first, submission(handover_id="cd" * 16)], now)
    assert [item.is_duplicate for item in again] == [True, True, False]
    assert {item.queue_id for item in again[:2]} == {receipt.queue_id}
    assert totals(account).accepted == 2


def test_it_keeps_a_hand_over_once_within_one_call(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    twice = submission(handover_id="ab" * 16)
    receipts = queue.accept([twice, twice], now)
    assert [item.is_duplicate for item in receipts] == [False, True]
    assert totals(account).accepted == 1


def test_it_takes_nothing_when_one_account_is_unknown(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    with pytest.raises(UnknownAccount):
        queue.accept([submission(), submission(account_id=account.pk + 999)], now)
    assert not Message.objects.exists()
    assert totals(account).accepted == 0


@pytest.mark.parametrize(
    "change",
    [
        {"recipients": ()},
        {"recipients": ("a@b", "a@b")},
        {"recipients": ("nobody",)},
        {"recipients": ("a\r\n@b",)},
        {"recipients": ("a" * 320 + "@b",)},
        {"sender": "a\nb@c"},
        {"content": b"Subject: x\n\n"},
    ],
)
def test_it_refuses_what_cannot_go_out(
    change: dict[str, object], submission: Callable[..., Submission]
) -> None:
    good = submission()
    values = {name: getattr(good, name) for name in Submission.__slots__} | change
    with pytest.raises(InvalidSubmission):
        Submission(**values)


def test_it_stores_text_that_no_database_takes(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    good = submission()
    values = {name: getattr(good, name) for name in Submission.__slots__}
    hostile = values | {"subject": "a\0b\udcff" + "x" * 999, "folder": "/\udce9t\0"}
    queue.accept([Submission(**hostile)], now)
    message = Message.objects.get()
    assert message.subject.startswith("a\ufffdb?x")
    assert len(message.subject) == 255
    assert message.folder == "/?t\ufffd"


def test_it_holds_the_mail_of_a_blocked_account(
    account: HostingAccount, other: HostingAccount, submission: Callable[..., Submission],
    now: datetime,
) -> None:  # fmt: skip
    service.block(account.pk, "admin", now)
    queue.accept([submission("a@x.example"), submission("b@x.example", account_id=other.pk)], now)
    assert statuses() == ["held", "waiting"]
    assert totals(account).held == 1
    assert [item.address for item in claim(now)] == ["b@x.example"]


def test_the_panels_own_letters_are_never_held(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    service.block(account.pk, "admin", now)
    HostingAccount.objects.filter(pk=account.pk).update(is_system=True)
    submit()
    assert statuses() == ["waiting"]


def test_it_claims_the_longest_due_first_and_each_once(submit: Submit, now: datetime) -> None:
    submit("late@example.org", at=now)
    submit("early@example.org", at=now - timedelta(minutes=1))
    submit("future@example.org", at=now + timedelta(minutes=1))
    assert [item.address for item in claim(now, 1)] == ["early@example.org"]
    assert [item.address for item in claim(now)] == ["late@example.org"]
    assert claim(now) == []


def test_a_claim_tells_what_the_wire_needs(submit: Submit, now: datetime) -> None:
    queue_id = submit("a@example.org")
    [claimed] = claim(now)
    assert (claimed.queue_id, claimed.sender) == (queue_id, "site@boutique.example")
    assert (claimed.address, claimed.domain, claimed.tries) == ("a@example.org", "example.org", 0)
    assert claimed.deadline - claimed.accepted_at == timedelta(hours=72)


def test_delivered_mail_is_sent_and_its_body_goes(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("a@example.org", "b@example.org")
    first, second = claim(now)
    [recorded] = queue.record([(first, DELIVERED)], now)
    assert (recorded.status, recorded.was_ours) == ("sent", True)
    assert Body.objects.exists(), "the second recipient still needs it"
    queue.record([(second, DELIVERED)], now)
    assert not Body.objects.exists()
    row = Recipient.objects.get(pk=first.recipient_id)
    assert (row.reply, row.reply_status, row.reply_host) == (
        "250 2.0.0 taken", "2.0.0", "mx.example.org",
    )  # fmt: skip
    assert (totals(account).sent, row.tries, row.ended_at) == (2, 1, now)


def test_deferred_mail_waits_longer_each_time(submit: Submit, now: datetime) -> None:
    submit()
    [first] = claim(now)
    [recorded] = queue.record([(first, DEFERRED)], now)
    assert recorded.status == "waiting"
    assert recorded.next_attempt_at is not None
    delay = recorded.next_attempt_at - now
    assert timedelta(minutes=5) <= delay <= timedelta(minutes=6)
    assert claim(now + timedelta(minutes=4)) == []
    later = now + timedelta(minutes=7)
    [second] = claim(later)
    assert second.tries == 1
    [recorded] = queue.record([(second, DEFERRED)], later)
    assert recorded.next_attempt_at is not None
    assert timedelta(minutes=10) <= recorded.next_attempt_at - later <= timedelta(minutes=12)


def test_refused_mail_fails_and_is_kept_for_a_look(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit()
    [claimed] = claim(now)
    [recorded] = queue.record([(claimed, FAILED)], now)
    assert recorded.status == "failed"
    assert totals(account).failed == 1
    assert queue.content_of(claimed.message_id) is not None
    assert queue.prune_bodies(now + timedelta(days=6)) == 0
    assert queue.prune_bodies(now + timedelta(days=7)) == 1


def test_mail_that_was_tried_for_72_hours_fails_with_the_last_reply(
    submit: Submit, now: datetime
) -> None:
    submit()
    moment = now + timedelta(hours=71, minutes=58)
    [claimed] = claim(moment)
    [recorded] = queue.record([(claimed, DEFERRED)], moment)
    assert recorded.status == "failed"
    assert Recipient.objects.get().reply == "451 4.7.1 later"


def test_it_does_not_record_what_another_worker_has_claimed(submit: Submit, now: datetime) -> None:
    submit()
    [slow] = claim(now)
    later = now + LEASE
    assert queue.recover_leases(later) == 1
    [quick] = claim(later)
    assert queue.cleared([slow]) == set()
    [recorded] = queue.record([(slow, DELIVERED)], later)
    assert (recorded.was_ours, recorded.status) == (False, "sending")
    [recorded] = queue.record([(quick, DELIVERED)], later)
    assert recorded.was_ours
    [recorded] = queue.record([(quick, DELIVERED)], later)
    assert not recorded.was_ours, "an outcome counts once"


def test_a_late_report_counts_while_nobody_else_has_claimed(submit: Submit, now: datetime) -> None:
    submit()
    [slow] = claim(now)
    queue.recover_leases(now + LEASE)
    [recorded] = queue.record([(slow, DELIVERED)], now + LEASE)
    assert (recorded.was_ours, recorded.status) == (True, "sent")
    assert claim(now + LEASE) == []


def test_a_renewed_lease_is_not_recovered(submit: Submit, now: datetime) -> None:
    submit()
    [claimed] = claim(now)
    assert queue.renew(claimed.claim, now + timedelta(seconds=50), LEASE) == 1
    assert queue.recover_leases(now + LEASE) == 0
    assert queue.recover_leases(now + timedelta(seconds=110)) == 1


def test_what_was_given_back_is_due_at_once_and_was_not_tried(
    submit: Submit, now: datetime
) -> None:
    submit()
    assert queue.give_back(claim(now), now) == 1
    [claimed] = claim(now)
    assert claimed.tries == 0


def test_a_block_stops_what_is_claimed_but_not_begun(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit()
    [claimed] = claim(now)
    assert queue.cleared([claimed]) == {claimed.recipient_id}
    service.block(account.pk, "admin", now)
    assert queue.cleared([claimed]) == set()
    queue.give_back([claimed], now)
    assert statuses() == ["held"]
    assert totals(account).held == 1


@pytest.mark.parametrize(("purges", "status"), [(False, "held"), (True, "purged")])
def test_mail_in_flight_shares_its_accounts_lot_when_it_is_deferred(
    purges: bool, status: str, account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit()
    [claimed] = claim(now)
    service.block(account.pk, "admin", now)
    if purges:
        service.purge(account.pk, "admin", now)
        assert HostingAccount.objects.get(pk=account.pk).state == "ok"
    assert queue.cleared([claimed]) == set()
    [recorded] = queue.record([(claimed, DEFERRED)], now)
    assert recorded.status == status


def test_mail_in_flight_is_sent_when_the_other_side_has_it(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit()
    [claimed] = claim(now)
    service.block(account.pk, "admin", now)
    service.purge(account.pk, "admin", now)
    [recorded] = queue.record([(claimed, DELIVERED)], now)
    assert (recorded.status, recorded.was_ours) == ("sent", True)


def test_purged_mail_of_a_dead_worker_is_not_sent_later(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit()
    claim(now)
    service.block(account.pk, "admin", now)
    service.purge(account.pk, "admin", now)
    queue.recover_leases(now + LEASE)
    assert statuses() == ["purged"]
    assert not Body.objects.exists()


@pytest.mark.parametrize(("tried", "status"), [(False, "expired"), (True, "failed")])
def test_held_mail_ends_after_72_hours(
    tried: bool, status: str, account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit()
    if tried:
        queue.record([(claim(now)[0], DEFERRED)], now)
    service.block(account.pk, "admin", now)
    end = now + timedelta(hours=72)
    assert queue.expire(end - timedelta(microseconds=1)) == 0
    assert queue.expire(end) == 1
    assert statuses() == [status]
    assert (totals(account).held, getattr(totals(account), status)) == (0, 1)


def test_it_says_whether_anything_is_due(submit: Submit, now: datetime) -> None:
    assert not queue.has_due(now)
    submit()
    assert queue.has_due(now)
    assert not queue.has_due(now - timedelta(seconds=1))


def test_rows_are_pruned_after_90_days_and_the_ledger_still_balances(
    account: HostingAccount, submit: Submit, now: datetime
) -> None:
    submit("a@example.org", "b@example.org")
    first, second = claim(now)
    queue.record([(first, DELIVERED), (second, FAILED)], now)
    submit(at=now + timedelta(days=1))
    end = now + timedelta(days=90)
    assert queue.prune(end - timedelta(seconds=1)) == 0
    assert queue.prune(end) == 2
    assert Message.objects.count() == 1
    assert (totals(account).accepted, totals(account).pruned) == (3, 2)


@pytest.mark.parametrize(
    "broken",
    [
        {"status": "lost"},
        {"status": "sending"},
        {"status": "held"},
        {"status": "sent"},
        {"next_attempt_at": None},
        {"hold_reason": "blocked"},
    ],
)
def test_the_database_refuses_rows_that_contradict_themselves(
    broken: dict[str, object], submit: Submit
) -> None:
    submit()
    with pytest.raises(IntegrityError), transaction.atomic():
        Recipient.objects.update(**broken)


@pytest.mark.parametrize(
    ("index", "query"),
    [
        ("recipient_turn", "status = 'waiting' AND account_id = 7 "
         "AND next_attempt_at <= '2030-01-01' ORDER BY account_id, next_attempt_at, id"),
        ("recipient_leased", "status = 'sending' AND lease_until <= '2030-01-01'"),
        ("recipient_expiring", "status = 'held' AND deadline <= '2030-01-01' ORDER BY deadline"),
    ],
)  # fmt: skip
def test_workers_scan_partial_indexes(index: str, query: str, submit: Submit) -> None:
    submit()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
            cursor.execute("SET enable_bitmapscan = off")
            cursor.execute("SET enable_sort = off")
            explain = "EXPLAIN"
        else:
            explain = "EXPLAIN QUERY PLAN"
        cursor.execute(f"{explain} SELECT id FROM mailqueue_recipient WHERE {query} LIMIT 10")
        plan = str(cursor.fetchall())
        if connection.vendor == "postgresql":
            cursor.execute("RESET ALL")
    assert index in plan


@pytest.mark.parametrize("index", walks.Index)
def test_walks_go_along_their_index(
    index: walks.Index, account: HostingAccount, submit: Submit
) -> None:
    submit()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
        plan = walks.along(index, account.pk, 0, 10)[:10].explain()
        if connection.vendor == "postgresql":
            cursor.execute("RESET ALL")
    assert f"recipient_{index.name.lower()}" in plan
