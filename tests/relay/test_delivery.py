import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection

from mailqueue import accounts, ledger, queue, return_path, service
from mailqueue.models import HostingAccount, Message, Recipient
from mailqueue.queue import Submission
from mailqueue.return_tokens import Purpose, Token
from relay import crossroads, dialing
from relay.client import Timeouts
from relay.database import in_database
from relay.delivery import deliver_due
from relay.routes import Hop, Route
from tests.support.loop import run
from tests.support.remote import Remote, Script, remote

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = Timeouts(*([0.5] * 8))


@pytest.fixture
def account(now: datetime) -> HostingAccount:
    return accounts.create("boutique.example", now)


@pytest.fixture(autouse=True)
def _ledger_balances() -> Any:
    yield
    assert all(line.is_balanced for line in ledger.check())


@pytest.fixture
def aim(settings: Any) -> Callable[[Remote], None]:
    """Sets the smarthost to a remote MX."""

    def at(server: Remote) -> None:
        settings.ROUTE, settings.SMARTHOST = "smarthost", server.address

    return at


def submit(account: HostingAccount, now: datetime, *recipients: str, number: int = 1) -> None:
    content = b"Subject: hello\r\n\r\n.\r\nbody \xe9\r\n"
    queue.accept(
        [
            Submission(
                account_id=account.pk,
                sender="site@boutique.example",
                recipients=recipients or (f"client{index}@example.org",),
                content=content,
                size_bytes=len(content),
                subject="hello",
                origin=Message.Origin.SOCKET,
            )
            for index in range(number)
        ],
        now,
    )


def deliver(now: datetime, **options: Any) -> bool:
    options.setdefault("timeouts", QUICK)
    return run(deliver_due(lambda: now, **options))


def rows() -> list[tuple[str, str]]:
    return list(Recipient.objects.order_by("pk").values_list("status", "reply_status"))


def test_it_delivers_what_is_due(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    submit(account, now, number=30)
    submit(account, now + timedelta(minutes=1))
    with remote() as server:
        aim(server)
        assert deliver(now) is False
    assert rows() == [("sent", "2.0.0")] * 30 + [("waiting", "")]
    assert len(server.messages) == 30
    assert {message.content for message in server.messages} == {
        b"Subject: hello\r\n\r\n.\r\nbody \xe9\r\n"
    }
    assert 1 <= server.most_open <= 20
    assert server.connections == server.most_open, "connections are reused"


def test_with_a_bounce_domain_each_recipient_is_sent_its_own_return_path(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None], settings: Any
) -> None:
    settings.BOUNCE_DOMAIN = "back.example"
    submit(account, now, "a@example.org", "b@example.org")
    with remote() as server:
        aim(server)
        deliver(now)
    tokens = {
        address: return_path.whose(message.sender, now)
        for message in server.messages
        for address in message.recipients
    }
    assert tokens == {
        row.address: Token(Purpose.RETURN, row.pk, now) for row in Recipient.objects.all()
    }
    assert Message.objects.get().sender == "site@boutique.example", "the author's stays"


