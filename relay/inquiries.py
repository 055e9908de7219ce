"""What must be found out for screening: whether hosts live, whether they have https, who is listed.

Owns how that is asked, out of band and within bounds; what is wanted, and what was found out, is
kept by `mailqueue.facts`. A link is never followed: it may work only once. All that a host sees is
a question to its DNS and, where an https link names it, a handshake that goes no further. What may
not be reached (`networks`) is not.

Only what is certain speaks against a host. It is dead if DNS has no such name, or no address for
it; a resolver that is silent or broken says nothing. It lacks https if its port 443 is closed at
each of its addresses, or speaks something else than TLS, while its port 80 takes connections.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any, TypeVar

from django.conf import settings

from mailqueue import facts
from mailqueue.facts import Host, Question, Said, Seen, Trouble
from relay import tls
from relay.database import in_database
from relay.mta_sts import Finder
from relay.networks import refusal
from relay.routes import Level

# What is found out in one run, at once, and how long all of it may take, in seconds.
MOST = 100
AT_ONCE = 20
WITHIN_S = 12.0
# A connection with its handshake, in seconds.
HANDSHAKE_S = 4.0
# Of a host so many of its addresses are tried, of IPv4 and of IPv6.
MOST_ADDRESSES = 2
# How the other side speaks if that is no TLS, in OpenSSL's words. An alert is TLS.
_NO_TLS = frozenset(
    {
        "HTTP_REQUEST",
        "HTTPS_PROXY_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
        "UNKNOWN_PROTOCOL",
        "WRONG_VERSION_NUMBER",
    }
)
# 127.0.0.1: URIBL's and others' word for who may not ask. The rest are Spamhaus's, which others
# took up.
_ERRORS = {
    "127.0.0.1": Trouble.REFUSES,
    "127.255.255.252": Trouble.MISNAMED,
    "127.255.255.254": Trouble.PUBLIC,
    "127.255.255.255": Trouble.OFTEN,
}

W = TypeVar("W")
F = TypeVar("F")

logger = logging.getLogger("facteur.facts")


@dataclass(frozen=True, slots=True)
class Ports:
    """Where hosts are looked for; others than the usual ones are for trials."""

    https: int = 443
    http: int = 80


USUAL = Ports()


async def check_due(
    clock: Callable[[], datetime], finder: Finder, ports: Ports = USUAL, limit: int = MOST
) -> int:
    """Find out what is due, write it down, and say how much that was.

    Takes about WITHIN_S at most: what is not found out by then is due again in some minutes.
    Raises django.db.Error if the database is away.
    """
    if settings.DNSBL:
        await in_database(facts.want_own, clock())
    hosts, questions = await in_database(facts.take, clock(), limit)
    seen, said = await asyncio.gather(
        _all_of(hosts, lambda host: look_at(host, finder, ports)),
        _all_of(questions, lambda question: ask(question, finder)),
    )
    await in_database(facts.learn, seen, clock())
    await in_database(facts.hear, said, clock())
    return len(seen) + len(said)


async def look_at(host: Host, finder: Finder, ports: Ports = USUAL) -> Seen:
    """Whether a host lives, and has https if links say so."""
    answers = await asyncio.gather(*(finder.find(host.name, kind) for kind in ("A", "AAAA")))
    if not any(answer.records for answer in answers):
        # Some servers deny one kind in the wrong way; who has neither is not there.
        is_known = not any(answer.trouble for answer in answers)
        return Seen(host.name, is_known=is_known, is_dead=is_known)
    if not host.is_secure:
        return Seen(host.name)
    addresses = [
        address
        for answer in answers
        for address in answer.records[:MOST_ADDRESSES]
        if refusal(ip_address(address), settings.ALLOW_NETWORKS) is None
    ]
    return Seen(host.name, lacks_https=await _lacks_https(host.name, addresses, ports))


async def ask(question: Question, finder: Finder) -> Said:
    """What a reputation list says of an address (RFC 5782 §2)."""
    name = f"{_reversed(question.address)}.{question.zone}"
    answer = await finder.find(name, "A")
    if answer.trouble:
        return Said(question, trouble=Trouble.SILENT)
    for address in answer.records:
        if trouble := _ERRORS.get(address):
            return Said(question, trouble=trouble)
        if not address.startswith("127.") or address.startswith("127.255.255."):
            return Said(question, trouble=Trouble.STRANGE)
    return Said(question, answer=next(iter(answer.records), ""))


def _reversed(address: str) -> str:
    """As lists are asked: octets, or nibbles of IPv6, the last one first."""
    pointer = ip_address(address).reverse_pointer
    return pointer.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")


async def _lacks_https(name: str, addresses: Sequence[str], ports: Ports) -> bool:
    """Whether none of the addresses has TLS for this name, though one of them has http."""
    if not addresses:
        return False
    speaks = await asyncio.gather(*(_speaks_tls(one, ports.https, name) for one in addresses))
    if any(one is not False for one in speaks):
        return False
    return any(await asyncio.gather(*(_connects(one, ports.http) for one in addresses)))


async def _speaks_tls(address: str, port: int, name: str) -> bool | None:
    """Whether there is TLS at a port, whatever its certificate; None if that cannot be told."""
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            context = tls.context(Level.OPPORTUNISTIC)
            _, writer = await asyncio.open_connection(
                address, port, ssl=context, server_hostname=name
            )
    except ConnectionRefusedError:
        return False
    except ssl.SSLError as error:
        # An alert is said in TLS: there is some, and it does not like ours.
        return False if error.reason in _NO_TLS else None
    except (OSError, TimeoutError, ValueError):
        # Silence, a broken line, or a name that no certificate can have.
        return None
    writer.transport.abort()
    return True


async def _connects(address: str, port: int) -> bool:
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            _, writer = await asyncio.open_connection(address, port)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


async def _all_of(wanted: Sequence[W], find_out: Callable[[W], Coroutine[Any, Any, F]]) -> list[F]:
    """What was found out of these, some at once, in the time there is."""
    room = asyncio.Semaphore(AT_ONCE)
    found: list[F] = []

    async def one(thing: W) -> None:
        async with room:
            try:
                found.append(await find_out(thing))
            except Exception:
                # A fault of ours must not keep the others from being found out.
                logger.exception("wanted=%r fact=broken", thing)

    tasks = [asyncio.create_task(one(thing)) for thing in wanted]
    try:
        async with asyncio.timeout(WITHIN_S):
            await asyncio.gather(*tasks)
    except TimeoutError:
        logger.info("wanted=%d found=%d late=yes", len(wanted), len(found))
    return found
