"""No destination and no account holds up another; who asks for less gets it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError

from mailqueue import accounts, destinations, ledger, pace, queue
from mailqueue.models import DestinationPace, HostingAccount, Message, Recipient
from mailqueue.outcomes import Outcome, Result
from mailqueue.queue import Submission
from panel.route_settings import read_routes
from relay import crossroads, delivery
from relay.client import Timeouts
from relay.database import in_database
from relay.delivery import deliver_due
from relay.mx import Route, route_for
from tests.support.loop import run
from tests.support.remote import Remote, Script, remote

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = Timeouts(*([0.5] * 8))
MINUTE = timedelta(minutes=1)
CONTENT = b"Subject: hello\r\n\r\nbody\r\n"


@pytest.fixture(autouse=True)
def _ledger_balances() -> Any:
    yield
    assert all(line.is_balanced for line in ledger.check())


@pytest.fixture
def account(now: datetime) -> HostingAccount:
    return accounts.create("boutique.example", now)


@pytest.fixture
def other(now: datetime) -> HostingAccount:
    return accounts.create("autre.example", now)


@pytest.fixture
def aim(settings: Any) -> Callable[..., None]:
    """Sends each domain to a remote MX of its own."""

    def at(**servers: Remote) -> None:
        lines = [
            f"{name}.example {server.address[0]}:{server.address[1]}"
            for name, server in servers.items()
        ]
        settings.ROUTES = read_routes("\n".join(lines))

    return at


def submit(account: HostingAccount, now: datetime, domain: str, number: int = 1) -> None:
    """So many messages of an account to a domain."""
    queue.accept(
        [
            Submission(
                account_id=account.pk,
                sender="site@boutique.example",
                recipients=(f"client{index}@{domain}.example",),
                content=CONTENT,
                size_bytes=len(CONTENT),
                subject="hello",
                origin=Message.Origin.SOCKET,
            )
            for index in range(number)
        ],
        now,
    )


def statuses(domain: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for status in Recipient.objects.filter(domain=f"{domain}.example").values_list(
        "status", flat=True
    ):
        found[status] = found.get(status, 0) + 1
    return found


async def until(look: Callable[[], bool], within_s: float = 10) -> float:
    """Wait for something; how long it took."""
    began = time.monotonic()
    while not look():
        assert time.monotonic() - began < within_s
        await asyncio.sleep(0.01)
    return time.monotonic() - began


async def told_by(look: Callable[[], bool], within_s: float = 5) -> None:
    """Wait for something that the database tells."""
    began = time.monotonic()
    while not await in_database(look):
        assert time.monotonic() - began < within_s
        await asyncio.sleep(0.01)


async def during(run_of_worker: Any, look: Callable[[], bool], within_s: float = 10) -> float:
    """How long a run took until something was so; the run is ended then."""
    is_over = False
    task = asyncio.create_task(run_of_worker(lambda: is_over))
    try:
        return await until(look, within_s)
    finally:
        is_over = True
        with suppress(asyncio.CancelledError):
            await task


def test_a_burst_to_a_server_that_takes_it_is_sent_by_one_run(
    account: HostingAccount, now: datetime, aim: Callable[..., None]
) -> None:
    """None of it is put off while the first connection is being opened."""
    submit(account, now, "busy", 1000)
    with remote(Script(latency_s=0.001)) as server:
        aim(busy=server)
        assert run(deliver_due(lambda: now)) is False
    assert statuses("busy") == {"sent": 1000}


def test_the_thousands_of_one_account_do_not_delay_the_single_mail_of_another(
    account: HostingAccount, other: HostingAccount, now: datetime, aim: Callable[..., None]
) -> None:
    submit(account, now, "slow", 5000)
    submit(other, now + timedelta(seconds=1), "slow")
    later = now + timedelta(seconds=2)
    with remote(Script(latency_s=0.02)) as server:
        aim(slow=server)

        def is_there() -> bool:
            return any(len(mail.recipients) and mail.sender == "autre" for mail in server.messages)

        Message.objects.filter(account=other).update(sender="autre")
        took = run(
            during(lambda stop: deliver_due(lambda: later, should_stop=stop), is_there, within_s=10)
        )
        assert took < 2
        assert len(server.messages) < 500, "it came before the others"


@pytest.mark.parametrize("step", ["greeting", "MAIL", "dot"])
def test_a_destination_that_hangs_holds_up_nobody(
    account: HostingAccount, now: datetime, aim: Callable[..., None], step: str
) -> None:
    submit(account, now, "dead", 600)
    submit(account, now + timedelta(seconds=1), "alive", 3)
    later = now + timedelta(seconds=2)
    patient = Timeouts(*([30.0] * 8))
    with remote(Script(stalls={step})) as dead, remote() as alive:
        aim(dead=dead, alive=alive)

        def all_there() -> bool:
            return len(alive.messages) == 3

        took = run(
            during(
                lambda stop: deliver_due(lambda: later, should_stop=stop, timeouts=patient),
                all_there,
            )
        )
    assert took < 5, "it did not wait for a time-out"
    assert statuses("alive") == {"sent": 3}


def test_many_destinations_that_hang_leave_the_others_their_place(
    account: HostingAccount, now: datetime, aim: Callable[..., None]
) -> None:
    names = [f"dead{index}" for index in range(10)]
    for name in names:
        submit(account, now, name, 3)
    submit(account, now + timedelta(seconds=1), "alive", 5)
    later = now + timedelta(seconds=2)
    with remote(Script(stalls={"MAIL"})) as dead, remote() as alive:
        aim(**dict.fromkeys(names, dead), alive=alive)

        def all_there() -> bool:
            return len(alive.messages) == 5

        run(
            during(
                lambda stop: deliver_due(
                    lambda: later, should_stop=stop, connections=4, timeouts=Timeouts()
                ),
                all_there,
            )
        )
    assert statuses("alive") == {"sent": 5}


def test_a_dead_destination_costs_one_time_out_and_the_next_run_none(
    account: HostingAccount, now: datetime, aim: Callable[..., None]
) -> None:
    with remote(Script(stalls={"greeting"})) as dead:
        aim(dead=dead)
        submit(account, now, "dead", 300)
        run(deliver_due(lambda: now, timeouts=QUICK))
        assert dead.connections == 1
        assert set(Recipient.objects.values_list("reply_status", flat=True)) == {"4.4.2"}
        submit(account, now, "dead", 20)
        began = time.monotonic()
        run(deliver_due(lambda: now + timedelta(seconds=5), timeouts=QUICK))
        assert dead.connections == 1, "it is left in peace"
        assert time.monotonic() - began < 0.5
    row = DestinationPace.objects.get()
    assert (row.share, row.wait_until) == (100, now + MINUTE)
    assert "greeting" in row.words
    untried = Recipient.objects.filter(tries=0)
    assert untried.count() == 20
    assert not untried.filter(next_attempt_at__lt=now + MINUTE).exists()
    with remote() as alive:
        aim(dead=alive)
        DestinationPace.objects.update(name=f"127.0.0.1:{alive.port}")
        run(deliver_due(lambda: now + timedelta(minutes=9), timeouts=QUICK))
        assert len(alive.messages) == 320
    assert not DestinationPace.objects.exists(), "it is forgotten"


def test_who_asks_for_less_gets_half_after_a_rest(
    account: HostingAccount, now: datetime, aim: Callable[..., None]
) -> None:
    submit(account, now, "slow", 24)
    busy = "421 4.7.28 Our system has detected an unusual rate of mail"
    with remote(Script(replies={"dot": busy})) as server:
        aim(slow=server)
        run(deliver_due(lambda: now))
        assert not server.messages
        tried = Recipient.objects.filter(tries=1).count()
        # Those that were on their way, and no more.
        assert 1 <= tried <= 20
        row = DestinationPace.objects.get()
        assert (row.share, row.words) == (50, busy)
        # The others were no try, and wait for the end of the rest.
        others = Recipient.objects.filter(tries=0)
        assert others.count() == 24 - tried
        assert not others.filter(next_attempt_at__lt=now + MINUTE).exists()
        server.script.replies = {}
        run(deliver_due(lambda: now + timedelta(minutes=7)))
        assert len(server.messages) == 24
        assert server.most_open <= 20
    known = destinations.paces(now)[f"127.0.0.1:{server.port}"]
    assert known.share == 55, "a step for twenty messages"


def test_a_rate_is_kept_and_what_is_too_much_is_put_off(
    account: HostingAccount, now: datetime, aim: Callable[..., None], settings: Any
) -> None:
    settings.PACE = [("127.0.0.1", 2, 100, 600)]
    submit(account, now, "slow", 300)
    with remote() as server:
        aim(slow=server)
        began = datetime.now(UTC)

        def clock() -> datetime:
            return now + (datetime.now(UTC) - began)

        run(deliver_due(clock, run_for=timedelta(seconds=2)))
        # Ten a second, and a burst of two seconds.
        assert 20 <= len(server.messages) <= 52
        assert server.most_open <= 2
    assert Recipient.objects.filter(status="waiting", tries=0).count() == 300 - len(server.messages)
    assert Recipient.objects.filter(next_attempt_at__gt=now + timedelta(seconds=2)).exists()
    assert not Recipient.objects.filter(next_attempt_at__gt=now + timedelta(minutes=11)).exists()


def test_a_slow_answer_about_one_domain_holds_up_no_other(
    account: HostingAccount,
    now: datetime,
    aim: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    submit(account, now, "riddle", 700)
    submit(account, now, "alive", 5)
    asked: list[str] = []

    async def slowly(domain: str) -> Any:
        asked.append(domain)
        if domain == "riddle.example":
            await asyncio.sleep(3600)
        return await route_for(domain)

    monkeypatch.setattr(crossroads, "route_for", slowly)
    with remote() as alive:
        aim(alive=alive)
        run(
            during(
                lambda stop: deliver_due(lambda: now, should_stop=stop),
                lambda: len(alive.messages) == 5,
            )
        )
    assert sorted(asked) == ["alive.example", "riddle.example"], "each is asked for once"
    assert statuses("riddle") == {"waiting": 700}
    assert not Recipient.objects.filter(status="sending").exists()


def test_a_thousand_questions_of_one_account_do_not_delay_that_of_another(
    account: HostingAccount,
    other: HostingAccount,
    now: datetime,
    aim: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crossroads, "QUESTIONS", 5)
    names = [f"riddle{index}" for index in range(150)]
    for name in names:
        submit(account, now, name)
    # The first asks for this one, too, behind all its others.
    submit(account, now + timedelta(seconds=1), "alive")
    submit(other, now + timedelta(seconds=1), "alive")
    later = now + timedelta(seconds=2)
    unknown = Outcome(Result.DEFERRED, "no answer", "4.4.3")

    async def slowly(domain: str) -> Route | Outcome:
        if domain == "alive.example":
            return await route_for(domain)
        await asyncio.sleep(0.3)
        return unknown

    monkeypatch.setattr(crossroads, "route_for", slowly)
    with remote() as alive:
        aim(alive=alive)
        took = run(
            during(
                lambda stop: deliver_due(lambda: later, should_stop=stop),
                lambda: len(alive.messages) == 2,
            )
        )
    assert took < 3, "behind all others it takes nine seconds"
    assert not Recipient.objects.filter(status="sending").exists()


def test_a_fault_on_the_way_to_a_route_defers(
    account: HostingAccount, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(domain: str) -> Route:
        raise RuntimeError(domain)

    monkeypatch.setattr(crossroads, "route_for", broken)
    submit(account, now, "riddle", 2)
    run(deliver_due(lambda: now))
    rows = Recipient.objects.values_list("status", "reply_status", "tries")
    assert set(rows) == {("waiting", "4.4.3", 1)}


def test_what_finds_no_time_before_its_deadline_fails(
    account: HostingAccount, now: datetime, aim: Callable[..., None]
) -> None:
    with remote() as server:
        aim(slow=server)
        late = now + timedelta(hours=80)
        known = pace.slower(pace.Pace(), late, "421 slow down")
        destinations.keep({f"127.0.0.1:{server.port}": (pace.Pace(), known)}, {})
        submit(account, now, "slow")
        run(deliver_due(lambda: late))
    row = Recipient.objects.get()
    assert (row.status, row.reply_status) == ("failed", "5.4.7")


def test_a_slow_message_holds_up_no_destination_with_a_rate(
    account: HostingAccount,
    now: datetime,
    aim: Callable[..., None],
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While it keeps the run alive no other run may begin on this machine."""
    monkeypatch.setattr(delivery, "SLOW_S", 0.3)
    settings.PACE = [("127.0.0.1", 2, 100, 6000)]
    submit(account, now, "tarpit")
    began = datetime.now(UTC)

    def clock() -> datetime:
        return now + (datetime.now(UTC) - began)

    with remote(Script(stalls={"MAIL"})) as tarpit, remote() as alive:
        aim(tarpit=tarpit, alive=alive)

        async def work(stop: Callable[[], bool]) -> bool:
            task = asyncio.create_task(
                deliver_due(clock, should_stop=stop, run_for=timedelta(seconds=0.5))
            )
            await asyncio.sleep(1)
            await in_database(submit, account, clock(), "alive", 3)
            return await task

        run(during(work, lambda: len(alive.messages) == 3))
    assert statuses("alive") == {"sent": 3}


