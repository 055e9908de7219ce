"""Which addresses are our own doors: mail that went there would come in again."""

import socket
from collections.abc import Sequence
from ipaddress import ip_address


def is_ours(address: str, doors: Sequence[str]) -> bool:
    """Whether one who listens at `doors`, addresses or `localhost`, listens at `address`.

    Note: behind a translator our public address is none that this machine knows of.
    """
    for door in doors:
        if door == address or (door == "localhost" and ip_address(address).is_loopback):
            return True
        if door in {"0.0.0.0", "::"} and _is_local(address):  # noqa: S104 - a question
            return True
    return False


def _is_local(address: str) -> bool:
    """Whether this machine has the address: then alone a socket can be bound to it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
