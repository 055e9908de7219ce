"""Addresses that mail found by DNS must not go to: those of nobody, of ourselves, of a private net.

Whoever may write to a domain may name any address in its DNS, and our server stands where others
do not. Owns the ranges (IANA's special-purpose registries, RFC 6890); pure.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_REFUSED: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(text), words)
    for text, words in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private use"),
        ("100.64.0.0/10", "shared use (CGNAT)"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private use"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relays"),
        ("192.168.0.0/16", "private use"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("::/128", "nobody's"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0/96", "IPv4-mapped"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        # A local translator's (RFC 8215): what lies behind it cannot be told.
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard only"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private use"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)
# A translator's public prefix (RFC 6052): such an address is what the IPv4 address in it is.
_NAT64 = IPv6Network("64:ff9b::/96")


def refusal(address: Address, allowed: Iterable[Network]) -> str | None:
    """Why mail must not go to `address`, in a word or two; None if it may.

    What lies in one of the `allowed` networks may.
    """
    if any(address in network for network in allowed):
        return None
    if address in _NAT64:
        inner = refusal(IPv4Address(int(address) & 0xFFFF_FFFF), allowed)
        return f"NAT64 of {inner}" if inner else None
    return next((words for network, words in _REFUSED if address in network), None)
