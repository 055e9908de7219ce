"""DNS, against a name server on loopback."""

import asyncio
from collections.abc import Iterator

import pytest
import uvloop

from relay.resolver import (
    LONGEST_ABSENCE_S,
    LONGEST_S,
    MOST_RECORDS,
    SHORTEST_S,
    TROUBLE_S,
    Answer,
    Resolver,
)
from tests.support.nameserver import Nameserver, nameserver


@pytest.fixture
def server() -> Iterator[Nameserver]:
    with nameserver() as known:
        yield known


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def resolver(
    server: Nameserver,
    *,
    validates: bool = False,
    clock: Clock | None = None,
    lifetime_s: float = 10.0,
) -> Resolver:
    return Resolver(
        [server.address], validates=validates, clock=clock or Clock(), lifetime_s=lifetime_s
    )


def find(asking: Resolver, name: str, kind: str) -> Answer:
    return uvloop.run(asking.find(name, kind))


def test_it_tells_records_as_plain_values(server: Nameserver) -> None:
    server.add("example.org", "MX", "20 B.example.org.", "10 a.example.org.", "0 .")
    server.add("a.example.org", "A", "192.0.2.1", "192.0.2.2")
    server.add("a.example.org", "AAAA", "2001:db8::1")
    server.add("_mta-sts.example.org", "TXT", "v=STSv1; id=1;")
    server.add("_25._tcp.a.example.org", "TLSA", "3 1 1 " + "ab" * 32)
    asking = resolver(server)
    assert find(asking, "Example.ORG", "MX").records == (
        (0, "."),
        (10, "a.example.org"),
        (20, "b.example.org"),
    )
    assert find(asking, "a.example.org", "A").records == ("192.0.2.1", "192.0.2.2")
    assert find(asking, "a.example.org", "AAAA").records == ("2001:db8::1",)
    assert find(asking, "_mta-sts.example.org", "TXT").records == (b"v=STSv1; id=1;",)
    assert find(asking, "_25._tcp.a.example.org", "TLSA").records == ((3, 1, 1, b"\xab" * 32),)


def test_it_follows_cnames_and_tells_the_name_at_their_end(server: Nameserver) -> None:
    server.add("mx.example.org", "CNAME", "b.example.org.")
    server.add("b.example.org", "CNAME", "c.example.org.")
    server.add("c.example.org", "A", "192.0.2.3")
    answer = find(resolver(server), "mx.example.org", "A")
    assert (answer.records, answer.canonical) == (("192.0.2.3",), "c.example.org")


def test_it_tells_what_is_not_there_from_what_cannot_be_told(server: Nameserver) -> None:
    server.add("example.org", "A", "192.0.2.1")
    server.broken.add("broken.example")
    asking = resolver(server)
    assert find(asking, "example.org", "MX") == Answer(canonical="example.org")
    assert find(asking, "none.example", "MX") == Answer(is_absent=True)
    assert "SERVFAIL" in find(asking, "broken.example", "MX").trouble


def test_a_silent_name_server_is_trouble(server: Nameserver) -> None:
    server.silent.add("silent.example")
    answer = find(resolver(server, lifetime_s=0.3), "silent.example", "MX")
    assert answer.trouble == "no answer within 0.3 s"


def test_a_name_server_that_is_not_there_is_trouble(server: Nameserver) -> None:
    asking = Resolver([("127.0.0.1", 9)], lifetime_s=0.5)
    assert find(asking, "example.org", "MX").trouble


@pytest.mark.parametrize(
    "raw", [b"", b"\x81\x80" + b"\xff" * 30, b"\x81\x80\0\1\0\1\0\0\0\0\xc0\x0c"]
)
def test_nonsense_is_trouble(server: Nameserver, raw: bytes) -> None:
    server.nonsense["example.org"] = raw
    assert find(resolver(server, lifetime_s=0.3), "example.org", "MX").trouble


def test_cnames_without_an_end_are_trouble(server: Nameserver) -> None:
    asking = resolver(server)
    for number in range(40):
        server.add(f"n{number}.example", "CNAME", f"n{number + 1}.example.")
    server.add("n40.example", "A", "192.0.2.1")
    answer = find(asking, "n0.example", "A")
    assert answer.trouble or answer.records == ()


