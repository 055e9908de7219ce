"""Hosts and lists are found out about over DNS and TLS on loopback, by nothing but a handshake."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from mailqueue import accounts, facts
from mailqueue.facts import Host, Question, Said, Seen, Trouble, Wanted
from mailqueue.models import LinkedHost
from relay import inquiries, tasks
from relay.inquiries import Ports
from relay.resolver import Resolver
from tests.support.certificates import authority, issued, server_context
from tests.support.house import free_port
from tests.support.loop import run
from tests.support.nameserver import Nameserver, nameserver

ZONE = "dnsbl.example"
# Called with a connection, as soon as there is one.
Answer = Callable[[socket.socket], None]


@pytest.fixture
def server(settings: Any) -> Iterator[Nameserver]:
    settings.ALLOW_NETWORKS = [ip_network("127.0.0.0/8")]
    settings.CHECK_LINKS = True
    with nameserver() as known:
        settings.RESOLVERS = [known.address]
        yield known


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """Of a server with a certificate that nobody trusts, of another name, whose time is over."""
    own = issued("another.example", by=authority("nobody"), lasts=timedelta(days=-1))
    return server_context(tmp_path, own)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Where connections were opened to."""
    found: list[Any] = []
    original = asyncio.open_connection

    async def note(*arguments: Any, **more: Any) -> Any:
        found.append(arguments)
        return await original(*arguments, **more)

    monkeypatch.setattr(asyncio, "open_connection", note)
    return found


class Listener:
    """A server that answers as it is told; it keeps all that was said to it."""

    def __init__(self, answer: Answer) -> None:
        self.heard: list[bytes] = []
        self.connections = 0
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(5)
            with connection:
                try:
                    self._answer(connection)
                except OSError:
                    continue

    def close(self) -> None:
        # A thread in accept() does not see that its socket was closed.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


@contextmanager
def listening(*answers: Answer) -> Iterator[list[Listener]]:
    with ExitStack() as stack:
        listeners = [Listener(answer) for answer in answers]
        for listener in listeners:
            stack.callback(listener.close)
        yield listeners


def shaking_hands(context: ssl.SSLContext, heard: list[bytes]) -> Answer:
    """TLS; what is said after the handshake is kept."""

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            heard.append(secured.recv(1000))

    return answer


def saying(words: bytes) -> Answer:
    """No TLS: these words, whatever comes."""

    def answer(connection: socket.socket) -> None:
        connection.recv(10_000)
        if words:
            connection.sendall(words)
            connection.recv(10_000)

    return answer


def http(connection: socket.socket) -> None:
    """A server of the web, which notes what it is asked."""
    assert connection.recv(10_000) == b"", "it was asked for something"


def look(
    server: Nameserver, host: Host, ports: Ports = inquiries.USUAL, lifetime_s: float = 5
) -> Seen:
    resolver = Resolver([server.address], lifetime_s=lifetime_s)
    return asyncio.run(inquiries.look_at(host, resolver, ports))


def test_a_host_without_a_name_or_an_address_is_dead(server: Nameserver) -> None:
    server.add("mail-only.example", "MX", "10 mx.example.")
    server.add("lost.example", "CNAME", "gone.example.")
    for name in ("nobody.example", "mail-only.example", "lost.example"):
        assert look(server, Host(name, True)) == Seen(name, is_dead=True)


def test_a_host_with_an_address_lives(server: Nameserver) -> None:
    server.add("v4.example", "A", "127.0.0.1")
    server.add("v6.example", "AAAA", "2001:db8::1")
    server.add("alias.example", "CNAME", "v4.example.")
    # One kind is answered wrongly: the other tells.
    server.add("half.example", "A", "127.0.0.1")
    server.broken.add(("half.example", "AAAA"))
    for name in ("v4.example", "v6.example", "alias.example", "half.example"):
        assert look(server, Host(name, False)) == Seen(name)


def test_a_resolver_that_cannot_tell_says_nothing(server: Nameserver) -> None:
    server.broken |= {"servfail.example", ("half.example", "AAAA")}
    server.silent.add("silent.example")
    server.nonsense["nonsense.example"] = b"\0\1\2\3"
    for name in ("servfail.example", "half.example", "silent.example", "nonsense.example"):
        found = look(server, Host(name, True), lifetime_s=0.5)
        assert found == Seen(name, is_known=False), name


