"""The listener for what comes back takes mail to our return paths, and nothing else."""

import asyncio
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvloop
from django.db import connection, connections

from mailqueue import return_path, returns
from mailqueue.models import Returned
from mailqueue.return_tokens import Purpose, Token
from mailqueue.returns import Arrival
from relay import inbound, network, throttle
from relay.database import in_database
from relay.inbound import LARGEST, MOST_RECIPIENTS, MOST_WRONG, Inbox
from relay.intake import Intake
from relay.network import Listener, Terms
from tests.support.loop import run
from tests.support.reports import report
from tests.support.submitting import HOST, certificate

pytestmark = pytest.mark.django_db(transaction=True)


class Desk:
    """The listener inside the test process."""

    def __init__(self, tls: ssl.SSLContext | None = None, idle_s: float = 20.0) -> None:
        self._terms = Terms(tls, idle_s)
        self.port = 0

    def __enter__(self) -> "Desk":
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve()))
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    def client(self) -> smtplib.SMTP:
        """A server that brings something."""
        client = smtplib.SMTP(HOST, self.port, timeout=20)
        client.ehlo("mx.example.net")
        return client

    def bring(self, address: str, content: bytes, sender: str = "") -> tuple[int, bytes]:
        """The answer after the final dot, or at RCPT."""
        with self.client() as client:
            client.mail(sender)
            code, words = client.rcpt(address)
            return (code, words) if code != 250 else client.data(content)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        intake, inbox = Intake(_now), Inbox(_now)
        try:
            with network.bound([Listener(HOST, 0)]) as bound:
                self.port = bound[0].wires[0].getsockname()[1]
                async with inbound.serve(bound, self._terms, intake, inbox):
                    self._ready.set()
                    await self._stopping.wait()
            await intake.finish()
        finally:
            await in_database(connections.close_all)


def _now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(autouse=True)
def _bounce_domain(settings: Any) -> None:
    settings.BOUNCE_DOMAIN = "back.example"


@pytest.fixture
def desk(_bounce_domain: None) -> Iterator[Desk]:
    with Desk() as new:
        yield new


def test_it_keeps_what_comes_to_a_return_path_of_ours(desk: Desk) -> None:
    address = return_path.of_recipient(7, _now())
    assert desk.bring(address.upper(), report("ana@example.org"))[0] == 250
    row = Returned.objects.get()
    assert (row.purpose, row.number, row.sender, row.source) == ("b", 7, "", "127.0.0.1")
    assert returns.content_of(row) == report("ana@example.org")
    assert row.handled_at is None


def test_it_takes_nothing_else(desk: Desk, settings: Any) -> None:
    now = _now()
    ours = return_path.of_recipient(7, now)
    old = return_path.of_recipient(7, now - timedelta(days=30))
    other = "a" if ours[10] != "a" else "b"
    forged = ours[:10] + other + ours[11:]
    for address in (
        old,
        forged,
        ours.replace("@", "@x."),
        ours.partition("@")[0],
        "postmaster@back.example",
        "abuse@back.example",
        "b+@back.example",
        "someone@example.org",
        '"a b"@back.example',
    ):
        assert desk.bring(address, b"x\r\n")[0] == 550, address
    assert not Returned.objects.exists()


def test_who_guesses_is_hung_up_on(desk: Desk) -> None:
    with desk.client() as client:
        client.mail("")
        for _ in range(MOST_WRONG - 1):
            assert client.rcpt("b+guess@back.example")[0] == 550
        assert client.rcpt("b+guess@back.example")[0] == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()


def test_it_takes_no_more_recipients_than_that(desk: Desk) -> None:
    with desk.client() as client:
        client.mail("")
        codes = [
            client.rcpt(return_path.of_recipient(number, _now()))[0]
            for number in range(MOST_RECIPIENTS + 1)
        ]
        assert codes == [250] * MOST_RECIPIENTS + [452]
        assert client.data(report("ana@example.org"))[0] == 250
    assert Returned.objects.count() == MOST_RECIPIENTS


