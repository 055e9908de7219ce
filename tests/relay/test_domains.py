"""Domains as DNS has them."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailqueue.domains import a_labels
from relay.domains import a_label_address, literal, matching


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("Example.ORG", "example.org"),
        ("example.org.", "example.org"),
        ("_sip.example.org", "_sip.example.org"),
        ("café.example", "xn--caf-dma.example"),
        ("CAFÉ.example", "xn--caf-dma.example"),
        ("cafe\u0301.example", "xn--caf-dma.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("ｅｘａｍｐｌｅ.org", "example.org"),
        ("localhost", "localhost"),
    ],
)
def test_it_writes_a_domain_in_a_labels(domain: str, name: str) -> None:
    assert a_labels(domain) == name


@pytest.mark.parametrize(
    "domain",
    [
        *("", ".", "a..b", "-a.example", "a-.example", "a b.example", "x" * 64 + ".example"),
        *("é" * 60, ".".join(["abc"] * 64), "[192.0.2.1]", "a@b", "a/b", "a\u2028b.example"),
    ],
)
def test_it_takes_nothing_else_for_a_domain(domain: str) -> None:
    assert a_labels(domain) is None


@given(st.text(max_size=80))
def test_whatever_comes_out_can_be_asked_for(text: str) -> None:
    name = a_labels(text)
    if name is not None:
        assert name.isascii()
        assert 0 < len(name) <= 253
        assert all(0 < len(label) <= 63 for label in name.split("."))
        assert a_labels(name) == name


def test_it_reads_the_address_in_a_literal() -> None:
    assert literal("[192.0.2.1]") == ip_address("192.0.2.1")
    assert literal("[IPv6:2001:db8::1]") == ip_address("2001:db8::1")
    for other in ("192.0.2.1", "[2001:db8::1]", "[IPv6:192.0.2.1]", "[1.2.3]", "[IPv6:fe80::1%a]"):
        assert literal(other) is None


@given(st.text(max_size=40))
def test_no_text_is_too_strange_for_a_literal(text: str) -> None:
    literal(f"[{text}]")


def test_an_address_is_written_so_that_old_servers_take_it() -> None:
    assert a_label_address("a@café.example") == "a@xn--caf-dma.example"
    assert a_label_address("é@café.example") == "é@café.example"
    assert a_label_address("a@example.org") == "a@example.org"
    assert a_label_address("") == ""


def test_the_nearest_entry_counts() -> None:
    table = {"example.org": 1, ".example.org": 2, ".org": 3, ".mx.example.org": 4, "*": 5}
    for domain, entry in {
        "example.org": 1,
        "a.example.org": 2,
        "a.b.example.org": 2,
        "mx.example.org": 2,
        "a.mx.example.org": 4,
        "other.org": 3,
        "org": 5,
        "example.net": 5,
    }.items():
        assert matching(domain, table) == entry
    assert matching("example.net", {".org": 3}) is None
