"""Where mail found by DNS may go."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.networks import refusal


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.7",
        "203.0.113.9",
        "224.0.0.1",
        "239.1.1.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a00:1",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:0:808:808::1",
        "2001:db8::1",
        "2002:808:808::1",
        "2002:7f00:1::1",
        "3fff::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ],
)
def test_it_refuses_addresses_that_are_nobodys_mail_server(text: str) -> None:
    assert refusal(ip_address(text), [])


@pytest.mark.parametrize(
    "text",
    [
        "8.8.8.8",
        "100.63.255.255",
        "100.128.0.0",
        "172.15.255.255",
        "172.32.0.1",
        "192.0.1.1",
        "223.255.255.255",
        "2a00:1450::1b",
        "2001:41d0::1",
        "2606:4700::1111",
        "64:ff9b::808:808",
    ],
)
def test_it_lets_through_addresses_of_the_internet(text: str) -> None:
    assert refusal(ip_address(text), []) is None


def test_an_administrator_may_allow_a_network() -> None:
    allowed = [ip_network("127.0.0.0/8"), ip_network("fd00::/8")]
    assert refusal(ip_address("127.0.0.2"), allowed) is None
    assert refusal(ip_address("fd12::1"), allowed) is None
    assert refusal(ip_address("64:ff9b::7f00:1"), allowed) is None
    assert refusal(ip_address("::ffff:127.0.0.1"), allowed) == "IPv4-mapped"
    assert refusal(ip_address("::1"), allowed) == "loopback"


@given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)))
def test_what_pythons_registry_has_as_not_global_is_refused(
    address: IPv4Address | IPv6Address,
) -> None:
    if not address.is_global or address.is_multicast:
        assert refusal(address, []) is not None