def test_any_tls_is_https_and_nothing_is_asked_for(server: Nameserver, tls: ssl.SSLContext) -> None:
    heard: list[bytes] = []
    server.add("a.example", "A", "127.0.0.1")
    with listening(shaking_hands(tls, heard), http) as (secure, plain):
        found = look(server, Host("a.example", True), Ports(secure.port, plain.port))
        assert found == Seen("a.example")
        assert (secure.connections, plain.connections) == (1, 0)
    assert heard in ([b""], [])


def test_no_port_for_https_beside_one_for_http_is_no_https(server: Nameserver) -> None:
    server.add("a.example", "A", "127.0.0.1")
    with listening(http) as (plain,):
        ports = Ports(free_port(), plain.port)
        assert look(server, Host("a.example", True), ports) == Seen("a.example", lacks_https=True)


def test_where_no_https_link_names_it_nobody_connects(
    server: Nameserver, connected: list[Any]
) -> None:
    server.add("a.example", "A", "127.0.0.1")
    with listening(http) as (plain,):
        ports = Ports(free_port(), plain.port)
        assert look(server, Host("a.example", False), ports) == Seen("a.example")
        assert connected == []
        look(server, Host("a.example", True), ports)
        assert connected == [("127.0.0.1", ports.https), ("127.0.0.1", ports.http)]


def test_where_neither_port_is_open_nothing_is_known_of_https(server: Nameserver) -> None:
    server.add("a.example", "A", "127.0.0.1")
    ports = Ports(free_port(), free_port())
    assert look(server, Host("a.example", True), ports) == Seen("a.example")


@pytest.mark.parametrize(
    ("words", "lacks"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", True),
        (b"SSH-2.0-OpenSSH_9.2\r\n", True),
        (b"220 mail.example ESMTP\r\n", True),
        # An alert (handshake failure): TLS that does not like ours.
        (b"\x15\x03\x01\x00\x02\x02\x28", False),
        # It breaks off, and says nothing.
        (b"", False),
    ],
)
def test_what_is_no_tls_is_told_by_its_words(server: Nameserver, words: bytes, lacks: bool) -> None:
    server.add("a.example", "A", "127.0.0.1")
    with listening(saying(words), http) as (secure, plain):
        found = look(server, Host("a.example", True), Ports(secure.port, plain.port))
    assert found == Seen("a.example", lacks_https=lacks)


def test_silence_after_the_connection_says_nothing(
    server: Nameserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inquiries, "HANDSHAKE_S", 0.3)
    server.add("a.example", "A", "127.0.0.1")
    over = threading.Event()

    def wait(_: socket.socket) -> None:
        over.wait(5)

    with listening(wait, http) as (secure, plain):
        found = look(server, Host("a.example", True), Ports(secure.port, plain.port))
        over.set()
    assert found == Seen("a.example")


def test_one_address_with_tls_is_enough(server: Nameserver, tls: ssl.SSLContext) -> None:
    # Nobody listens at the other one.
    server.add("a.example", "A", "127.0.0.1", "127.0.0.9")
    with listening(shaking_hands(tls, []), http) as (secure, plain):
        found = look(server, Host("a.example", True), Ports(secure.port, plain.port))
    assert found == Seen("a.example")


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "100.64.0.1", "169.254.169.254", "192.168.1.1", "0.0.0.0"]
)
def test_it_never_connects_to_what_may_not_be_reached(
    server: Nameserver, settings: Any, connected: list[Any], address: str
) -> None:
    settings.ALLOW_NETWORKS = []
    server.add("a.example", "A", address)
    server.add("a.example", "AAAA", "::1", "fd00::1", "64:ff9b::7f00:1", "2002:7f00:1::")
    with listening(http) as (plain,):
        found = look(server, Host("a.example", True), Ports(plain.port, plain.port))
        assert plain.connections == 0
    assert found == Seen("a.example")
    assert connected == []


def ask(server: Nameserver, address: str) -> Said:
    resolver = Resolver([server.address], lifetime_s=0.5)
    return asyncio.run(inquiries.ask(Question(ZONE, address), resolver))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.99", f"99.2.0.192.{ZONE}"),
        (
            "2001:db8:1:2:3:4:567:89ab",
            f"b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.{ZONE}",
        ),
    ],
)
def test_lists_are_asked_by_the_reversed_address(
    server: Nameserver, address: str, name: str
) -> None:
    """The examples are those of RFC 5782 §2.1 and §2.4."""
    server.add(name, "A", "127.0.0.3")
    assert ask(server, address) == Said(Question(ZONE, address), "127.0.0.3")
    assert server.asked == [(name, "A")]
    assert ask(server, "192.0.2.1").answer == ""