def test_a_dead_destination_holds_one_slot_until_it_is_known_to_live(
    account: HostingAccount, now: datetime, aim: Callable[..., None]
) -> None:
    submit(account, now, "dead", 60)
    submit(account, now + timedelta(seconds=1), "alive", 60)
    later = now + timedelta(seconds=2)
    with remote(Script(stalls={"greeting"})) as dead, remote(Script(latency_s=0.01)) as alive:
        aim(dead=dead, alive=alive)
        run(
            during(
                lambda stop: deliver_due(
                    lambda: later, should_stop=stop, connections=6, timeouts=Timeouts()
                ),
                lambda: len(alive.messages) == 60,
            )
        )
        assert dead.connections == 1
        assert alive.most_open == 5, "all but the one that waits for the dead"


def test_what_dns_could_not_tell_is_asked_again_in_a_run_that_lasts(
    account: HostingAccount,
    now: datetime,
    aim: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(crossroads, "BELIEVED_S", 0.2)
    unknown = Outcome(Result.DEFERRED, "no answer", "4.4.3")
    answers: list[Route | Outcome] = [unknown, unknown]

    async def forgetful(domain: str) -> Route | Outcome:
        is_known = domain == "slow.example" or not answers
        return await route_for(domain) if is_known else answers.pop()

    monkeypatch.setattr(crossroads, "route_for", forgetful)
    began = datetime.now(UTC)

    def clock() -> datetime:
        # A minute passes in a tenth of a second: what is deferred comes again within the run.
        return now + 600 * (datetime.now(UTC) - began)

    submit(account, now, "alive")
    submit(account, now, "slow")
    with remote() as alive, remote(Script(stalls={"MAIL"})) as slow:
        aim(alive=alive, slow=slow)
        run(
            during(
                lambda stop: deliver_due(clock, should_stop=stop, run_for=timedelta(days=1)),
                lambda: len(alive.messages) == 1,
            )
        )
    assert statuses("alive") == {"sent": 1}


def test_a_server_that_is_back_is_used_in_a_run_that_lasts(
    account: HostingAccount, now: datetime, aim: Callable[..., None]
) -> None:
    began = datetime.now(UTC)

    def clock() -> datetime:
        return now + 600 * (datetime.now(UTC) - began)

    submit(account, now, "away", 3)
    submit(account, now, "slow")
    script = Script(replies={"greeting": "450 4.7.1 not now"})
    with remote(script) as server, remote(Script(stalls={"MAIL"})) as slow:
        aim(away=server, slow=slow)

        def is_tried() -> bool:
            return Recipient.objects.filter(domain="away.example", tries=1).count() == 3

        async def work(stop: Callable[[], bool]) -> bool:
            task = asyncio.create_task(
                deliver_due(clock, should_stop=stop, run_for=timedelta(days=1))
            )
            await told_by(is_tried)
            server.script.replies = {}
            return await task

        run(during(work, lambda: len(server.messages) == 3))
    assert statuses("away") == {"sent": 3}


def test_a_destination_that_was_put_off_in_vain_is_put_off_again(
    account: HostingAccount,
    now: datetime,
    aim: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The database is away for a moment: nothing waits for the end of a lease that is renewed."""
    failures = [OperationalError("away"), OperationalError("away")]
    put_off = queue.put_off

    def at_last(*args: Any) -> int:
        if failures:
            raise failures.pop()
        return put_off(*args)

    monkeypatch.setattr(queue, "put_off", at_last)
    with remote() as server, remote(Script(stalls={"MAIL"})) as slow:
        aim(resting=server, slow=slow)
        known = pace.slower(pace.Pace(), now, "421 slow down")
        destinations.keep({f"127.0.0.1:{server.port}": (pace.Pace(), known)}, {})
        submit(account, now, "resting", 3)
        submit(account, now, "slow")

        def is_put_off() -> bool:
            rows = Recipient.objects.filter(domain="resting.example", status="waiting")
            return rows.filter(next_attempt_at__gt=now).count() == 3

        async def work() -> None:
            is_over = False
            task = asyncio.create_task(deliver_due(lambda: now, should_stop=lambda: is_over))
            await told_by(is_put_off)
            is_over = True
            await task

        run(work())
