"""Who sent a request, and over what, when proxies stand in between.

A header is believed only from the addresses in FACTEUR_TRUSTED_PROXIES: anybody else can write
what he likes into it. Used by what throttles and by the journal.
"""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Answer = Callable[[HttpRequest], HttpResponse]
# Longer chains of proxies are none of ours: what stands further left is not read.
MOST_PROXIES = 20


def client_address(request: HttpRequest) -> str:
    """The address of whoever sent the request; empty if it came without one.

    Each proxy writes at the right end of X-Forwarded-For whom it got the request from: read from
    there, the first address that is no proxy of ours is the client. What lies further left was
    written by the client.
    """
    found = _address(request.META.get("REMOTE_ADDR", ""))
    if found is None:
        return ""
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    for hop in hops[: -MOST_PROXIES - 1 : -1]:
        before = _address(hop) if _is_trusted(found) else None
        if before is None:
            break
        found = before
    return str(found)


def forwarded_scheme(get_response: Answer) -> Answer:
    """Take `https` for the scheme of a request that a trusted proxy got over TLS."""

    def answer(request: HttpRequest) -> HttpResponse:
        scheme = request.META.get("HTTP_X_FORWARDED_PROTO", "").strip().lower()
        if scheme in {"http", "https"}:
            peer = _address(request.META.get("REMOTE_ADDR", ""))
            if peer is not None and _is_trusted(peer):
                request.META["wsgi.url_scheme"] = scheme
        return get_response(request)

    return answer


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.strip())
    except ValueError:
        return None
    # ::ffff:192.0.2.1 is 192.0.2.1, as a socket for both families tells it.
    return getattr(found, "ipv4_mapped", None) or found


def _is_trusted(address: IPv4Address | IPv6Address) -> bool:
    return any(address in network for network in settings.TRUSTED_PROXIES)