def test_what_is_too_large_is_refused(desk: Desk) -> None:
    address = return_path.of_recipient(7, _now())
    with desk.client() as client:
        assert client.mail("", [f"SIZE={LARGEST + 1}"])[0] == 552
    line = b"x" * 900 + b"\r\n"
    assert desk.bring(address, line * (LARGEST // 902 + 10))[0] == 552
    assert desk.bring(address, line * (LARGEST // 902 - 10))[0] == 250
    assert Returned.objects.get().size_bytes > 10_485_760


def test_replaying_one_return_path_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(returns, "MOST_OF_ONE", 2)
    address = return_path.of_recipient(7, _now())
    assert [desk.bring(address, b"x\r\n")[0] for _ in range(3)] == [250, 250, 552]


def test_a_source_that_brings_too_much_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound, "MOST_A_MINUTE", 2)
    codes = [desk.bring(return_path.of_recipient(n, _now()), b"x\r\n")[0] for n in range(3)]
    assert codes == [250, 250, 451]


@contextmanager
def _table_away() -> Iterator[None]:
    table = Returned._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


def test_what_cannot_be_kept_is_not_taken(desk: Desk) -> None:
    address = return_path.of_recipient(7, _now())
    with _table_away():
        assert desk.bring(address, b"x\r\n")[0] == 451
    assert desk.bring(address, b"x\r\n")[0] == 250
    assert Returned.objects.count() == 1


def test_many_at_once_are_all_kept(desk: Desk) -> None:
    codes: list[int] = []

    def bring(first: int) -> None:
        with desk.client() as client:
            for number in range(first, first + 25):
                client.mail("")
                client.rcpt(return_path.of_recipient(number, _now()))
                codes.append(client.data(report("ana@example.org"))[0])

    threads = [threading.Thread(target=bring, args=[100 * place]) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert codes == [250] * 200
    assert Returned.objects.count() == 200


def test_it_begins_with_tls_where_there_is_a_certificate(tmp_path: Path) -> None:
    files = certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=str(files[0]))
    with Desk(network.context(str(files[0]), str(files[1]))) as desk, desk.client() as client:
        assert client.has_extn("starttls")
        client.starttls(context=trusting)
        client.ehlo("mx.example.net")
        assert not client.has_extn("auth")
        client.mail("")
        assert client.rcpt(return_path.of_recipient(7, _now()))[0] == 250
        assert client.data(b"x\r\n")[0] == 250


def test_who_names_no_address_of_ours_is_cut_off() -> None:
    with Desk(idle_s=0.3) as desk, socket.create_connection((HOST, desk.port), 10) as wire:
        wire.recv(999)
        wire.sendall(b"EHLO x\r\nMAIL FROM:<>\r\n")
        while wire.recv(999):
            pass


def test_strangers_take_no_place_of_who_named_an_address_of_ours(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MOST_CONNECTIONS", 2)
    with desk.client() as known, socket.create_connection((HOST, desk.port), 10) as first:
        first.recv(999)
        known.mail("")
        assert known.rcpt(return_path.of_recipient(7, _now()))[0] == 250
        with socket.create_connection((HOST, desk.port), 10) as second:
            assert first.recv(999) == b""
            assert second.recv(999).startswith(b"220")
            assert known.data(b"x\r\n")[0] == 250


def test_a_full_disk_takes_nothing_before_it_is_full(desk: Desk, settings: Any) -> None:
    address = return_path.of_recipient(7, _now())
    settings.MIN_FREE_DISK = 2**62
    assert desk.bring(address, b"x\r\n")[0] == 452
    settings.MIN_FREE_DISK = 0
    assert desk.bring(address, b"x\r\n")[0] == 250


def test_what_nobody_waits_for_any_more_does_not_fill_the_memory() -> None:
    def arrival(number: int) -> Arrival:
        return Arrival(Token(Purpose.RETURN, number, _now()), "", HOST, b"x\r\n", 3)

    async def work() -> str:
        inbox = Inbox(_now)
        first = asyncio.create_task(inbox.keep([arrival(1)]))
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # its commit has begun
        others = [asyncio.create_task(inbox.keep([arrival(2)])) for _ in range(5)]
        await asyncio.sleep(0)
        for call in others:
            call.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        answer = await first
        await inbox.finish()
        return answer

    assert run(work()) == inbound.KEPT
    assert Returned.objects.get().number == 1
