"""Lists of addresses come apart as RFC 5322 has it, and what is no address is refused."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailqueue.addresses import BadAddress, envelope_address, listed
from mailqueue.headers import LONGEST_HEADER

HOST = "host.test"


def read(value: bytes) -> list[str | BadAddress]:
    return [envelope_address(raw, HOST) for raw in listed(value)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"a@example.org", ["a@example.org"]),
        (b"a@example.org, b@example.org", ["a@example.org", "b@example.org"]),
        (b'"Doe, Jane" <jane@example.org>', ["jane@example.org"]),
        (b"Jane Doe <jane@example.org>, b@c.example", ["jane@example.org", "b@c.example"]),
        (b"=?utf-8?q?a=2Cb=40evil=2Eexample?= <jane@example.org>", ["jane@example.org"]),
        (b"=?utf-8?q?Doe,_John?= <john@example.org>", ["john@example.org"]),
        (b"=?utf-8?q?Doe,_<evil@b.example>;?= <john@example.org>", ["john@example.org"]),
        (b"=?utf-8?q?Doe, John?= <a@b.example>, =?x?B?QQ==?= <c@d.example>",
         ["a@b.example", "c@d.example"]),
        (b"a@B.Example.ORG, Jane@b.example", ["a@b.example.org", "Jane@b.example"]),
        (b"jane@example.org (a, comment (nested) \\) b@evil.example)", ["jane@example.org"]),
        (b"(x)jane(y)@(z)example.org", ["jane@example.org"]),
        (b"undisclosed-recipients:;", []),
        (b"friends: a@example.org, B <b@example.org>;, c@d.example",
         ["a@example.org", "b@example.org", "c@d.example"]),
        (b",, a@example.org ,,", ["a@example.org"]),
        (b"", []),
        (b"   ", []),
        (b'"a b"@example.org', ['"a b"@example.org']),
        (b'"a, <b>" <c@example.org>', ["c@example.org"]),
        (b"jane . doe @ example . org", ["jane.doe@example.org"]),
        (b"<@relay.example,@b.example:jane@example.org>", ["jane@example.org"]),
        (b"root", ["root@host.test"]),
        (b"Root <root>", ["root@host.test"]),
        (b"a@[192.0.2.1]", ["a@[192.0.2.1]"]),
        (b"a@[IPv6:2001:db8::1], b@c.example", ["a@[IPv6:2001:db8::1]", "b@c.example"]),
        (b"a@example.org.", ["a@example.org"]),
        (b"a..b.@docomo.example", ["a..b.@docomo.example"]),
        ("jané@bücher.example".encode(), ["jané@bücher.example"]),
        (b"<a@example.org> <b@example.org>", ["a@example.org", "b@example.org"]),
        (b"o'neil+tag@example.org", ["o'neil+tag@example.org"]),
    ],
)  # fmt: skip
def test_it_finds_the_addresses(value: bytes, expected: list[str]) -> None:
    assert read(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        b"<>",
        b"a b@example.org",
        b"a@b@c.example",
        b"a@",
        b"@example.org",
        b"a@exa mple.org",
        b"a@-example.org",
        b"a@example..org",
        b"a\x01b@example.org",
        b"a\x0b@example.org",
        b"a\x7f@example.org",
        b"\xff@example.org",
        b"<a@example.org",
        b"<a@example.org <b@example.org>",
        b'"a@example.org, b@example.org',
        b"<a,b@example.org>",
        b"a>b@example.org",
        b'"a\\"b"@example.org',
        b"a" * 65 + b"@example.org",
        b"a@" + b"b" * 256,
        "a\u202e@example.org".encode(),
    ],
)
def test_what_is_no_address_is_refused_not_passed_over(value: bytes) -> None:
    assert any(isinstance(address, BadAddress) for address in read(value))


@pytest.mark.parametrize(
    "value",
    [
        b'"John Doe"',
        b'"root"',
        b"=?utf-8?q?Doe?=",
        b"=?utf-8?q?Doe,_John <a@b.example>",
        b"_John?=",
    ],
)
def test_a_name_alone_is_nobody_at_this_host(value: bytes) -> None:
    found = read(value)[0]
    assert isinstance(found, BadAddress)
    assert str(found).endswith(" is a name without an address")


def test_a_comment_without_end_swallows_nobody() -> None:
    [first, second] = read(b"a@example.org, Jane (Doe <b@example.org>, c@example.org")
    assert first == "a@example.org"
    assert isinstance(second, BadAddress)


@pytest.mark.parametrize("end", [b"\r", b"\n", b"\r\n", b"\0"])
def test_a_line_end_in_an_address_is_refused(end: bytes) -> None:
    for raw in (b"a@example.org" + end, end + b"a@b.example", b"a@example.org>" + end + b"RCPT"):
        assert isinstance(envelope_address(raw, HOST), BadAddress)


@pytest.mark.parametrize(
    "piece",
    [b",", b"<", b">", b"(", b"()", b'"', b'"\\', b"[", b"[a:", b"a ", b".", b" .", b":", b";",
     b"a", b" ", b"@", b"\\", b"a@b.c,", b"<a@b.c>", b"(a", b",:", b"<>",
     b"=?", b"=?a?q?", b"=?a?q?" + b"x" * 500],
)  # fmt: skip
def test_a_large_header_of_one_sign_takes_no_more_than_its_length(piece: bytes) -> None:
    begin = time.perf_counter()
    for _ in listed(piece * (LONGEST_HEADER // len(piece))):
        pass
    assert time.perf_counter() - begin < 10


@settings(deadline=None)
@given(st.binary() | st.text(alphabet='a@.,:;<>()"\\[] \t\n\r\0é').map(str.encode))
def test_it_never_raises_nor_lets_control_characters_through(value: bytes) -> None:
    for address in read(value):
        if isinstance(address, str):
            assert address.isprintable()
            local, at, domain = address.rpartition("@")
            assert local
            assert at
            assert domain
            assert "<" not in address
            assert ">" not in address
            # What came out is an address by itself.
            assert envelope_address(address.encode(), HOST) == address