def test_it_asks_again_over_tcp_when_the_answer_was_cut_off(server: Nameserver) -> None:
    server.truncates = True
    server.add("example.org", "MX", *(f"{n} mx{n}.example.org." for n in range(100)))
    records = find(resolver(server), "example.org", "MX").records
    assert [value for value, _ in records] == list(range(MOST_RECORDS))
    assert server.asked.count(("example.org", "MX")) == 2


@pytest.mark.parametrize(("ttl_s", "kept_s"), [(0, SHORTEST_S), (120, 120), (10**6, LONGEST_S)])
def test_it_keeps_what_it_learnt_as_long_as_it_may(
    server: Nameserver, ttl_s: int, kept_s: float
) -> None:
    clock = Clock()
    server.ttl_s = ttl_s
    server.add("example.org", "MX", "10 mx.example.org.")
    asking = resolver(server, clock=clock)
    find(asking, "example.org", "MX")
    clock.now_s += kept_s - 1
    find(asking, "example.org.", "MX")
    assert server.asked.count(("example.org", "MX")) == 1
    clock.now_s += 2
    find(asking, "example.org", "MX")
    assert server.asked.count(("example.org", "MX")) == 2


def test_it_keeps_absence_and_trouble_for_less(server: Nameserver) -> None:
    clock = Clock()
    server.ttl_s = 10**6
    server.broken.add("broken.example")
    asking = resolver(server, clock=clock)
    for name, kept_s in (("none.example", LONGEST_ABSENCE_S), ("broken.example", TROUBLE_S)):
        find(asking, name, "MX")
        once = server.asked.count((name, "MX"))
        clock.now_s += min(kept_s, 60) - 1
        find(asking, name, "MX")
        assert server.asked.count((name, "MX")) == once
        clock.now_s += kept_s
        find(asking, name, "MX")
        assert server.asked.count((name, "MX")) > once


def test_it_forgets_the_oldest_when_it_knows_much(
    server: Nameserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.resolver.MOST_ANSWERS", 3)
    asking = resolver(server)
    for number in range(4):
        find(asking, f"n{number}.example", "A")
    find(asking, "n3.example", "A")
    find(asking, "n0.example", "A")
    assert server.asked.count(("n3.example", "A")) == 1
    assert server.asked.count(("n0.example", "A")) == 2


def test_those_who_ask_at_once_share_one_question(server: Nameserver) -> None:
    server.add("example.org", "A", "192.0.2.1")
    asking = resolver(server)

    async def many() -> list[Answer]:
        impatient = asyncio.create_task(asking.find("example.org", "A"))
        others = [asyncio.create_task(asking.find("example.org", "A")) for _ in range(20)]
        await asyncio.sleep(0)
        # Who gives up does not end it for the others.
        impatient.cancel()
        return await asyncio.gather(*others)

    answers = uvloop.run(many())
    assert {answer.records for answer in answers} == {("192.0.2.1",)}
    assert server.asked.count(("example.org", "A")) == 1


def test_it_outlives_a_loop_that_ended_in_the_middle(server: Nameserver) -> None:
    server.silent.add("example.org")
    server.records["example.org", "A"] = ["192.0.2.1"]
    asking = resolver(server)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await asking.find("example.org", "A")

    uvloop.run(give_up())
    server.silent.clear()
    assert find(asking, "example.org", "A").records == ("192.0.2.1",)


def test_validation_counts_only_where_the_resolver_is_trusted_to_validate(
    server: Nameserver,
) -> None:
    server.add("example.org", "A", "192.0.2.1", secure=True)
    server.secure.add("none.example")
    server.add("plain.example", "A", "192.0.2.1")
    for validates in (True, False):
        asking = resolver(server, validates=validates)
        assert find(asking, "example.org", "A").is_secure is validates
        assert find(asking, "example.org", "MX").is_secure is validates
        assert find(asking, "none.example", "MX").is_secure is validates
        assert find(asking, "plain.example", "A").is_secure is False


@pytest.mark.parametrize("name", ["x" * 64 + ".example", ".".join(["abc"] * 80), "a..b", ""])
def test_a_name_that_dns_cannot_have_is_trouble_and_no_crash(server: Nameserver, name: str) -> None:
    answer = find(resolver(server), name, "A")
    assert answer.trouble or answer.is_absent