@pytest.mark.parametrize(
    ("answer", "listed", "trouble"),
    [
        ("127.0.0.2", "127.0.0.2", None),
        ("127.255.254.255", "127.255.254.255", None),
        ("127.0.0.1", "", Trouble.REFUSES),
        ("127.255.255.252", "", Trouble.MISNAMED),
        ("127.255.255.254", "", Trouble.PUBLIC),
        ("127.255.255.255", "", Trouble.OFTEN),
        ("127.255.255.1", "", Trouble.STRANGE),
        # A domain that somebody else has bought, or a resolver that sends everybody to its pages.
        ("192.0.2.80", "", Trouble.STRANGE),
    ],
)
def test_only_some_answers_are_listings(
    server: Nameserver, answer: str, listed: str, trouble: Trouble | None
) -> None:
    server.add(f"99.2.0.192.{ZONE}", "A", answer)
    said = ask(server, "192.0.2.99")
    assert (said.answer, said.trouble) == (listed, trouble)


def test_a_list_that_is_away_lists_nobody(server: Nameserver) -> None:
    server.broken.add(f"99.2.0.192.{ZONE}")
    server.silent.add(f"98.2.0.192.{ZONE}")
    for address in ("192.0.2.99", "192.0.2.98"):
        assert ask(server, address) == Said(Question(ZONE, address), trouble=Trouble.SILENT)


@pytest.mark.django_db(transaction=True)
def test_a_run_finds_out_what_is_due(server: Nameserver, settings: Any, now: datetime) -> None:
    settings.DNSBL = [ZONE]
    settings.OUTBOUND_ADDRESSES = [ip_network("9.9.9.9")]
    server.add("alive.example", "A", "127.0.0.1")
    server.add(f"2.0.0.127.{ZONE}", "A", "127.0.0.2")
    server.add(f"4.4.8.8.{ZONE}", "A", "127.0.0.4")
    account = accounts.create("boutique.example", now)
    hosts = ("alive.example", "dead.example")
    wanted = [Wanted(account.pk, hosts, frozenset(hosts), "8.8.4.4")]
    facts.look(wanted, now)
    with listening(http) as (plain,):
        ports = Ports(free_port(), plain.port)
        resolver = Resolver([server.address])
        assert run(inquiries.check_due(lambda: now, resolver, ports)) == 6
        assert run(inquiries.check_due(lambda: now, resolver, ports)) == 0
    found = facts.look(wanted, now)
    assert found.dead_hosts == {"dead.example"}
    assert found.hosts_without_https == {"alive.example"}
    assert [listing.answer for listing in found.listings["8.8.4.4"]] == ["127.0.0.4"]
    (zone,) = facts.reputation(now)
    assert (zone.is_known, zone.trouble, zone.listed) == (True, None, ())


@pytest.mark.django_db(transaction=True)
def test_a_run_ends_in_time_and_keeps_what_it_has(
    server: Nameserver, monkeypatch: pytest.MonkeyPatch, now: datetime
) -> None:
    monkeypatch.setattr(inquiries, "WITHIN_S", 0.5)
    server.silent.add("silent.example")
    account = accounts.create("boutique.example", now)
    facts.look([Wanted(account.pk, ("silent.example", "dead.example"), frozenset())], now)
    assert run(inquiries.check_due(lambda: now, Resolver([server.address]))) == 1
    checked = LinkedHost.objects.exclude(checked_at=None)
    assert list(checked.values_list("host", flat=True)) == ["dead.example"]


@pytest.mark.django_db(transaction=True)
def test_the_task_does_nothing_where_it_is_off(server: Nameserver, settings: Any) -> None:
    settings.CHECK_LINKS, settings.DNSBL = False, []
    tasks.find_out()
    assert server.asked == []
    settings.DNSBL = [ZONE]
    tasks.find_out()
    assert {name for name, _ in server.asked} == {f"{n}.0.0.127.{ZONE}" for n in (1, 2)}
