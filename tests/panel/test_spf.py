"""What an SPF record allows, with all that it includes, after so many questions."""

import asyncio
from collections.abc import Mapping, Sequence
from ipaddress import ip_network
from typing import Any

import pytest

from panel import spf
from panel.dns_questions import Questions
from panel.spf import Reading
from tests.support.nameserver import Nameserver, nameserver

ADDRESS = ip_network("203.0.113.9")


def read(settings: Any, server: Nameserver, record: str) -> Reading:
    async def work() -> Reading:
        return await spf.read(Questions(), "boutique.example", record)

    settings.RESOLVERS = [server.address]
    return asyncio.run(work())


RECORDS: Mapping[tuple[str, str], Sequence[str]] = {
    ("boutique.example", "A"): ["203.0.113.9"],
    ("boutique.example", "AAAA"): ["2001:db8::9"],
    ("boutique.example", "MX"): ["10 mx.boutique.example.", "20 203.0.113.77."],
    ("mx.boutique.example", "A"): ["203.0.113.8"],
    ("_spf.example", "TXT"): ["other", "v=spf1 ip4:203.0.113.0/28 ?ip4:198.51.100.1 ~all"],
    ("two.example", "TXT"): ["v=spf1 -all", "v=spf1 +all"],
    ("open.example", "TXT"): ["v=spf1 +all"],
    ("loop.example", "TXT"): ["v=spf1 include:loop.example -all"],
    ("wide.example", "TXT"): ["v=spf1 " + "a:x.example " * 30 + "-all"],
}


@pytest.mark.parametrize(
    ("record", "allows", "lookups"),
    [
        ("v=spf1", False, 0),
        ("v=spf1 ip4:203.0.113.9 -all", True, 0),
        ("v=spf1 IP4:203.0.113.0/24 -ALL", True, 0),
        ("v=spf1 ip4:203.0.113.10 -all", False, 0),
        ("v=spf1 -ip4:203.0.113.9 all", True, 0),
        ("v=spf1 ~all", False, 0),
        ("v=spf1 a -all", True, 1),
        ("v=spf1 a:mx.boutique.example/28 -all", True, 1),
        ("v=spf1 mx -all", False, 1),
        ("v=spf1 mx/28 -all", True, 1),
        ("v=spf1 include:_spf.example -all", True, 1),
        ("v=spf1 ?include:_spf.example -all", False, 1),
        ("v=spf1 ?include:open.example -all", False, 1),
        ("v=spf1 redirect=_spf.example", True, 1),
        ("v=spf1 exp=why.example exists:%{i}.x ptr -all", False, 2),
        ("v=spf1 include:%{d}.example -all", False, 1),
    ],
)
def test_it_knows_what_a_record_allows(
    settings: Any, record: str, allows: bool, lookups: int
) -> None:
    with nameserver(RECORDS) as server:
        reading = read(settings, server, record)
    assert (reading.lacks([ADDRESS]) == []) is allows
    assert reading.lookups == lookups
    assert reading.broken == []
    assert reading.is_known


@pytest.mark.parametrize(
    ("record", "term"),
    [
        ("v=spf1 ipv4:203.0.113.9 -all", "ipv4:203.0.113.9"),
        ("v=spf1 ip4:203.0.113 -all", "ip4:203.0.113"),
        ("v=spf1 include:nowhere.example -all", "nowhere.example"),
        ("v=spf1 include:two.example -all", "two.example"),
        ("v=spf1 include: -all", "include:"),
        ("v=spf1 <b>", "<b>"),
    ],
)
def test_it_names_what_leads_nowhere(settings: Any, record: str, term: str) -> None:
    with nameserver(RECORDS) as server:
        assert read(settings, server, record).broken == [term]


@pytest.mark.parametrize("name", ["loop.example", "wide.example"])
def test_strangers_send_nobody_round_for_ever(settings: Any, name: str) -> None:
    with nameserver(RECORDS) as server:
        reading = read(settings, server, f"v=spf1 include:{name} -all")
        assert reading.lookups > spf.MOST_LOOKUPS
        assert len(server.asked) <= 45


def test_a_server_that_fails_leaves_it_open(settings: Any) -> None:
    with nameserver(RECORDS) as server:
        server.broken = {"_spf.example"}
        reading = read(settings, server, "v=spf1 include:_spf.example -all")
    assert not reading.is_known


def test_ipv6_is_compared_with_ipv6() -> None:
    reading = Reading(allowed=[ip_network("2001:db8::/32"), ip_network("203.0.113.0/24")])
    networks = [ip_network("2001:db8:1::/48"), ip_network("2001:db9::1"), ADDRESS]
    assert reading.lacks(networks) == [ip_network("2001:db9::1")]
