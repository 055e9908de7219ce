"""Many workers, clicks and hand-overs at once: each recipient has one fate, and is counted once."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from mailqueue import ledger, queue, returns, scripts, service, suppressions
from mailqueue.counters import Tallies
from mailqueue.errors import IllegalTransition
from mailqueue.models import (
    AccountTotals,
    Body,
    HostingAccount,
    Recipient,
    Returned,
    Script,
    ScriptCount,
    Suppression,
)
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Submission
from mailqueue.return_tokens import Purpose, Token
from mailqueue.returns import Arrival
from mailqueue.scripts import Seen
from mailqueue.suppressions import Blow, Reason
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

LEASE = timedelta(seconds=60)
DELIVERED = Outcome(Result.DELIVERED, "250 ok", "2.0.0")


def run(*works: Callable[[], None]) -> None:
    """Runs each work in a thread of its own and raises what any of them raised."""
    raised: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - handed to the test below
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=guarded, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=90)
    assert not any(thread.is_alive() for thread in threads)
    if raised:
        raise raised[0]


def test_workers_never_share_a_recipient(
    submission: Callable[..., Submission], now: datetime
) -> None:
    queue.accept([submission() for _ in range(120)], now)
    claimed: list[int] = []

    def work() -> None:
        while batch := queue.claim_due(now, 7, LEASE):
            claimed.extend(item.recipient_id for item in batch)
            queue.record([(item, DELIVERED) for item in batch], now)

    run(work, work, work, work)
    assert Counter(claimed) == Counter(Recipient.objects.values_list("pk", flat=True))
    assert all(line.is_balanced for line in ledger.check())


def test_the_body_goes_when_the_last_recipients_end_at_once(
    submission: Callable[..., Submission], now: datetime
) -> None:
    addresses = [f"{number}@example.org" for number in range(40)]
    queue.accept([submission(*addresses)], now)
    batches = [queue.claim_due(now, 10, LEASE) for _ in range(4)]

    def worker(batch: list[queue.Claimed]) -> Callable[[], None]:
        def work() -> None:
            for item in batch:
                queue.record([(item, DELIVERED)], now)

        return work

    run(*(worker(batch) for batch in batches))
    assert not Body.objects.exists()


def test_the_body_goes_when_a_purge_and_a_delivery_end_its_last_recipients(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    queue.accept([submission("a@example.org", "b@example.org")], now)
    batch = queue.claim_due(now, 1, LEASE)
    service.block(account.pk, "admin", now)
    is_purged = threading.Event()

    def purge() -> None:
        with transaction.atomic():
            service.purge(account.pk, "admin", now)
            is_purged.set()
            time.sleep(0.5)

    def deliver() -> None:
        is_purged.wait(10)
        queue.record([(batch[0], DELIVERED)], now)

    run(purge, deliver)
    assert sorted(Recipient.objects.values_list("status", flat=True)) == ["purged", "sent"]
    assert not Body.objects.exists()


def test_the_same_hand_over_by_two_ways_is_kept_once(
    submission: Callable[..., Submission], now: datetime
) -> None:
    twice = submission(handover_id="ab" * 16)
    receipts: list[queue.Receipt] = []

    def work() -> None:
        receipts.extend(queue.accept([twice], now))

    run(work, work, work)
    assert len({receipt.queue_id for receipt in receipts}) == 1
    assert sorted(receipt.is_duplicate for receipt in receipts) == [False, True, True]
    assert Recipient.objects.count() == 1


def test_clicks_deliveries_and_arrivals_at_once_keep_the_ledger(
    account: HostingAccount, submission: Callable[..., Submission]
) -> None:
    stopped = threading.Event()

    def arrive() -> None:
        for _ in range(60):
            queue.accept([submission(), submission()], datetime.now(UTC))

    def deliver() -> None:
        while not stopped.is_set():
            batch = queue.claim_due(datetime.now(UTC), 5, LEASE)
            cleared = queue.cleared(batch) if batch else set()
            wanted = [item for item in batch if item.recipient_id in cleared]
            queue.record([(item, DELIVERED) for item in wanted], datetime.now(UTC))
            queue.give_back(
                [item for item in batch if item.recipient_id not in cleared], datetime.now(UTC)
            )

    def click() -> None:
        verbs = (service.block, service.unblock, service.block, service.purge)
        for number in range(24):
            try:
                verbs[number % 4](account.pk, "admin", datetime.now(UTC))
            except IllegalTransition:
                continue

    def arrive_and_stop() -> None:
        try:
            arrive()
            click()
        finally:
            stopped.set()

    run(arrive, arrive_and_stop, deliver, deliver, click)
    assert all(line.is_balanced for line in ledger.check())
    assert Recipient.objects.count() == 240
    final = HostingAccount.objects.get(pk=account.pk)
    stuck = Recipient.objects.filter(status="held").count()
    assert final.state != "ok" or stuck == 0


def test_what_is_pruned_by_two_at_once_is_counted_once(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    queue.accept([submission() for _ in range(400)], now)
    queue.record([(item, DELIVERED) for item in queue.claim_due(now, 400, LEASE)], now)
    late = now + timedelta(days=91)

    def prune() -> None:
        while queue.prune(late, 100):
            pass

    run(prune, prune, prune, prune)
    assert AccountTotals.objects.get(account=account).pruned == 400
    assert all(line.is_balanced for line in ledger.check())


def test_of_two_clicks_at_once_one_wins(account: HostingAccount, now: datetime) -> None:
    won: list[str] = []
    lost: list[str] = []

    def click() -> None:
        try:
            won.append(service.block(account.pk, "admin", now).to_state)
        except IllegalTransition as error:
            lost.append(error.state)

    run(click, click, click)
    assert (won, lost) == (["ko"], ["ko", "ko"])


def test_a_click_and_a_delivery_do_not_wait_for_each_other(
    account: HostingAccount, submission: Callable[..., Submission], now: datetime
) -> None:
    service.block(account.pk, "admin", now)
    queue.accept([submission(), submission()], now)
    has_begun = threading.Event()

    def deliver() -> None:
        with transaction.atomic():
            # What `record` does of an account that it need not lock, with a pause in the middle.
            for number in (1, -1):
                tallies = Tallies()
                tallies[account.pk].held_bytes = number
                tallies[account.pk].sent = int(number < 0)
                tallies.write(now)
                has_begun.set()
                time.sleep(0.5)

    def click() -> None:
        has_begun.wait(10)
        # As a page does: the first slice of the job is part of the click.
        with transaction.atomic():
            service.unblock(account.pk, "admin", now)

    AccountTotals.objects.filter(account=account).update(accepted=3)
    run(deliver, click)
    AccountTotals.objects.filter(account=account).update(accepted=2, sent=0)
    assert HostingAccount.objects.get().state == "ok"


def test_answers_about_stops_lock_accounts_in_the_order_of_all_others(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    for stopped in (other, account):
        change = service.report_spam(stopped.pk, "complaints", now)
        token = Token(Purpose.CASE, change.pk, now)
        answer = b"From: a@b.test\r\n\r\nIt is mended.\r\n"
        returns.store([Arrival(token, "a@b.test", "192.0.2.1", answer, len(answer))], now)

    HostingAccount.objects.update(review_required=True)
    has_first = threading.Event()

    def accept() -> None:
        with transaction.atomic():
            queue.lock_account(min(account.pk, other.pk))
            has_first.set()
            eventually(_somebody_waits)
            queue.lock_account(max(account.pk, other.pk))

    def handle() -> None:
        assert has_first.wait(10)
        handled = returns.handle(now)
        assert handled is not None
        assert [one.outcome for one in handled] == [Returned.Outcome.ANSWER] * 2

    run(accept, handle)


def test_who_adds_an_address_for_ever_has_the_last_word(
    account: HostingAccount, now: datetime
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer")
    blow = Blow(account.pk, "a@example.org", Reason.COMPLAINED, "")
    suppressions.strike([blow], now)
    has_added = threading.Event()

    def add() -> None:
        with transaction.atomic():
            suppressions.add(account.pk, ["a@example.org"], "moi", now)
            has_added.set()
            eventually(_somebody_waits)

    def strike() -> None:
        assert has_added.wait(10)
        suppressions.strike([blow], now)

    run(add, strike)
    entry = Suppression.objects.get()
    assert (entry.reason, entry.until, entry.actor) == (Reason.ADDED, None, "moi")


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None


def test_scripts_seen_by_many_at_once_are_all_counted(
    account: HostingAccount, other: HostingAccount, now: datetime
) -> None:
    def seer(first: int) -> Callable[[], None]:
        def work() -> None:
            for turn in range(8):
                numbers = [(first * 7 + turn * 5 + place) % 30 for place in range(20)]
                with transaction.atomic():
                    scripts.see(
                        [
                            Seen(pk, f"{number}.php", "", "socket", handed=1)
                            for number in numbers
                            for pk in (account.pk, other.pk)
                        ],
                        now + timedelta(minutes=2 * turn),
                    )

        return work

    run(*(seer(first) for first in range(4)))
    assert Script.objects.count() == 60
    assert sum(row.handed for row in ScriptCount.objects.all()) == 4 * 8 * 20 * 2
