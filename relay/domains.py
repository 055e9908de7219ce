"""What follows the @ of an address: a domain, or the address that a literal names. Pure.

Never raises on what strangers wrote: what is no domain is None.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeVar

from mailqueue.domains import a_labels

V = TypeVar("V")


def literal(domain: str) -> IPv4Address | IPv6Address | None:
    """The address in `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3); None for others."""
    if not (domain.startswith("[") and domain.endswith("]")):
        return None
    text = domain[1:-1]
    is_tagged = text[:5].lower() == "ipv6:"
    try:
        address = ip_address(text[5:] if is_tagged else text)
    except ValueError:
        return None
    return address if (address.version == 6) == is_tagged and "%" not in text else None


def a_label_address(address: str) -> str:
    """The address with its domain in A-labels, so that servers without SMTPUTF8 take it.

    As it is, where its local part needs SMTPUTF8 anyway, or its domain is none.
    """
    local, at, domain = address.rpartition("@")
    if domain.isascii() or not local.isascii():
        return address
    name = a_labels(domain)
    return f"{local}{at}{name}" if name else address


def matching(domain: str, table: Mapping[str, V]) -> V | None:
    """The entry for a domain: its own, else that of the nearest `.parent`, else `*`, else None."""
    if domain in table:
        return table[domain]
    rest = domain
    while rest:
        rest = rest.partition(".")[2]
        if rest and f".{rest}" in table:
            return table[f".{rest}"]
    return table.get("*")