def test_it_sends_a_message_once_for_all_recipients_of_a_route(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    submit(account, now, "a@example.org", "gone@example.org", "late@example.net")
    script = Script(
        recipients={
            "gone@example.org": "550 5.1.1 unknown",
            "late@example.net": "451 4.7.1 greylisted",
        }
    )
    with remote(script) as server:
        aim(server)
        deliver(now)
    assert rows() == [("sent", "2.0.0"), ("failed", "5.1.1"), ("waiting", "4.7.1")]
    assert len(server.messages) == 1
    late = Recipient.objects.get(address="late@example.net")
    assert late.tries == 1
    assert late.next_attempt_at is not None
    assert late.next_attempt_at >= now + timedelta(minutes=5)


def test_it_splits_a_message_for_many(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    submit(account, now, *(f"client{index}@example.org" for index in range(120)))
    with remote() as server:
        aim(server)
        deliver(now)
    assert sorted(len(message.recipients) for message in server.messages) == [20, 50, 50]
    assert rows() == [("sent", "2.0.0")] * 120


def test_it_commits_each_outcome_before_the_next_message(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    seen: list[int] = []

    class Watching(Remote):
        async def _answer(self, writer: asyncio.StreamWriter, step: str, usual: str) -> bool:
            if step == "MAIL":
                seen.append(await asyncio.to_thread(sent_rows))
            return await super()._answer(writer, step, usual)

    def sent_rows() -> int:
        try:
            return Recipient.objects.filter(status="sent").count()
        finally:
            connection.close()

    submit(account, now, number=8)
    with remote(kind=Watching) as server:
        aim(server)
        deliver(now, connections=1)
    assert seen == list(range(8))


def test_it_holds_the_rest_when_the_account_is_blocked_meanwhile(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    submit(account, now, number=3)

    class Blocking(Remote):
        async def _answer(self, writer: asyncio.StreamWriter, step: str, usual: str) -> bool:
            if step == "dot" and not self.messages:
                await asyncio.to_thread(block)
            return await super()._answer(writer, step, usual)

    def block() -> None:
        try:
            service.block(account.pk, "admin", now)
        finally:
            connection.close()

    with remote(kind=Blocking) as server:
        aim(server)
        deliver(now, connections=1)
        assert len(server.messages) == 1
        assert rows() == [("sent", "2.0.0"), ("held", ""), ("held", "")]
        service.unblock(account.pk, "admin", now)
        deliver(now)
    assert len(server.messages) == 3


def test_it_defers_everything_at_once_when_the_server_is_away(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    with remote() as server:
        aim(server)
    submit(account, now, number=300)
    began = time.monotonic()
    assert deliver(now) is False
    assert time.monotonic() - began < 10
    assert rows() == [("waiting", "4.4.1")] * 300
    reply = Recipient.objects.values_list("reply", flat=True)[0]
    assert "onnect" in reply
    assert "refused" in reply


@pytest.mark.parametrize("step", ["greeting", "EHLO", "MAIL", "DATA", "dot"])
def test_a_silent_server_costs_one_time_out(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None], step: str
) -> None:
    submit(account, now, number=100)
    began = time.monotonic()
    with remote(Script(stalls={step})) as server:
        aim(server)
        deliver(now)
    assert time.monotonic() - began < 4
    assert rows() == [("waiting", "4.4.2")] * 100


def test_it_waits_for_a_server_that_restarts(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    submit(account, now)
    with remote(Script(replies={"greeting": "421 4.3.2 starting"})) as server:
        aim(server)

        async def work() -> bool:
            task = asyncio.create_task(deliver_due(lambda: now, timeouts=QUICK))
            await asyncio.sleep(0.4)
            server.script.replies = {}
            return await task

        run(work())
    assert rows() == [("sent", "2.0.0")]


def test_it_uses_as_many_connections_as_the_server_takes(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    submit(account, now, number=60)

    class Narrow(Remote):
        async def _answer(self, writer: asyncio.StreamWriter, step: str, usual: str) -> bool:
            if step == "greeting" and self.open_now > 3:
                usual = "421 4.7.0 too many connections"
            return await super()._answer(writer, step, usual)

    with remote(Script(latency_s=0.002), Narrow) as server:
        aim(server)
        deliver(now)
    assert rows() == [("sent", "2.0.0")] * 60


def test_it_goes_on_when_a_server_closes_after_some_messages(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    submit(account, now, number=40)
    with remote(Script(closes_after=3)) as server:
        aim(server)
        deliver(now, connections=2)
    assert rows() == [("sent", "2.0.0")] * 40
    assert len(server.messages) == 40, "none was sent twice"


def test_it_changes_connections_after_a_hundred_messages(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    submit(account, now, number=101)
    with remote() as server:
        aim(server)
        deliver(now, connections=1)
    assert len(server.messages) == 101
    assert server.connections == 2


def test_a_slow_message_does_not_keep_the_others(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    submit(account, now, number=20)

    class Slow(Remote):
        async def _answer(self, writer: asyncio.StreamWriter, step: str, usual: str) -> bool:
            if step == "dot" and not self.stalled.is_set():
                self.stalled.set()
                await asyncio.sleep(2)
            return await super()._answer(writer, step, usual)

    with remote(kind=Slow) as server:
        aim(server)

        async def work() -> int:
            task = asyncio.create_task(deliver_due(lambda: now, connections=2))
            await asyncio.sleep(1.5)
            done = len(server.messages)
            await task
            return done

        assert run(work()) == 19
    assert rows() == [("sent", "2.0.0")] * 20


def test_it_says_that_more_is_due_when_its_time_is_over(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    submit(account, now, number=700)
    with remote() as server:
        aim(server)
        later = now + timedelta(minutes=1)
        assert run(deliver_due(lambda: later if server.messages else now)) is True
        assert 0 < len(server.messages) < 700
        assert run(deliver_due(lambda: now + timedelta(minutes=1))) is False
    assert rows() == [("sent", "2.0.0")] * 700


@pytest.mark.parametrize("step", ["greeting", "MAIL", "DATA", "content"])
def test_a_shutdown_gives_back_what_was_not_sent(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None], step: str
) -> None:
    submit(account, now, number=100)
    with remote(Script(stalls={step})) as server:
        aim(server)
        began = time.monotonic()
        deliver(now, should_stop=server.stalled.is_set, timeouts=Timeouts())
        assert time.monotonic() - began < (6 if step == "content" else 2)
    if step == "content":
        # The final dot of a small message is out with it.
        assert set(rows()) == {("waiting", ""), ("waiting", "4.4.2")}
    else:
        assert rows() == [("waiting", "")] * 100
    assert set(Recipient.objects.values_list("lease_until", flat=True)) == {None}


def test_a_shutdown_waits_for_an_answer_to_the_final_dot(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    submit(account, now, number=100)

    class Slow(Remote):
        async def _answer(self, writer: asyncio.StreamWriter, step: str, usual: str) -> bool:
            if step == "dot":
                self.stalled.set()
                await asyncio.sleep(1)
            return await super()._answer(writer, step, usual)

    with remote(kind=Slow) as server:
        aim(server)
        deliver(now, should_stop=server.stalled.is_set, timeouts=Timeouts())
    sent = [row for row in rows() if row == ("sent", "2.0.0")]
    assert 1 <= len(sent) == len(server.messages) <= 20
    assert rows().count(("waiting", "")) == 100 - len(sent)


def test_it_renews_its_lease(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None], settings: Any
) -> None:
    settings.LEASE_S = 1
    submit(account, now, number=2)
    start = time.monotonic()

    def clock() -> datetime:
        return now + timedelta(seconds=time.monotonic() - start)

    with remote(Script(stalls={"dot"})) as server:
        aim(server)

        async def work() -> int:
            task = asyncio.create_task(
                deliver_due(clock, timeouts=Timeouts(*([3.0] * 8)), connections=1)
            )
            await asyncio.sleep(2.5)
            taken = await in_database(queue.recover_leases, clock())
            await task
            return taken

        assert run(work()) == 0
    assert rows() == [("waiting", "4.4.2")] * 2


def test_it_waits_for_a_database_that_restarts(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    """The connection of the worker's thread is cut under it, several times."""
    submit(account, now, number=200)
    with remote(Script(latency_s=0.005)) as server:
        aim(server)

        async def work() -> bool:
            task = asyncio.create_task(deliver_due(lambda: now))
            for _ in range(3):
                await asyncio.sleep(0.05)
                with suppress(DatabaseError):
                    await in_database(_cut)
            return await task

        assert run(work()) is False
    assert rows() == [("sent", "2.0.0")] * 200
    assert len(server.messages) == 200


def _cut() -> None:
    """End the connection as a restart of PostgreSQL does; SQLite has nothing that restarts."""
    if connection.vendor == "postgresql":
        with suppress(OperationalError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


def test_it_fails_a_message_whose_content_is_lost(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    submit(account, now, number=2)
    Message.objects.order_by("pk")[0].body.delete()
    with remote() as server:
        aim(server)
        deliver(now)
    assert rows() == [("failed", "5.3.0"), ("sent", "2.0.0")]


@pytest.mark.parametrize(
    "replies",
    [
        {"greeting": "554 5.7.1 your address is not welcome"},
        {"greeting": "421 4.7.0 too many connections from your address"},
        {"AUTH": "535 5.7.8 wrong name or password"},
    ],
)
def test_a_refusal_that_will_not_pass_is_not_asked_for_again(
    account: HostingAccount, now: datetime, settings: Any, replies: dict[str, str | bytes]
) -> None:
    """Each wrong password counts, and who wants fewer connections is not given four."""
    submit(account, now)
    with remote(Script(replies=replies, mechanisms="PLAIN")) as server:
        settings.ROUTE, settings.SMARTHOST = "smarthost", server.address
        settings.SMARTHOST_USER, settings.SMARTHOST_PASSWORD = "relay", "wrong"
        deliver(now)
    assert server.connections == 1
    assert [status for status, _ in rows()] == ["waiting"]


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "dot"])
@pytest.mark.parametrize("is_better", [True, False])
def test_it_goes_on_to_another_server_when_one_is_out_of_order(
    account: HostingAccount,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    is_better: bool,
) -> None:
    submit(account, now, number=3)
    full = Script(replies={step: "452 4.3.1 Insufficient system storage"})
    dialing._shunned.clear()
    with (
        remote(full, host="127.0.0.2") as first,
        remote(Script() if is_better else full, host="127.0.0.3", port=first.port) as second,
    ):
        hops = [
            Hop(f"mx{rank}", first.port, (host,), rank)
            for rank, host in enumerate(("127.0.0.2", "127.0.0.3"))
        ]
        route = Route("mx0", tuple(hops))

        async def known(_: str) -> Route:
            return route

        monkeypatch.setattr(crossroads, "route_for", known)
        deliver(now, connections=1)
        taken = [[mail for mail in server.messages if mail.sender] for server in (first, second)]
        assert list(map(len, taken)) == [0, 3 if is_better else 0]
    dialing._shunned.clear()
    assert rows() == [("sent", "2.0.0") if is_better else ("waiting", "4.3.1")] * 3
    assert set(Recipient.objects.values_list("tries", flat=True)) == {1}
