"""Between the claim and MAIL FROM: spam goes no further, all else does, whatever breaks."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mailqueue import accounts, engines, ledger, queue, senders, service
from mailqueue.models import (
    AccountDomain,
    AccountTotals,
    HostingAccount,
    Judgement,
    Message,
    Recipient,
)
from mailqueue.queue import Claimed, Submission
from mailqueue.screening import THRESHOLD
from relay import screener, unjudged
from relay.client import Timeouts
from relay.delivery import deliver_due
from relay.screener import Screener
from tests.relay.test_engines import saying, serving
from tests.support.house import free_port
from tests.support.loop import run
from tests.support.remote import Remote, remote
from tests.support.spam import DUBIOUS, HONEST, MALWARE, SPAM

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = Timeouts(*([0.5] * 8))
LEASE = timedelta(minutes=1)


@pytest.fixture
def account(now: datetime) -> HostingAccount:
    return accounts.create("boutique.example", now)


@pytest.fixture(autouse=True)
def _ledger_balances() -> Iterator[None]:
    yield
    assert all(line.is_balanced for line in ledger.check())


@pytest.fixture
def mx(settings: Any) -> Iterator[Remote]:
    with remote() as server:
        settings.ROUTE, settings.SMARTHOST = "smarthost", server.address
        yield server


def submit(
    account: HostingAccount, now: datetime, *contents: bytes, to: tuple[str, ...] = ()
) -> None:
    queue.accept(
        [
            Submission(
                account_id=account.pk,
                sender="site@boutique.example",
                recipients=to or (f"client{number}@example.org",),
                content=content,
                size_bytes=len(content),
                subject="hello",
                origin=Message.Origin.SOCKET,
                script="index.php",
            )
            for number, content in enumerate(contents)
        ],
        now,
    )


def deliver(now: datetime) -> None:
    run(deliver_due(lambda: now, timeouts=QUICK))


def rows() -> list[tuple[str, str]]:
    return list(Recipient.objects.order_by("pk").values_list("status", "hold_reason"))


def state(account: HostingAccount) -> str:
    return HostingAccount.objects.get(pk=account.pk).state


def test_spam_is_held_and_never_at_the_peer(
    account: HostingAccount, now: datetime, mx: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "facteur.mail")
    submit(account, now, HONEST, SPAM, DUBIOUS)
    deliver(now)
    assert rows() == [("sent", ""), ("held", "spam"), ("sent", "")]
    assert {message.content for message in mx.messages} == {HONEST, DUBIOUS}
    scores = list(Message.objects.order_by("pk").values_list("spam_score", "is_spam"))
    assert [is_spam for _, is_spam in scores] == [False, True, False]
    assert None not in [score for score, _ in scores]
    assert Judgement.objects.count() == 2
    [line] = [record.message for record in caplog.records if "status=spam" in record.message]
    assert line.startswith(f"q={Message.objects.get(is_spam=True).queue_id} account={account.pk} ")
    assert "script='index.php'" in line
    assert "credentials" in line


def test_five_spams_stop_the_account_and_hold_the_rest(
    account: HostingAccount, now: datetime, mx: Remote
) -> None:
    submit(account, now, *([SPAM] * 5))
    submit(account, now + timedelta(minutes=1), HONEST)
    deliver(now)
    assert state(account) == "spam"
    assert rows() == [("held", "spam")] * 5 + [("held", "blocked")]
    assert mx.messages == []


def test_what_is_clean_but_shares_a_claim_with_the_last_straw_is_held(
    account: HostingAccount, now: datetime, mx: Remote
) -> None:
    submit(account, now, HONEST, MALWARE, HONEST)
    deliver(now)
    assert state(account) == "spam"
    assert rows() == [("held", "blocked"), ("held", "spam"), ("held", "blocked")]
    assert mx.messages == []
    service.lift(account.pk, "admin", now + timedelta(minutes=1))
    deliver(now + timedelta(minutes=1))
    assert rows() == [("sent", ""), ("held", "spam"), ("sent", "")]
    assert AccountTotals.objects.get(account=account).spam_messages == 1


def test_an_account_can_have_spam_noted_or_not_looked_at(
    account: HostingAccount, now: datetime, mx: Remote
) -> None:
    HostingAccount.objects.update(screening="note")
    submit(account, now, *([SPAM] * 6), MALWARE)
    deliver(now)
    assert set(rows()) == {("sent", "")}
    assert (Judgement.objects.filter(is_spam=True).count(), state(account)) == (7, "ok")
    HostingAccount.objects.update(screening="off")
    submit(account, now, SPAM)
    deliver(now)
    assert len(mx.messages) == 8
    assert Message.objects.order_by("pk").last().spam_score is None  # type: ignore[union-attr]


def test_spam_that_was_let_go_goes(account: HostingAccount, now: datetime, mx: Remote) -> None:
    submit(account, now, SPAM)
    deliver(now)
    [pk] = Recipient.objects.values_list("pk", flat=True)
    queue.release_chosen(account.pk, [pk], now, as_administrator=True)
    deliver(now)
    assert rows() == [("sent", "")]


def test_spam_that_was_released_with_the_rest_is_held_again(
    account: HostingAccount, now: datetime, mx: Remote
) -> None:
    submit(account, now, SPAM, HONEST, to=("a@example.org", "b@example.org"))
    deliver(now)
    Recipient.objects.filter(hold_reason="spam").update(
        status="waiting", hold_reason="", next_attempt_at=now
    )
    AccountTotals.objects.update(held=0, held_bytes=0)
    deliver(now)
    assert rows() == [("held", "spam")] * 2 + [("sent", "")] * 2
    assert AccountTotals.objects.get(account=account).spam == 2


def test_screening_that_breaks_lets_mail_go(
    account: HostingAccount,
    now: datetime,
    mx: Remote,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with monkeypatch.context() as broken:
        # No message breaks it: so some of its rules are taken away.
        broken.delattr("mailqueue.screening.judging.headers")
        submit(account, now, SPAM, HONEST)
        deliver(now)
    assert rows() == [("sent", "")] * 2
    assert Message.objects.filter(spam_score=None).count() == 2
    assert sum("screening=broken" in record.message for record in caplog.records) == 2
    [told] = engines.away(now)
    assert (told.name, told.missed, told.words) == ("rules", 2, "screening=broken")
    # The next run knows of it, and tells that it is over.
    submit(account, now, HONEST)
    deliver(now + timedelta(minutes=1))
    [told] = engines.rows()
    assert (told.is_answering, told.since) == (True, now + timedelta(minutes=1))
    assert told.missed == 2, "how much went unseen is told until the next time"


def test_without_the_facts_about_an_account_its_mail_is_judged_all_the_same(
    account: HostingAccount,
    now: datetime,
    mx: Remote,
    caplog: pytest.LogCaptureFixture,
) -> None:
    submit(account, now, SPAM, HONEST)
    table = AccountDomain._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
    try:
        deliver(now)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")
    assert rows() == [("held", "spam"), ("sent", "")]
    assert any("without_facts" in record.message for record in caplog.records)


def test_verdicts_that_cannot_be_written_let_mail_go(
    account: HostingAccount,
    now: datetime,
    mx: Remote,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(screener, "PAUSE_S", 0.01)
    submit(account, now, SPAM, HONEST)
    table = Judgement._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO away")
    try:
        deliver(now)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE away RENAME TO {table}")
    assert rows() == [("sent", "")] * 2
    assert [row.words for row in engines.away(now)] == ["screening=unrecorded"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [(b"stream: Test.Virus FOUND\0", ("held", "spam")), (b"stream: OK\0", ("sent", ""))],
)
def test_what_an_engine_finds_is_part_of_the_verdict(
    account: HostingAccount,
    now: datetime,
    mx: Remote,
    settings: Any,
    said: bytes,
    expected: tuple[str, str],
) -> None:
    submit(account, now, HONEST)

    async def main() -> None:
        async with serving(saying(said)) as address:
            settings.CLAMD = address
            await deliver_due(lambda: now, timeouts=QUICK)

    run(main())
    assert rows() == [expected]
    assert state(account) == ("spam" if expected[0] == "held" else "ok")


def test_an_engine_that_is_away_stops_nothing(
    account: HostingAccount, now: datetime, mx: Remote, settings: Any
) -> None:
    settings.CLAMD = ("127.0.0.1", free_port())
    submit(account, now, HONEST, SPAM)
    deliver(now)
    assert rows() == [("sent", ""), ("held", "spam")]


def test_a_claim_of_clean_messages_costs_one_transaction_however_many_they_are(
    account: HostingAccount, now: datetime
) -> None:
    def asked(number: int) -> list[str]:
        submit(account, now, *([HONEST] * number))
        claimed = queue.claim_due(now, 200, LEASE)
        assert len(claimed) == number
        with CaptureQueriesContext(connection) as seen:
            # In this thread: the queries of another's connection would not be seen.
            read = [unjudged.parse(one) for one in unjudged.load([[item] for item in claimed])]
            judged = [screener._judged(one) for one in unjudged.look_up(read, [], now)]
            assert screener._settle(judged, claimed, now) == (set(), 0)
        return [one["sql"] for one in seen]

    first, queries = asked(3), asked(3)
    assert sum(sql.startswith("BEGIN") for sql in queries) == 1
    # The first time its script is new.
    assert len(queries) < len(first)
    assert len(asked(120)) == len(queries)


def test_what_waits_for_its_verdict_is_given_back_when_the_run_ends(
    account: HostingAccount, now: datetime
) -> None:
    submit(account, now, *([HONEST] * 60), SPAM)
    claimed = queue.claim_due(now, 200, LEASE)

    async def main() -> tuple[list[Claimed], list[Claimed]]:
        gone: list[Claimed] = []
        one = Screener(lambda: now, gone.extend)
        gone += one.add(claimed)
        await asyncio.sleep(0)
        return gone, await one.close()

    gone, left = run(main())
    assert len(gone) + len(left) == 61
    assert left
    queue.give_back(left, now)
    assert set(rows()) == {("waiting", "")}


def test_a_second_recipient_that_comes_meanwhile_shares_the_verdict(
    account: HostingAccount, now: datetime
) -> None:
    submit(account, now, SPAM, HONEST, to=("a@example.org", "b@example.org"))
    first = queue.claim_due(now, 2, LEASE)
    second = queue.claim_due(now, 2, LEASE)

    async def main() -> list[Claimed]:
        gone: list[Claimed] = []
        one = Screener(lambda: now, gone.extend)
        gone += one.add(first)
        await asyncio.sleep(0)
        gone += one.add(second)
        while one.waiting:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.001)
        return gone

    assert {item.message_id for item in run(main())} == {Message.objects.order_by("-pk")[0].pk}
    assert AccountTotals.objects.get(account=account).spam_messages == 1


def test_large_messages_are_in_memory_one_at_a_time(
    account: HostingAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screener, "LUMP_BYTES", 3 * len(HONEST))
    submit(account, now, *([HONEST] * 4), HONEST * 5, HONEST)
    claimed = queue.claim_due(now, 200, LEASE)
    lumps: list[int] = []

    async def main() -> None:
        one = Screener(lambda: now, lambda claimed: None)
        for item in claimed:
            one._waiting.setdefault(item.message_id, []).append(item)
        while one._waiting:
            lumps.append(len(one._next_lump()))

    run(main())
    assert lumps == [3, 1, 1, 1]


def test_the_accounts_own_domains_and_all_domains_of_recipients_are_told(
    account: HostingAccount, now: datetime
) -> None:
    senders.add(account, "boutique-suisse.example", "admin", now)
    submit(account, now, HONEST, to=("a@example.org", "b@example.org", "c@autre.example"))
    [letter] = unjudged.load([queue.claim_due(now, 1, LEASE)])
    assert letter.context.own_domains == {"boutique.example", "boutique-suisse.example"}
    assert {one.rpartition("@")[2] for one in letter.context.recipients} == {
        "example.org",
        "autre.example",
    }
    assert letter.to.number == 3


def test_what_is_wanted_goes_and_what_is_like_it_goes_once_its_rules_have_fallen(
    account: HostingAccount, mx: Remote, now: datetime
) -> None:
    scores = []
    for _ in range(3):
        submit(account, now, SPAM)
        deliver(now)
        message = Message.objects.order_by("pk").reverse()[0]
        scores.append(message.spam_score or 0.0)
        queue.mark_wanted(account.pk, [message.pk], now, actor="admin", as_administrator=True)
        deliver(now)
    assert scores == pytest.approx([scores[0], scores[0] / 2, scores[0] / 4], abs=0.05)
    assert scores[1] >= THRESHOLD > scores[2], "the third was never held"
    assert rows() == [("sent", "")] * 3
    assert len(mx.messages) == 3
    weights = [{one["weight"] for one in row.findings} for row in Judgement.objects.order_by("pk")]
    assert weights == [{1.0}, {0.5}, {0.25}][: len(weights)]


def test_what_is_only_let_go_goes_and_the_next_like_it_is_held(
    account: HostingAccount, mx: Remote, now: datetime
) -> None:
    submit(account, now, SPAM)
    deliver(now)
    [pk] = Recipient.objects.values_list("pk", flat=True)
    assert queue.release_chosen(account.pk, [pk], now, as_administrator=True) == 1
    submit(account, now, SPAM)
    deliver(now)
    assert rows() == [("sent", ""), ("held", "spam")]
