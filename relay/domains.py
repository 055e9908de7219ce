"""The domain of an address as DNS has it: A-labels, or the address that a literal names. Pure.

Never raises on what strangers wrote: what is no domain is None.
"""

import re
import unicodedata
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TypeVar

V = TypeVar("V")

# RFC 1035 §2.3.4, without the final dot.
LONGEST_NAME = 253
LONGEST_LABEL = 63
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?")
# Signs that stand for a dot (RFC 3490 §3.1).
_DOTS = re.compile("[\u3002\uff0e\uff61]")


def a_labels(domain: str) -> str | None:
    """The domain in lower case, each label in ASCII (RFC 5890); None if it is none.

    Letters are mapped as browsers do (UTS #46, non-transitional): ß stays itself. Whether all of
    them may stand in a name is for those to say who register it: a name that nobody has is not
    found.
    """
    labels = _DOTS.sub(".", domain).removesuffix(".").split(".")
    names = [_a_label(label) for label in labels]
    name = ".".join(label or "" for label in names)
    return name if all(names) and len(name) <= LONGEST_NAME else None


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


def _a_label(label: str) -> str | None:
    if not label.isascii():
        mapped = unicodedata.normalize("NFKC", label.lower())
        if not mapped.isascii():
            if not all(sign.isprintable() and not sign.isspace() for sign in mapped):
                return None
            mapped = f"xn--{mapped.encode('punycode').decode('ascii')}"
        label = mapped
    label = label.lower()
    return label if len(label) <= LONGEST_LABEL and _LABEL.fullmatch(label) else None
