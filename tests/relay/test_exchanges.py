"""Which servers take mail for a domain, as a name server on loopback tells."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from mailqueue import mta_sts
from mailqueue.bounces import OF_RECIPIENT, Category, classify_reply
from mailqueue.mta_sts import Kept
from mailqueue.outcomes import Outcome, Result
from panel.route_settings import read_tls_policies
from relay.exchanges import Search
from relay.mta_sts import Policies
from relay.resolver import Resolver
from relay.routes import Association, Level, Route, Tls
from tests.support.loop import run
from tests.support.nameserver import Nameserver, nameserver

PORT = 2525
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
DIGEST = "ab" * 32


@pytest.fixture
def server() -> Iterator[Nameserver]:
    with nameserver() as known:
        yield known


@dataclass
class Asking:
    """A search with the settings of a test, and what it said on the way."""

    server: Nameserver
    validates: bool = False
    policies: str = ""
    allowed: Sequence[Any] = LOOPBACK
    listeners: Sequence[tuple[str, int]] = ()
    lifetime_s: float = 10.0
    # The moment, for those who keep policies of MTA-STS.
    now: datetime | None = None
    notes: list[str] = field(default_factory=list)

    def __call__(self, *domains: str) -> Any:
        resolver = Resolver(
            [self.server.address], validates=self.validates, lifetime_s=self.lifetime_s
        )
        now = self.now
        policies = Policies(resolver, lambda: now) if now is not None else None
        search = Search(
            resolver=resolver,
            policies=policies,
            port=PORT,
            allowed=self.allowed,
            tls_policies=read_tls_policies(self.policies),
            hostname="me.test",
            listeners=self.listeners,
        )

        async def work() -> list[Route | Outcome]:
            return await asyncio.gather(
                *(search.route_for(domain, self.notes.append) for domain in domains)
            )

        found = run(work())
        return found[0] if len(found) == 1 else found


def told(answer: Any) -> list[tuple[int, str, tuple[str, ...]]]:
    assert isinstance(answer, Route), answer
    return [(hop.rank, hop.name, hop.addresses) for hop in answer.hops]


def refusal(answer: Any) -> tuple[Result, str]:
    assert isinstance(answer, Outcome), answer
    return answer.result, answer.status


def test_it_finds_servers_in_their_order(server: Nameserver) -> None:
    server.add("example.org", "MX", "20 b.example.org.", "10 c.example.org.", "20 a.example.org.")
    for number, host in enumerate("abc", start=1):
        server.add(f"{host}.example.org", "A", f"127.0.0.{number}")
    server.add("c.example.org", "AAAA", "::1")
    answer = Asking(server)("example.org")
    assert told(answer) == [
        (0, "c.example.org", ("127.0.0.3", "::1")),
        (1, "a.example.org", ("127.0.0.1",)),
        (1, "b.example.org", ("127.0.0.2",)),
    ]
    assert answer.name == "c.example.org"
    assert {hop.port for hop in answer.hops} == {PORT}
    assert {hop.tls for hop in answer.hops} == {Tls(Level.OPPORTUNISTIC)}


def test_domains_with_the_same_servers_have_the_same_route(server: Nameserver) -> None:
    server.add("a.example", "MX", "10 mx1.host.example.", "20 mx2.host.example.")
    server.add("b.example", "MX", "5 mx1.host.example.", "7 MX2.host.example.")
    server.add("c.example", "MX", "10 mx2.host.example.", "20 mx1.host.example.")
    server.add("mx1.host.example", "A", "127.0.0.2", "127.0.0.4")
    server.add("mx2.host.example", "A", "127.0.0.3")
    first, second, third = Asking(server)("a.example", "b.example", "c.example")
    assert first == second
    assert hash(first) == hash(second)
    assert first != third


def test_without_mx_a_domain_is_its_own_server(server: Nameserver) -> None:
    server.add("example.org", "A", "127.0.0.2")
    assert told(Asking(server)("example.org")) == [(0, "example.org", ("127.0.0.2",))]


def test_it_follows_the_cnames_of_domains_and_servers(server: Nameserver) -> None:
    server.add("alias.example", "CNAME", "example.org.")
    server.add("example.org", "MX", "10 mx.example.org.")
    server.add("mx.example.org", "CNAME", "real.example.org.")
    server.add("real.example.org", "A", "127.0.0.2")
    assert told(Asking(server)("alias.example")) == [(0, "mx.example.org", ("127.0.0.2",))]


def test_it_asks_for_an_international_domain_in_a_labels(server: Nameserver) -> None:
    server.add("xn--caf-dma.example", "MX", "10 mx.example.org.")
    server.add("mx.example.org", "A", "127.0.0.2")
    assert told(Asking(server)("Café.example")) == [(0, "mx.example.org", ("127.0.0.2",))]


def test_a_null_mx_takes_no_mail(server: Nameserver) -> None:
    server.add("example.org", "MX", "0 .")
    server.add("example.org", "A", "127.0.0.2")
    answer = Asking(server)("example.org")
    assert refusal(answer) == (Result.FAILED, "5.1.10")
    assert classify_reply(answer.reply).category is Category.HOST_UNKNOWN


def test_a_domain_that_is_not_there_is_the_recipients_fault(server: Nameserver) -> None:
    answer = Asking(server)("none.example")
    assert refusal(answer) == (Result.FAILED, "5.1.2")
    assert classify_reply(answer.reply).category is Category.HOST_UNKNOWN


def test_what_dns_cannot_tell_is_asked_again_later(server: Nameserver) -> None:
    server.broken.add("broken.example")
    server.add("broken.example", "A", "127.0.0.2")
    server.add("half.example", "MX", "10 mx.half.example.")
    server.broken.add("mx.half.example")
    for answer in Asking(server)("broken.example", "half.example"):
        assert refusal(answer) == (Result.DEFERRED, "4.4.3")
        assert classify_reply(answer.reply).category not in OF_RECIPIENT


def test_a_domain_that_nobody_answers_for_waits(server: Nameserver) -> None:
    server.silent.add("silent.example")
    answer = Asking(server, lifetime_s=0.3)("silent.example")
    assert refusal(answer) == (Result.DEFERRED, "4.4.3")


def test_a_server_that_cannot_be_found_leaves_the_others(server: Nameserver) -> None:
    server.add("example.org", "MX", "10 a.example.org.", "20 b.example.org.", "30 c.example.org.")
    server.broken.add("a.example.org")
    server.add("c.example.org", "A", "127.0.0.3")
    asking = Asking(server)
    assert told(asking("example.org")) == [(2, "c.example.org", ("127.0.0.3",))]
    assert any("a.example.org cannot be looked up" in note for note in asking.notes)
    assert "left out: host not found: b.example.org has no address" in asking.notes


def test_no_server_with_an_address_is_the_recipients_fault(server: Nameserver) -> None:
    server.add("example.org", "MX", "10 none.example.org.")
    server.add("strange.example", "MX", "10 a\\032b.example.org.")
    server.add("bare.example", "TXT", "nothing for mail")
    for answer in Asking(server)("example.org", "strange.example", "bare.example"):
        assert refusal(answer) == (Result.FAILED, "5.4.4")
        assert classify_reply(answer.reply).category is Category.HOST_UNKNOWN


def test_it_goes_to_no_address_of_ours_or_of_a_private_net(server: Nameserver) -> None:
    server.add("example.org", "MX", "10 a.example.org.", "20 b.example.org.")
    server.add("a.example.org", "A", "127.0.0.1", "10.0.0.1")
    server.add("b.example.org", "AAAA", "::ffff:127.0.0.1")
    asking = Asking(server, allowed=())
    answer = asking("example.org")
    assert refusal(answer) == (Result.FAILED, "5.4.4")
    assert "must not go to 127.0.0.1: loopback (FACTEUR_ALLOW_NETWORKS)" in answer.reply
    assert told(Asking(server)("example.org")) == [(0, "a.example.org", ("127.0.0.1",))]


def test_it_looks_at_so_many_servers_only(server: Nameserver) -> None:
    server.add("example.org", "MX", *(f"{n} mx{n}.example.org." for n in range(1, 60)))
    for number in range(1, 60):
        server.add(f"mx{number}.example.org", "A", *(f"127.0.{number}.{n}" for n in range(1, 60)))
    answer = Asking(server)("example.org")
    assert len(answer.hops) == 10
    assert {len(hop.addresses) for hop in answer.hops} == {10}
    assert not server.asked.count(("mx11.example.org", "A"))


@pytest.mark.parametrize("listeners", [["127.0.0.2"], ["0.0.0.0"], ["::", "127.0.0.2"]])
def test_mail_for_ourselves_would_be_a_loop(server: Nameserver, listeners: list[str]) -> None:
    server.add("example.org", "MX", "10 a.example.org.")
    server.add("a.example.org", "A", "127.0.0.2")
    ours = [(host, PORT) for host in listeners]
    answer = Asking(server, listeners=ours)("example.org")
    assert refusal(answer) == (Result.FAILED, "5.4.6")
    assert classify_reply(answer.reply).category not in OF_RECIPIENT
    # Another program listens there.
    elsewhere = [(host, PORT + 1) for host in listeners]
    assert told(Asking(server, listeners=elsewhere)("example.org"))


def test_a_server_of_our_own_name_would_be_a_loop(server: Nameserver) -> None:
    server.add("example.org", "MX", "10 ME.test.")
    server.add("me.test", "A", "127.0.0.9")
    listeners = [("127.0.0.2", PORT)]
    assert refusal(Asking(server, listeners=listeners)("example.org")) == (Result.FAILED, "5.4.6")
    assert told(Asking(server)("example.org"))


def test_it_goes_to_servers_that_are_better_than_ourselves_only(server: Nameserver) -> None:
    server.add("example.org", "MX", "10 a.example.org.", "20 b.example.org.", "30 c.example.org.")
    for number, host in enumerate("abc", start=1):
        server.add(f"{host}.example.org", "A", f"127.0.0.{number}")
    answer = Asking(server, listeners=[("127.0.0.2", PORT)])("example.org")
    assert told(answer) == [(0, "a.example.org", ("127.0.0.1",))]


def test_an_address_in_brackets_is_a_server(server: Nameserver) -> None:
    asking = Asking(server)
    assert told(asking("[127.0.0.2]")) == [(0, "[127.0.0.2]", ("127.0.0.2",))]
    assert told(asking("[IPv6:::1]")) == [(0, "[IPv6:::1]", ("::1",))]
    assert refusal(asking("[10.0.0.1]")) == (Result.FAILED, "5.4.4")
    assert refusal(asking("[999.0.0.1]")) == (Result.FAILED, "5.1.2")
    assert refusal(Asking(server, listeners=[("127.0.0.2", PORT)])("[127.0.0.2]"))[1] == "5.4.6"
    assert server.asked == []


def test_what_is_no_domain_never_reaches_dns(server: Nameserver) -> None:
    for domain in ("", "a b", "x" * 64 + ".example"):
        assert refusal(Asking(server)(domain)) == (Result.FAILED, "5.1.2")
    assert server.asked == []


def mx_with_tlsa(server: Nameserver, *records: str, secure: bool = True) -> None:
    server.add("example.org", "MX", "10 mx.example.org.", secure=secure)
    server.add("mx.example.org", "A", "127.0.0.2", secure=True)
    server.add(f"_{PORT}._tcp.mx.example.org", "TLSA", *records, secure=True)


def test_dane_holds_where_the_resolver_vouches_for_all_of_it(server: Nameserver) -> None:
    mx_with_tlsa(server, f"3 1 1 {DIGEST}")
    answer = Asking(server, validates=True)("example.org")
    (hop,) = answer.hops
    assert hop.tls.level is Level.DANE
    assert hop.tls.associations == (Association(3, 1, 1, bytes.fromhex(DIGEST)),)
    assert (hop.tls.name, hop.tls.why) == ("mx.example.org", "DANE")
    (hop,) = Asking(server)("example.org").hops
    assert hop.tls.level is Level.OPPORTUNISTIC


@pytest.mark.parametrize("weak", ["example.org", "mx.example.org", f"_{PORT}._tcp.mx.example.org"])
def test_dane_needs_every_step_to_be_validated(server: Nameserver, weak: str) -> None:
    mx_with_tlsa(server, f"3 1 1 {DIGEST}")
    server.secure.remove(weak)
    (hop,) = Asking(server, validates=True)("example.org").hops
    assert hop.tls.level is Level.OPPORTUNISTIC


def test_records_that_cannot_be_used_still_demand_tls(server: Nameserver) -> None:
    mx_with_tlsa(server, f"1 1 1 {DIGEST}", f"3 7 1 {DIGEST}", f"0 0 1 {DIGEST}")
    (hop,) = Asking(server, validates=True)("example.org").hops
    assert hop.tls.level is Level.REQUIRED


def test_whoever_hides_tlsa_records_gets_no_mail(server: Nameserver) -> None:
    mx_with_tlsa(server, f"3 1 1 {DIGEST}")
    server.broken.add(f"_{PORT}._tcp.mx.example.org")
    answer = Asking(server, validates=True)("example.org")
    assert refusal(answer) == (Result.DEFERRED, "4.4.3")
    assert "TLSA records of mx.example.org cannot be looked up" in answer.reply


def test_an_address_that_cannot_be_looked_up_does_not_end_dane(server: Nameserver) -> None:
    """Whoever can make a question fail must not get the mail in the clear (RFC 7672 §2.1.2)."""
    mx_with_tlsa(server, f"3 1 1 {DIGEST}")
    server.broken.add(("mx.example.org", "AAAA"))
    (hop,) = Asking(server, validates=True)("example.org").hops
    assert hop.tls.level is Level.DANE


def test_tlsa_records_at_the_end_of_cnames_count_first(server: Nameserver) -> None:
    server.add("example.org", "MX", "10 mx.example.org.", secure=True)
    server.add("mx.example.org", "CNAME", "real.example.net.", secure=True)
    server.add("real.example.net", "A", "127.0.0.2", secure=True)
    server.add(f"_{PORT}._tcp.real.example.net", "TLSA", f"3 1 1 {DIGEST}", secure=True)
    server.secure.add(f"_{PORT}._tcp.mx.example.org")
    (hop,) = Asking(server, validates=True)("example.org").hops
    assert (hop.tls.level, hop.tls.name) == (Level.DANE, "real.example.net")


def test_an_administrator_demands_tls_by_domain(server: Nameserver) -> None:
    mx_with_tlsa(server, f"3 1 1 {DIGEST}")
    for policy, validates, level in (
        ("example.org verified", True, Level.VERIFIED),
        (".org opportunistic", True, Level.OPPORTUNISTIC),
        ("* none", True, Level.NONE),
        # The least that counts: DANE demands more.
        ("* required", True, Level.DANE),
        ("* required", False, Level.REQUIRED),
        ("example.net verified", False, Level.OPPORTUNISTIC),
    ):
        (hop,) = Asking(server, validates=validates, policies=policy)("example.org").hops
        assert hop.tls.level is level, policy


def test_what_an_administrator_demands_of_all_is_demanded_of_addresses_in_brackets(
    server: Nameserver,
) -> None:
    (hop,) = Asking(server, policies="* required")("[127.0.0.2]").hops
    assert hop.tls.level is Level.REQUIRED


def test_servers_that_an_administrator_did_not_name_get_nothing(server: Nameserver) -> None:
    server.add("example.org", "MX", "10 evil.example.net.", "20 mx.example.org.")
    server.add("evil.example.net", "A", "127.0.0.2")
    server.add("mx.example.org", "A", "127.0.0.3")
    policies = "example.org verified mx.example.org"
    answer = Asking(server, policies=policies)("example.org")
    assert told(answer) == [(1, "mx.example.org", ("127.0.0.3",))]
    answer = Asking(server, policies="example.org verified *.example.com")("example.org")
    assert refusal(answer) == (Result.DEFERRED, "4.7.5")


@pytest.fixture
def policy(transactional_db: None, now: datetime) -> Any:
    """Keeps a policy of example.org, in a mode: mx.example.org alone may take its mail."""

    def keep(mode: str) -> None:
        kept = Kept("1", mode, ("mx.example.org",), now, now + timedelta(days=7))
        mta_sts.keep("example.org", kept)

    return keep


def test_a_policy_in_force_demands_a_good_certificate(
    server: Nameserver, policy: Any, now: datetime
) -> None:
    policy("enforce")
    server.add("example.org", "MX", "10 evil.example.net.", "20 mx.example.org.")
    server.add("evil.example.net", "A", "127.0.0.2")
    server.add("mx.example.org", "A", "127.0.0.3")
    asking = Asking(server, now=now, policies="* required")
    (hop,) = asking("example.org").hops
    assert (hop.name, hop.tls.level, hop.tls.why) == ("mx.example.org", Level.VERIFIED, "MTA-STS")
    assert "MTA-STS: mode enforce, until 2026-03-18 10:30 UTC" in asking.notes
    # An administrator's word, for a domain whose policy is broken.
    asking = Asking(server, now=now, policies="example.org opportunistic")
    assert {hop.tls.level for hop in asking("example.org").hops} == {Level.OPPORTUNISTIC}


def test_a_policy_that_names_no_server_of_the_domain_lets_mail_wait(
    server: Nameserver, policy: Any, now: datetime
) -> None:
    policy("enforce")
    server.add("example.org", "MX", "10 evil.example.net.")
    server.add("evil.example.net", "A", "127.0.0.2")
    answer = Asking(server, now=now)("example.org")
    assert refusal(answer) == (Result.DEFERRED, "4.7.5")
    assert "none of the servers that the MTA-STS policy names" in answer.reply


def test_a_policy_on_trial_demands_nothing(server: Nameserver, policy: Any, now: datetime) -> None:
    policy("testing")
    server.add("example.org", "MX", "10 other.example.net.")
    server.add("other.example.net", "A", "127.0.0.2")
    (hop,) = Asking(server, now=now)("example.org").hops
    assert hop.tls.level is Level.OPPORTUNISTIC


def test_dane_wins_over_a_policy(server: Nameserver, policy: Any, now: datetime) -> None:
    policy("enforce")
    mx_with_tlsa(server, f"3 1 1 {DIGEST}")
    (hop,) = Asking(server, now=now, validates=True)("example.org").hops
    assert hop.tls.level is Level.DANE
