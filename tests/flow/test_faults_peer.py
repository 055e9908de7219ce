"""What the other server may do to us, at each step: drop, stall, and answer with anything.

A worker's run with short time-outs, on rows of the database; each row of the table is a server and
a domain of its own, and they all misbehave at once. Nothing is lost, all of it arrives once a
server has come to its senses, what arrives twice had been past its final dot, and the ledger
balances. Which words and statuses come of it is for tests/relay/test_client.py.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest

from mailqueue import accounts, ledger, queue
from mailqueue.models import HostingAccount, Message, Recipient
from mailqueue.queue import Submission
from panel.route_settings import read_routes
from relay.client import Timeouts
from relay.delivery import deliver_due
from tests.support.gate import arrivals, unexplained
from tests.support.loop import run
from tests.support.remote import Remote, Script, remote

pytestmark = pytest.mark.django_db(transaction=True)

QUICK = Timeouts(*([0.5] * 9))
STEPS = ("greeting", "EHLO", "MAIL", "RCPT", "DATA", "dot")
MAILS = 3
ANYTHING = {
    "nonsense": b"Bonjour, que puis-je pour vous ?\r\n",
    "binary": bytes(range(256)) * 4 + b"\r\n",
    "an endless line": b"2" * 200_000,
    "an endless reply": b"250-and so on\r\n" * 20_000,
    "an unfinished reply": b"250-and",
    "too many replies": b"250 2.0.0 fine\r\n" * 50,
}
# Somebody between takes the TLS away that is demanded.
STRIPPED = {
    "STARTTLS is not offered": Script(()),
    "STARTTLS is refused": Script(("STARTTLS",), replies={"STARTTLS": "454 4.7.0 not now"}),
    # Words in the clear that would be taken for a reply under TLS (CVE-2011-0411).
    "STARTTLS with an injection": Script(
        ("STARTTLS",), replies={"STARTTLS": "220 go\r\n250 injected"}
    ),
    "STARTTLS without a handshake": Script(("STARTTLS",), replies={"STARTTLS": "220 go"}),
}


def table() -> Iterator[tuple[str, Script]]:
    """What a server does, in words and as it is told."""
    for step in (*STEPS, "content"):
        yield f"{step}: drops", Script(drops={step})
        yield f"{step}: stalls", Script(stalls={step})
    for step in STEPS:
        for words, reply in ANYTHING.items():
            yield f"{step}: {words}", Script(replies={step: reply})
    yield from STRIPPED.items()


@pytest.fixture
def account(now: datetime) -> HostingAccount:
    return accounts.create("boutique.example", now)


@pytest.fixture
def aim(settings: Any) -> Callable[[Remote], None]:
    def at(server: Remote) -> None:
        settings.ROUTE, settings.SMARTHOST = "smarthost", server.address

    return at


def submit(
    account: HostingAccount,
    now: datetime,
    *recipients: str,
    mails: int = MAILS,
    domain: str = "example.org",
) -> None:
    queue.accept(
        [
            Submission(
                account_id=account.pk,
                sender="site@boutique.example",
                recipients=recipients or (f"client{number}@{domain}",),
                content=b"Subject: hello\r\n\r\nbody\r\n",
                size_bytes=24,
                subject="hello",
                origin=Message.Origin.SOCKET,
            )
            for number in range(mails)
        ],
        now,
    )


def deliver(now: datetime, connections: int = 10) -> None:
    assert run(deliver_due(lambda: now, timeouts=QUICK, connections=connections)) is False


def statuses(domain: str = "example.org") -> list[str]:
    rows = Recipient.objects.filter(domain=domain).order_by("pk")
    return list(rows.values_list("status", flat=True))


def test_whatever_a_server_does_nothing_is_lost(
    account: HostingAccount, now: datetime, settings: Any
) -> None:
    with ExitStack() as stack:
        rows = {
            f"d{number}.example": (what, stack.enter_context(remote(script)))
            for number, (what, script) in enumerate(table())
        }
        settings.ROUTES = routes(rows, "required")
        for domain in rows:
            submit(account, now, domain=domain)
        deliver(now, connections=4 * len(rows))

        for domain, (what, server) in rows.items():
            if what.endswith("too many replies") and set(statuses(domain)) == {"sent"}:
                # The first of them was what it should be.
                assert set(arrivals(server, "client").values()) == {1}, what
                continue
            assert statuses(domain) == ["waiting"] * MAILS, what
            if what in STRIPPED:
                assert not any(word.startswith("MAIL") for word in server.commands), what
        assert all(line.is_balanced for line in ledger.check())

        # They come to their senses, and no more TLS is demanded.
        settings.ROUTES = routes(rows, "opportunistic")
        for _, server in rows.values():
            server.script = Script()
        deliver(now + timedelta(hours=1), connections=4 * len(rows))

        for domain, (what, server) in rows.items():
            assert statuses(domain) == ["sent"] * MAILS, what
            arrived = arrivals(server, "client")
            assert len(arrived) == MAILS, what
            assert unexplained(server, "client") == [], what
            assert set(arrived.values()) <= ({1, 2} if what.startswith("dot:") else {1}), what
        assert all(line.is_balanced for line in ledger.check())


def routes(rows: dict[str, tuple[str, Remote]], level: str) -> Any:
    """FACTEUR_ROUTES; TLS is demanded where somebody takes it away."""
    return read_routes(
        ";".join(
            f"{domain} smtp://127.0.0.1:{server.port}?tls={level if what in STRIPPED else 'none'}"
            for domain, (what, server) in rows.items()
        )
    )


def test_it_takes_some_recipients_defers_others_and_refuses_the_rest(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    submit(account, now, *(f"client{number}@example.org" for number in range(9)), mails=1)
    script = Script()
    for number in range(3):
        script.recipients[f"client{number}@example.org"] = "451 4.2.0 later"
        script.recipients[f"client{number + 3}@example.org"] = "550 5.1.1 unknown"
    with remote(script) as server:
        aim(server)
        deliver(now)
        assert statuses() == ["waiting"] * 3 + ["failed"] * 3 + ["sent"] * 3
        server.script = Script()
        deliver(now + timedelta(hours=1))
    assert statuses() == ["sent"] * 3 + ["failed"] * 3 + ["sent"] * 3
    arrived = arrivals(server, "client")
    assert sorted(arrived) == [f"client{number}@example.org" for number in (0, 1, 2, 6, 7, 8)]
    assert set(arrived.values()) == {1}
    (line,) = [line for line in ledger.check() if line.accepted]
    assert line.is_balanced


def test_the_clock_is_set_forward_under_a_worker(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    """Its leases are over at once: others take over, and its own late words change nothing."""
    submit(account, now)
    claimed = queue.claim_due(now, MAILS, timedelta(minutes=1))
    later = now + timedelta(hours=1)
    assert queue.recover_leases(later) == MAILS
    with remote() as server:
        aim(server)
        deliver(later)
    assert statuses() == ["sent"] * MAILS
    assert queue.cleared(claimed) == set(), "the first worker sends no more of it"
    assert queue.give_back(claimed, later) == 0
    assert set(arrivals(server, "client").values()) == {1}
    assert all(line.is_balanced for line in ledger.check())


def test_the_clock_is_set_back(
    account: HostingAccount, now: datetime, aim: Callable[[Remote], None]
) -> None:
    """What was due, and what a dead worker had, waits until the clock is there again."""
    submit(account, now)
    queue.claim_due(now, 1, timedelta(minutes=1))
    before = now - timedelta(hours=1)
    with remote() as server:
        aim(server)
        submit(account, before, "client9@example.org", mails=1)
        deliver(before)
        assert arrivals(server, "client") == {"client9@example.org": 1}
        assert all(line.is_balanced for line in ledger.check())
        later = now + timedelta(minutes=2)
        assert queue.recover_leases(later) == 1
        deliver(later)
    assert statuses() == ["sent"] * (MAILS + 1)
    assert set(arrivals(server, "client").values()) == {1}
    assert all(line.is_balanced for line in ledger.check())
