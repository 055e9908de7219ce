"""How the settings of routes are written: exceptions by domain, TLS by domain, name servers.

Owns the forms and the refusals of nonsense; `relay.mx` goes by what was read. Passwords stand in
some of it: no refusal quotes more than the domain.
"""

import re
import ssl
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

LEVELS = ("none", "opportunistic", "required", "verified")
# A domain, `.parent` for all below it, `*` for all others.
_DOMAIN = re.compile(r"\*|\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")
_PATTERN = re.compile(r"(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


class Smarthost(NamedTuple):
    """A server that takes mail for others; `is_implicit`: TLS before the greeting."""

    host: str
    port: int
    is_implicit: bool
    level: str
    user: str
    password: str


class Way(NamedTuple):
    """Where mail for a domain goes: kind "smarthost", "mx", "simulator" or "refuse"."""

    kind: str
    smarthost: Smarthost | None = None
    words: str = ""


class TlsPolicy(NamedTuple):
    """How much TLS a domain's servers must give, and which of them may be used: all, if none."""

    level: str
    servers: tuple[str, ...]


def read_routes(text: str) -> dict[str, Way]:
    """`domain way`, one a line or parted by semicolons. Raises ImproperlyConfigured for others."""
    routes: dict[str, Way] = {}
    for domain, rest in _entries("FACTEUR_ROUTES", text):
        kind, _, words = rest.partition(" ")
        if kind == "refuse":
            routes[domain] = Way("refuse", words=words.strip())
        elif rest in {"mx", "simulator"}:
            routes[domain] = Way(rest)
        else:
            routes[domain] = Way("smarthost", _smarthost(domain, rest))
    return routes


def read_tls_policies(text: str) -> dict[str, TlsPolicy]:
    """`domain level [server …]`, likewise."""
    policies: dict[str, TlsPolicy] = {}
    for domain, rest in _entries("FACTEUR_TLS_POLICY", text):
        level, *servers = rest.lower().split()
        if level not in LEVELS:
            raise ImproperlyConfigured(
                f"FACTEUR_TLS_POLICY has {level!r} for {domain}; it must be one of"
                f" {', '.join(LEVELS)}."
            )
        if servers and level != "verified":
            raise ImproperlyConfigured(
                f"FACTEUR_TLS_POLICY names servers for {domain}; this needs the level verified."
            )
        for server in servers:
            if not _PATTERN.fullmatch(server):
                raise ImproperlyConfigured(
                    f"FACTEUR_TLS_POLICY has {server!r} for {domain}; servers are named like"
                    " mx.example.org or *.example.org."
                )
        policies[domain] = TlsPolicy(level, tuple(servers))
    return policies


def read_smarthost(text: str) -> tuple[tuple[str, int] | None, bool]:
    """`host:port` or `smtps://host:port`: the address, and whether TLS is there from the start."""
    if not text:
        return None, False
    plain = text.removeprefix("smtps://")
    url, host, port = _url(f"//{plain}")
    if not host or not port or url.username is not None or url.path or url.query:
        raise ImproperlyConfigured(
            "FACTEUR_SMARTHOST must be host:port, or smtps://host:port for TLS from the start."
        )
    return (host, port), plain != text


def check_login(
    address: tuple[str, int] | None,
    *,
    user: str,
    password: str,
    level: str,
    is_implicit: bool,
    may_be_plain: bool,
) -> None:
    """Raise ImproperlyConfigured if a login is half there, or could go out in the clear only."""
    if bool(user) != bool(password):
        raise ImproperlyConfigured(
            "FACTEUR_SMARTHOST_USER and FACTEUR_SMARTHOST_PASSWORD go together; set both."
        )
    is_plain = level == "none" and not is_implicit
    if user and address and is_plain and not may_be_plain and not _is_loopback(address[0]):
        raise ImproperlyConfigured(
            "FACTEUR_SMARTHOST_TLS is none, and the password would go out in the clear; if that"
            " may be, set FACTEUR_SMARTHOST_PLAIN_AUTH to yes."
        )


def read_resolvers(words: Sequence[str]) -> list[tuple[str, int]]:
    """Addresses, with a port where it is not 53: `192.0.2.1:5353`, `[2001:db8::1]:5353`."""
    found = []
    for word in words:
        match = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::(\d+))?|([0-9.]+)(?::(\d+))?", word)
        host = (match[1] or match[3]) if match else word
        port = int((match[2] or match[4] or "53") if match else "53")
        try:
            found.append((str(ip_address(host)), port))
        except ValueError:
            port = 0
        if not 0 < port < 65536:
            raise ImproperlyConfigured(
                f"FACTEUR_RESOLVERS has {word!r}; it must hold addresses, with :port or without."
            )
    return found


def check_authorities(path: str) -> None:
    """Raise ImproperlyConfigured unless a file holds certificates, if one is named."""
    if not path:
        return
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"FACTEUR_TLS_CA_FILE must be a file of certificates in PEM form: {error}."
        ) from error


def _entries(name: str, text: str) -> Iterator[tuple[str, str]]:
    """Domains and what stands behind each; a line that begins with # is a remark."""
    seen = set()
    for line in re.split(r"[\n;]", text):
        words = line.split(maxsplit=1)
        if not words or words[0].startswith("#"):
            continue
        domain, rest = words[0].lower(), " ".join(words[1:])
        if not _DOMAIN.fullmatch(domain):
            raise ImproperlyConfigured(
                f"{name} has {domain[:80]!r}; an entry begins with a domain in ASCII form"
                " (xn--…), .domain for all below it, or *."
            )
        if not rest.strip():
            raise ImproperlyConfigured(f"{name} tells nothing for {domain}.")
        if domain in seen:
            raise ImproperlyConfigured(f"{name} has {domain} twice.")
        seen.add(domain)
        yield domain, rest.strip()


def _smarthost(domain: str, text: str) -> Smarthost:
    """`host:port`, or `smtp://user:password@host:port?tls=verified`, or the same with `smtps`."""
    url, host, port = _url(text if "://" in text else f"smtp://{text}")
    query = parse_qs(url.query, keep_blank_values=True)
    has_others = url.path or url.fragment or set(query) - {"tls"} or " " in text
    if url.scheme not in {"smtp", "smtps"} or not host or not port or has_others:
        raise ImproperlyConfigured(
            f"FACTEUR_ROUTES has for {domain} what is no way; it must be mx, simulator, refuse,"
            " host:port, or smtp://user:password@host:port (smtps:// for TLS from the start)."
        )
    user, password = unquote(url.username or ""), unquote(url.password or "")
    if bool(user) != bool(password):
        raise ImproperlyConfigured(f"FACTEUR_ROUTES has for {domain} half a login.")
    level = query.get("tls", ["verified" if user else "opportunistic"])[-1]
    if level not in LEVELS:
        raise ImproperlyConfigured(
            f"FACTEUR_ROUTES has tls={level} for {domain}; it must be one of {', '.join(LEVELS)}."
        )
    is_implicit = url.scheme == "smtps"
    if user and level == "none" and not is_implicit and not _is_loopback(host):
        raise ImproperlyConfigured(
            f"FACTEUR_ROUTES has tls=none for {domain}: the password would go out in the clear."
        )
    return Smarthost(host, port, is_implicit, level, user, password)


def _url(text: str) -> tuple[SplitResult, str, int]:
    """A URL with its host and port; without them, if it is none."""
    try:
        url = urlsplit(text)
        return url, url.hostname or "", url.port or 0
    except ValueError:
        return urlsplit(""), "", 0


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
