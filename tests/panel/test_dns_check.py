"""Whether DNS has the records that it should, and what to do if not."""

import time
from collections.abc import Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Any

import pytest
from django.utils import translation

from mailqueue import signing_keys
from mailqueue.models import SigningKey
from panel import dns_check, dns_questions, dns_records
from panel.dns_check import State, Verdict
from panel.dns_records import Kind, Record
from tests.support.nameserver import Nameserver, nameserver

pytestmark = pytest.mark.django_db
DOMAIN = "boutique.example"


@pytest.fixture(autouse=True)
def _house(settings: Any) -> Any:
    settings.HOSTNAME = "mail.hoster.example"
    settings.OUTBOUND_ADDRESSES = [ip_network("203.0.113.9"), ip_network("2001:db8::/64")]
    settings.SPF_INCLUDE = ""
    with translation.override("en"):
        yield


@pytest.fixture
def key(now: datetime) -> SigningKey:
    return signing_keys.make(DOMAIN, SigningKey.Algorithm.RSA, "admin", now)


def judged(settings: Any, kind: Kind, key: SigningKey, server: Nameserver) -> Verdict:
    settings.RESOLVERS = [server.address]
    records = [one for one in dns_records.of_domain(DOMAIN, [key]) if one.kind is kind]
    return dns_check.check(records, signing_keys.of_domain(DOMAIN))[0]


def test_the_records_of_a_domain(key: SigningKey, settings: Any) -> None:
    dkim, spf, dmarc = dns_records.of_domain(DOMAIN, [key])
    assert (dkim.name, dkim.value) == (
        f"{key.selector}._domainkey.boutique.example",
        f"v=DKIM1; k=rsa; p={key.public_key}",
    )
    assert dkim.zone_line.startswith(f'{dkim.name}. IN TXT ( "v=DKIM1; k=rsa; p=')
    assert all(len(part) <= 255 for part in dkim.zone_line.split('"'))
    assert spf.value == "v=spf1 ip4:203.0.113.9 ip6:2001:db8::/64 ~all"
    assert (dmarc.name, dmarc.value) == ("_dmarc.boutique.example", "v=DMARC1; p=none")
    settings.SPF_INCLUDE = "_spf.hoster.example"
    assert dns_records.of_domain(DOMAIN, [])[0].value == "v=spf1 include:_spf.hoster.example ~all"
    settings.SPF_INCLUDE, settings.OUTBOUND_ADDRESSES = "", []
    assert dns_records.of_domain(DOMAIN, [])[0].value == "v=spf1 a:mail.hoster.example ~all"


def test_the_records_of_the_house(settings: Any) -> None:
    settings.BOUNCE_DOMAIN, settings.SPF_INCLUDE = "bounce.hoster.example", "_spf.hoster.example"
    include, exchanger, spf = dns_records.of_house()
    assert (include.name, include.value) == (
        "_spf.hoster.example",
        "v=spf1 ip4:203.0.113.9 ip6:2001:db8::/64 ~all",
    )
    assert (exchanger.type, exchanger.value) == ("MX", "10 mail.hoster.example")
    assert exchanger.zone_line == "bounce.hoster.example. IN MX 10 mail.hoster.example."
    assert spf.value == "v=spf1 include:_spf.hoster.example ~all"
    settings.BOUNCE_DOMAIN, settings.SPF_INCLUDE = "", ""
    assert dns_records.of_house() == []


def test_a_key_is_compared_whole(key: SigningKey, settings: Any, now: datetime) -> None:
    old = signing_keys.make(DOMAIN, SigningKey.Algorithm.RSA, "admin", now)
    signing_keys.retire(old, now)
    right = signing_keys.record_value(key)
    cases: list[tuple[Sequence[str], State, str]] = [
        ([right], State.FOUND, ""),
        ([right.replace(";", " ; ").replace("p=MII", "p=MII ")], State.FOUND, ""),
        (["p=" + key.public_key], State.FOUND, ""),
        ([], State.MISSING, "Publish it"),
        (["google-site-verification"], State.MISSING, "Publish it"),
        ([right[:-10]], State.DIFFERS, "another key"),
        ([signing_keys.record_value(old)], State.DIFFERS, f"the key of {old.selector}"),
        (["v=DKIM1; k=rsa; p="], State.DIFFERS, "revokes"),
        ([right, right + " "], State.DIFFERS, "several records"),
        ([right.replace("k=rsa", "k=ed25519")], State.DIFFERS, "lacks “k=rsa”"),
        ([right.replace("DKIM1", "DKIM2")], State.DIFFERS, "must begin"),
        ([right + "; t=y:s"], State.DIFFERS, "trial"),
    ]
    with nameserver() as server:
        for texts, state, words in cases:
            server.records[(signing_keys.record_name(key), "TXT")] = texts
            found = judged(settings, Kind.DKIM, key, server)
            assert (found.state, words in found.advice) == (state, True), (texts, found)


