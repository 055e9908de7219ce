"""One script is blocked: its mail is held wherever it stands, and all other mail goes on."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from mailqueue import queue, scripts, service, statements, tasks
from mailqueue.bounces import Category
from mailqueue.errors import UnknownScript
from mailqueue.models import (
    AccountTotals,
    HostingAccount,
    Message,
    Recipient,
    Script,
    ScriptCount,
    ScriptJob,
)
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import CameBack, Claimed, Submission
from mailqueue.scripts import Seen

pytestmark = pytest.mark.django_db

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
DELIVERED = Outcome(Result.DELIVERED, "250 ok", "2.0.0")
DEFERRED = Outcome(Result.DEFERRED, "451 later", "4.3.0", "mx.example.org")
FAILED = Outcome(Result.FAILED, "550 5.1.1 no such user", "5.1.1", "mx.example.org")
FOLDER = "/home/boutique/www"
BAD, GOOD = "mailer.php", "contact.php"
KEY = scripts.key_of(BAD, FOLDER, Message.Origin.SOCKET)


@pytest.fixture
def send(account: HostingAccount, submission: Callable[..., Submission]) -> Callable[..., None]:
    """Hands over a message of a script, to one recipient unless told."""

    def hand_over(
        script: str,
        at: datetime,
        *recipients: str,
        folder: str = FOLDER,
        origin: Message.Origin = Message.Origin.SOCKET,
    ) -> None:
        one = replace(submission(*recipients), script=script, folder=folder, origin=origin)
        receipt = queue.accept([one], at)[0]
        assert not receipt.is_refused

    return hand_over


@pytest.fixture
def seen(account: HostingAccount, now: datetime) -> Script:
    """The bad script, known."""
    scripts.see([Seen(account.pk, BAD, FOLDER, "socket", handed=1)], now)
    return Script.objects.get()


def standing(script: str = BAD) -> list[tuple[str, str]]:
    """Where the recipients of a script are, and why."""
    rows = Recipient.objects.filter(message__script=script).order_by("pk")
    return list(rows.values_list("status", "hold_reason"))


def check() -> None:
    totals = AccountTotals.objects.get(account__service_name="boutique.example")
    rows = Recipient.objects.filter(account=totals.account)
    assert totals.accepted == rows.count()
    for status in Recipient.ENDED:
        assert getattr(totals, status) == rows.filter(status=status).count()
    held = rows.filter(status="held")
    assert totals.held == held.count()
    assert totals.overflow == held.filter(hold_reason="overflow").count()
    assert totals.held_bytes == sum(held.values_list("message__size_bytes", flat=True))


def claim(now: datetime, limit: int = 100) -> list[Claimed]:
    return queue.claim_due(now, limit, MINUTE)


def block(account: HostingAccount, key: str, actor: str, now: datetime) -> Script:
    script = service.block_script(account.pk, key, actor, now)
    service.start_script_job(script, now)
    return script


def unblock(account: HostingAccount, key: str, now: datetime) -> Script:
    script = service.unblock_script(account.pk, key, now)
    service.start_script_job(script, now)
    return script


def purge(account: HostingAccount, key: str, now: datetime) -> None:
    service.start_script_job(service.purge_script(account.pk, key, now), now)


HELD = ("held", "script")
WAITING = ("waiting", "")


def test_a_blocked_script_is_held_and_the_others_go_on(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    send(BAD, now, "a@example.org", "b@example.org")
    send(GOOD, now)
    script = block(account, KEY, "julie", now)
    assert (script.blocked_at, script.blocked_by) == (now, "julie")
    assert standing() == [HELD, HELD]
    send(BAD, now)
    send(BAD, now, folder="/elsewhere")
    send(BAD, now, origin=Message.Origin.SUBMISSION)
    send(BAD, now, origin=Message.Origin.MAILDROP)
    assert standing() == [HELD, HELD, HELD, WAITING, WAITING, HELD]
    assert standing(GOOD) == [WAITING]
    account.refresh_from_db()
    assert (account.state, account.blocks_scripts) == ("ok", True)
    assert not ScriptJob.objects.exists()
    check()


def test_letting_it_go_again_sends_what_was_held(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    block(account, KEY, "julie", now)
    for _ in range(3):
        send(BAD, now)
    later = now + 60 * HOUR
    script = unblock(account, KEY, later)
    assert (script.blocked_at, script.blocked_by) == (None, "")
    assert standing() == [WAITING] * 3
    assert {row.deadline for row in Recipient.objects.all()} == {later + 24 * HOUR}
    account.refresh_from_db()
    assert not account.blocks_scripts
    assert len(claim(later)) == 3
    check()


def test_an_account_blocks_scripts_while_one_is_blocked(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    scripts.see([Seen(account.pk, name, "", "socket") for name in ("a", "b")], now)
    scripts.see([Seen(other.pk, "a", "", "socket")], now)
    keys = [scripts.key_of(name, "", "socket") for name in ("a", "b")]

    def blocks() -> bool:
        other.refresh_from_db()
        assert not other.blocks_scripts
        account.refresh_from_db()
        return account.blocks_scripts

    for key in keys:
        block(account, key, "julie", now)
        assert blocks()
    block(account, keys[0], "paul", now + HOUR)
    assert Script.objects.get(account=account, name="a").blocked_by == "julie"
    unblock(account, keys[0], now)
    assert blocks()
    unblock(account, keys[1], now)
    unblock(account, keys[1], now)
    assert not blocks()


def test_nobody_blocks_what_is_no_script_of_the_account(
    account: HostingAccount, other: HostingAccount, seen: Script, now: datetime
) -> None:
    Script.objects.create(account=account, key="", first_seen_at=now, last_seen_at=now)
    for pk, key in ((other.pk, KEY), (account.pk, ""), (account.pk, "f" * 64)):
        with pytest.raises(UnknownScript):
            service.block_script(pk, key, "julie", now)
        with pytest.raises(UnknownScript):
            service.unblock_script(pk, key, now)
        with pytest.raises(UnknownScript):
            service.purge_script(pk, key, now)


def test_what_is_on_its_way_is_stopped_before_it_is_sent(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    for script in (BAD, GOOD, BAD, BAD):
        send(script, now)
    claimed = claim(now)
    assert len(claimed) == 4
    block(account, KEY, "julie", now)
    assert standing() == [("sending", "")] * 3
    good = {item.recipient_id for item in claimed if item.recipient_id in queue.cleared(claimed)}
    assert good == set(Recipient.objects.filter(message__script=GOOD).values_list("pk", flat=True))
    one, two, three = (item for item in claimed if item.recipient_id not in good)
    queue.give_back([one], now)
    queue.record([(two, DEFERRED)], now)
    queue.record([(three, DELIVERED)], now)
    assert standing() == [HELD, HELD, ("sent", "")]
    check()


def test_a_lease_that_ran_out_brings_it_back_as_held(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    send(BAD, now)
    claim(now)
    block(account, KEY, "julie", now)
    queue.recover_leases(now + HOUR)
    assert standing() == [HELD]
    check()


def test_a_claim_passes_what_still_waits_of_it(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    for _ in range(7):
        send(BAD, now)
    send(GOOD, now)
    # Blocked, and the walk through the queue has not begun.
    scripts.block(seen, "julie", now)
    assert [item.recipient_id for item in claim(now, 4)] == list(
        Recipient.objects.filter(message__script=GOOD).values_list("pk", flat=True)
    )
    assert standing() == [HELD] * 7
    check()


def test_it_costs_no_query_where_nothing_is_blocked(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    asked: list[str] = []
    fetch = statements.fetch

    def watched(sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        asked.append(sql)
        return fetch(sql, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statements, "fetch", watched)
        with CaptureQueriesContext(connection) as queries:
            send(BAD, now)
            send(BAD, now)
            claimed = claim(now)
            assert len(queue.cleared(claimed)) == 2
            queue.record([(claimed[0], DEFERRED), (claimed[1], DELIVERED)], now)
        texts = asked + [query["sql"] for query in queries.captured_queries]
        assert texts
        assert not [text for text in texts if "mailqueue_script" in text]
        block(account, KEY, "julie", now)
        asked.clear()
        send(BAD, now)
        assert [text for text in asked if "mailqueue_script" in text]


def test_what_is_held_of_it_counts_against_what_may_be_held(
    account: HostingAccount,
    seen: Script,
    submission: Callable[..., Submission],
    send: Callable[..., None],
    now: datetime,
) -> None:
    HostingAccount.objects.filter(pk=account.pk).update(hold_limit=3)
    block(account, KEY, "julie", now)
    for _ in range(3):
        send(BAD, now)
    one = replace(submission(), script=BAD, folder=FOLDER)
    assert queue.accept([one], now) == [queue.REFUSED]
    send(GOOD, now)
    assert standing(GOOD) == [WAITING]


def test_it_stops_no_account_however_much_it_hands_over(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    HostingAccount.objects.filter(pk=account.pk).update(fast_limit=5)
    block(account, KEY, "julie", now)
    for _ in range(20):
        send(BAD, now)
    assert service.judge_arrivals([account.pk], now) == []
    for _ in range(6):
        send(GOOD, now)
    assert len(service.judge_arrivals([account.pk], now)) == 1


def test_the_quotas_hold_for_what_is_let_go(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    HostingAccount.objects.filter(pk=account.pk).update(hourly_quota=4)
    block(account, KEY, "julie", now)
    for _ in range(6):
        send(BAD, now)
    send(GOOD, now)
    unblock(account, KEY, now)
    assert standing() == [WAITING] * 3 + [("held", "overflow")] * 3
    send(GOOD, now)
    assert standing(GOOD) == [WAITING, ("held", "overflow")]
    check()
    later = now + 2 * HOUR
    assert service.drip(account.pk, later) == 4
    assert standing() == [WAITING] * 6
    check()


def test_who_waits_for_the_quota_goes_before_what_is_let_go(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    HostingAccount.objects.filter(pk=account.pk).update(hourly_quota=2)
    block(account, KEY, "julie", now)
    send(BAD, now)
    for _ in range(4):
        send(GOOD, now)
    HostingAccount.objects.filter(pk=account.pk).update(hourly_quota=3)
    unblock(account, KEY, now)
    assert standing() == [("held", "overflow")]
    check()


def test_what_waits_for_the_quota_is_held_too(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    HostingAccount.objects.filter(pk=account.pk).update(hourly_quota=1)
    for _ in range(3):
        send(BAD, now)
    block(account, KEY, "julie", now)
    assert standing() == [HELD] * 3
    check()
    assert service.drip(account.pk, now + 2 * HOUR) == 0


def test_a_service_that_is_blocked_meanwhile_keeps_it(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    send(BAD, now)
    send(GOOD, now)
    service.block(account.pk, "julie", now)
    block(account, KEY, "julie", now)
    send(BAD, now)
    assert standing() == [HELD, HELD]
    # Unblocking the service leaves what its script sent.
    unblock(account, KEY, now)
    assert standing() == [("held", "blocked")] * 2
    block(account, KEY, "julie", now)
    unblock(account, KEY, now)
    service.unblock(account.pk, "julie", now)
    assert standing() == [WAITING] * 2
    check()


def test_its_mail_is_purged_and_no_other(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    send(BAD, now, "a@example.org", "b@example.org")
    send(GOOD, now)
    block(account, KEY, "julie", now)
    send(BAD, now)
    purge(account, KEY, now)
    assert standing() == [("purged", "")] * 3
    assert standing(GOOD) == [WAITING]
    assert not Message.objects.filter(script=BAD, body__isnull=False).exists()
    # It stays blocked.
    send(BAD, now)
    assert standing()[-1] == HELD
    check()


def test_what_was_judged_spam_stays_spam(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    service.block(account.pk, "julie", now)
    send(BAD, now)
    Recipient.objects.update(hold_reason="spam")
    block(account, KEY, "julie", now)
    unblock(account, KEY, now)
    assert standing() == [("held", "spam")]


def test_what_somebody_let_go_goes_though_its_script_is_blocked(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    block(account, KEY, "julie", now)
    send(BAD, now)
    send(BAD, now)
    first = Recipient.objects.order_by("pk")[0].pk
    later = now + HOUR
    assert queue.release_chosen(account.pk, [first], later, as_administrator=True) == 1
    claimed = claim(later)
    assert [item.recipient_id for item in claimed] == [first]
    assert queue.cleared(claimed) == {first}
    queue.record([(claimed[0], DEFERRED)], later)
    assert standing() == [WAITING, HELD]
    # Blocked anew, it is held as all that stood before.
    unblock(account, KEY, later + MINUTE)
    block(account, KEY, "julie", later + 2 * MINUTE)
    assert standing() == [HELD, HELD]
    check()


def test_work_goes_on_slice_by_slice_where_it_stopped(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    for number in range(12):
        send(BAD if number % 3 else GOOD, now)
    scripts.block(seen, "julie", now)
    last = queue.last_queued_id(account.pk)
    ScriptJob.objects.create(script=seen, kind="hold", through_id=last)
    assert service.open_script_jobs() == [seen.pk]
    assert service.advance_script(seen.pk, now, limit=5) == seen.pk
    job = ScriptJob.objects.get()
    assert (job.done, standing().count(HELD)) == (3, 3)
    send(BAD, now)
    while service.advance_script(seen.pk, now, limit=5):
        pass
    assert standing() == [HELD] * 9
    assert standing(GOOD) == [WAITING] * 4
    assert not service.open_script_jobs()
    assert service.advance_script(seen.pk, now) is None
    check()


def test_a_purge_that_runs_is_followed_by_what_was_clicked_meanwhile(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    block(account, KEY, "julie", now)
    for _ in range(5):
        send(BAD, now)
    last = queue.last_queued_id(account.pk)
    ScriptJob.objects.create(script=seen, kind="purge", through_id=last)
    service.advance_script(seen.pk, now, limit=2)
    send(BAD, now)
    unblock(account, KEY, now)
    while service.advance_script(seen.pk, now):
        pass
    assert standing() == [("purged", "")] * 5 + [WAITING]
    check()


@pytest.mark.django_db(transaction=True)
def test_the_task_takes_up_what_a_restart_cut_short(
    account: HostingAccount, seen: Script, send: Callable[..., None], now: datetime
) -> None:
    send(BAD, now)
    scripts.block(seen, "julie", now)
    last = queue.last_queued_id(account.pk)
    ScriptJob.objects.create(script=seen, kind="hold", through_id=last)
    assert tasks.work() == 1
    assert standing() == [HELD]
    assert not ScriptJob.objects.exists()


def test_failures_are_counted_with_the_script_that_sent(
    account: HostingAccount, send: Callable[..., None], now: datetime
) -> None:
    send(BAD, now, "a@example.org", "b@example.org", "c@example.org")
    send(GOOD, now)
    claimed = {item.address: item for item in claim(now)}
    [good] = (item for address, item in claimed.items() if address.startswith("client"))
    queue.record(
        [
            (claimed["a@example.org"], FAILED),
            (claimed["b@example.org"], Outcome(Result.FAILED, "550 5.7.1 blocked by us", "5.7.1")),
            (claimed["c@example.org"], DELIVERED),
            (good, DELIVERED),
        ],
        now,
    )
    [count] = ScriptCount.objects.select_related("script")
    assert (count.script.name, count.failed, count.bounced) == (BAD, 2, 1)
    back = CameBack(good.recipient_id, Category.USER_UNKNOWN, "5.1.1", True, "no such user")
    for _ in range(2):
        with transaction.atomic():
            queue.come_back([back], now)
    count = ScriptCount.objects.get(script__name=GOOD)
    assert (count.failed, count.bounced, count.handed) == (1, 1, 0)


def test_what_fails_after_its_time_or_late_is_counted_once(
    account: HostingAccount, send: Callable[..., None], now: datetime
) -> None:
    send(BAD, now)
    [claimed] = claim(now)
    end = now + timedelta(hours=72)
    queue.record([(claimed, DEFERRED)], end)
    queue.record([(claimed, FAILED)], end)
    count = ScriptCount.objects.get()
    assert (count.failed, count.bounced, count.day) == (1, 0, end.date())


def test_where_nobody_screens_scripts_are_counted_when_their_mail_ends(
    account: HostingAccount, send: Callable[..., None], now: datetime
) -> None:
    HostingAccount.objects.filter(pk=account.pk).update(screening="off")
    send(BAD, now, "a@example.org", "b@example.org")
    first, second = claim(now)
    queue.record([(first, DEFERRED), (second, DELIVERED)], now)
    [again] = claim(now + HOUR)
    queue.record([(again, FAILED)], now + HOUR)
    queue.record([(again, FAILED)], now + HOUR)
    [count] = ScriptCount.objects.all()
    assert (count.handed, count.failed, count.bounced) == (2, 1, 1)
