"""What the settings of the submission listeners must be to make sense together.

Owns the refusals of `settings` for them; `relay.submission` listens.
"""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.core.exceptions import ImproperlyConfigured

Network = IPv4Network | IPv6Network

LOOPBACK = ("127.0.0.0/8", "::1/128")
# Who is in one of these is near: private use (RFC 1918, RFC 4193), shared use (RFC 6598), one link.
_PRIVATE = [
    ip_network(text)
    for text in (
        *LOOPBACK,
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
]


def check_submission(
    listeners: Sequence[tuple[str, int, bool]],
    certificate: str,
    key: str,
    plain_networks: Sequence[Network],
) -> None:
    """Raise ImproperlyConfigured if a token could travel in the clear, or TLS could not begin."""
    for network in plain_networks:
        if not any(_is_within(network, private) for private in _PRIVATE):
            raise ImproperlyConfigured(
                f"FACTEUR_SUBMISSION_PLAIN_NETWORKS holds {network}; it must hold private networks."
            )
    if bool(certificate) != bool(key):
        raise ImproperlyConfigured(
            "FACTEUR_SUBMISSION_CERTIFICATE and FACTEUR_SUBMISSION_KEY go together; set both."
        )
    if certificate:
        return
    for host, port, is_tls in listeners:
        if is_tls or not _is_near(host, plain_networks):
            raise ImproperlyConfigured(
                f"FACTEUR_SUBMISSION_LISTEN has {host}:{port}; this needs"
                " FACTEUR_SUBMISSION_CERTIFICATE and FACTEUR_SUBMISSION_KEY."
            )


def _is_near(host: str, plain_networks: Sequence[Network]) -> bool:
    """Whether only callers that may speak without TLS come to this address."""
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or any(
        # 0.0.0.0 and :: are every address of the machine.
        address in network and not address.is_unspecified
        for network in plain_networks
    )


def _is_within(network: Network, other: Network) -> bool:
    if isinstance(network, IPv4Network) and isinstance(other, IPv4Network):
        return network.subnet_of(other)
    if isinstance(network, IPv6Network) and isinstance(other, IPv6Network):
        return network.subnet_of(other)
    return False