def test_spf_must_be_one_short_and_ours(key: SigningKey, settings: Any) -> None:
    ours = "ip4:203.0.113.9 ip6:2001:db8::/64"
    cases: list[tuple[Sequence[str], State, str]] = [
        ([f"v=spf1 {ours} -all"], State.FOUND, ""),
        (["x", "v=spf1 include:_spf.hoster.example -all"], State.FOUND, ""),
        (["x"], State.MISSING, "Publish it"),
        ([f"v=spf1 {ours} -all", "v=spf1 -all"], State.DIFFERS, "2 SPF records"),
        (["v=spf1 ip6:2001:db8::/64 -all"], State.DIFFERS, "not allow 203.0.113.9. Add “ip4:"),
        (["v=spf1 -all"], State.DIFFERS, "2 of our addresses"),
        (["v=spf1 " + "a " * 11 + "-all"], State.DIFFERS, "more than 10"),
        ([f"v=spf1 {ours} include:gone.example -all"], State.DIFFERS, "“gone.example” in it"),
        ([f"v=spf1 {ours} +all"], State.DIFFERS, "everybody"),
        (["v=spf1 include:broken.example -all"], State.UNKNOWN, "No name server"),
    ]
    include = {("_spf.hoster.example", "TXT"): [f"v=spf1 {ours} ~all"]}
    with nameserver(include) as server:
        server.broken = {"broken.example"}
        for texts, state, words in cases:
            server.records[(DOMAIN, "TXT")] = texts
            found = judged(settings, Kind.SPF, key, server)
            assert (found.state, words in found.advice) == (state, True), (texts, found)


def test_without_addresses_spf_is_compared_with_the_hosts(key: SigningKey, settings: Any) -> None:
    settings.OUTBOUND_ADDRESSES = []
    with nameserver({("mail.hoster.example", "A"): ["203.0.113.9"]}) as server:
        server.records[(DOMAIN, "TXT")] = ["v=spf1 ip4:203.0.113.0/24 -all"]
        assert judged(settings, Kind.SPF, key, server).state is State.FOUND
        server.records[(DOMAIN, "TXT")] = ["v=spf1 -all"]
        assert judged(settings, Kind.SPF, key, server).state is State.DIFFERS
        server.records.pop(("mail.hoster.example", "A"))
        found = judged(settings, Kind.SPF, key, server)
        assert (found.state, "OUTBOUND" in found.advice) == (State.UNKNOWN, True)


def test_dmarc_may_stand_above(key: SigningKey, settings: Any) -> None:
    with nameserver() as server:
        settings.RESOLVERS = [server.address]
        below = Record(Kind.DMARC, "_dmarc.news.boutique.example", "v=DMARC1; p=none", "x")

        def check() -> Verdict:
            return dns_check.check([below], [])[0]

        assert check().state is State.MISSING
        server.records[("_dmarc.boutique.example", "TXT")] = ["v=DMARC1; p=reject"]
        assert (check().state, check().advice) == (State.FOUND, "That of boutique.example counts.")
        own = ("_dmarc.news.boutique.example", "TXT")
        server.records[own] = ["V=DMARC1;p=none", "v=DMARC1; p=none"]
        assert "2 DMARC records" in check().advice
        server.records[own] = ["v=DMARC1; p=burn"]
        assert check().state is State.DIFFERS


def test_the_way_back_leads_here(settings: Any) -> None:
    record = Record(Kind.MX, "bounce.hoster.example", "10 mail.hoster.example", "x")
    with nameserver() as server:
        settings.RESOLVERS = [server.address]
        for values, state in (
            ([], State.MISSING),
            (["5 Mail.Hoster.example."], State.FOUND),
            (["5 elsewhere.example."], State.DIFFERS),
        ):
            server.records[("bounce.hoster.example", "MX")] = values
            assert dns_check.check([record], [])[0].state is state


def test_silence_costs_one_wait_for_all(
    key: SigningKey, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_questions, "WITHIN_S", 0.3)
    records = dns_records.of_domain(DOMAIN, [key])
    with nameserver() as server:
        settings.RESOLVERS = [server.address]
        server.silent = {record.name for record in records}
        began = time.monotonic()
        found = dns_check.check(records, [key])
    assert {one.state for one in found} == {State.UNKNOWN}
    assert time.monotonic() - began < 2


def test_what_dns_says_is_shown_on_one_line(key: SigningKey, settings: Any) -> None:
    with nameserver({(DOMAIN, "TXT"): ["v=spf1 \\010<b>\\195\\169 " + "x" * 800]}) as server:
        found = judged(settings, Kind.SPF, key, server)
    assert found.seen.isprintable()
    assert len(found.seen) == 300


def test_a_machine_without_resolvers_can_ask_nobody(
    settings: Any, monkeypatch: pytest.MonkeyPatch, key: SigningKey
) -> None:
    import dns.resolver

    settings.RESOLVERS = []

    def none(*_: object, **__: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr("dns.asyncresolver.Resolver", none)
    found = dns_check.check(dns_records.of_domain(DOMAIN, [key]), [key])
    assert {one.state for one in found} == {State.UNKNOWN}
