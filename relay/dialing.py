"""Which server of a route is tried when, and the connection to it.

Owns the order of the doors and the memory of those that nobody opened, or that let us down; what is
said inside is for `client`.
"""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from itertools import chain, zip_longest
from pathlib import Path

from relay.routes import Hop, Route, Tls

# Addresses tried before a message is deferred, as Postfix has it (smtp_mx_address_limit).
MOST_DOORS = 5
# While others are left, one gets this much of the time to connect, in seconds.
HASTE_S = 10.0
# For so long a door that did not open is tried after the others. A dead IPv6 connectivity then
# costs a time-out a minute, not one for each connection.
SHUN_S = 60.0
MOST_SHUNNED = 1000

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_shunned: OrderedDict[tuple[str, int], float] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Door:
    """One address of one server. `host` is an address, or a name that the system looks up."""

    name: str
    host: str
    port: int
    tls: Tls
    socket: Path | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether it is on this machine."""
        try:
            return self.socket is not None or ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        if self.socket:
            return self.name
        place = f"[{self.host}]" if self.host not in (self.name, self.name.strip("[]")) else ""
        return f"{self.name}{place}:{self.port}"


class Closed(Exception):
    """A door does not open; the words say why."""


def doors(route: Route, clock: Callable[[], float] = time.monotonic) -> list[Door]:
    """The doors to try, in their order: by rank, chance inside it, IPv6 and IPv4 in turn.

    What did not open lately, or let us down, comes last, whatever its rank.
    """
    if route.socket is not None:
        return [Door(route.name, "", 0, Tls(), route.socket)]
    hops = sorted(route.hops, key=lambda hop: (hop.rank, random.random()))  # noqa: S311
    found = [
        Door(hop.name, host, hop.port, hop.tls)
        for hop in hops
        for host in (_in_turn(hop) if hop.addresses else (hop.name,))
    ]
    now_s = clock()
    found.sort(key=lambda door: _shunned.get((door.host, door.port), 0.0) > now_s)
    return found[:MOST_DOORS]


async def enter(
    door: Door, timeout_s: float, limit: int, clock: Callable[[], float] = time.monotonic
) -> Streams:
    """Connect within `timeout_s`; lines may have `limit` bytes. Raises Closed."""
    try:
        async with asyncio.timeout(timeout_s):
            if door.socket is not None:
                return await asyncio.open_unix_connection(str(door.socket), limit=limit)
            return await asyncio.open_connection(door.host, door.port, limit=limit)
    except TimeoutError:
        why = f"no answer within {timeout_s:g} s"
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
    shun(door, clock)
    raise Closed(f"cannot connect to {door}: {why}")


def shun(door: Door, clock: Callable[[], float] = time.monotonic) -> None:
    """Try this door after the others for a while."""
    _shunned[door.host, door.port] = clock() + SHUN_S
    while len(_shunned) > MOST_SHUNNED:
        _shunned.popitem(last=False)


def _in_turn(hop: Hop) -> list[str]:
    """The addresses of a server: IPv6 first, then the families in turn (RFC 8305 §4)."""
    addresses = random.sample(hop.addresses, len(hop.addresses))
    families: dict[int, list[str]] = {4: [], 6: []}
    for host in addresses:
        families[_version(host)].append(host)
    return [host for host in chain(*zip_longest(families[6], families[4])) if host is not None]


def _version(host: str) -> int:
    try:
        return ip_address(host).version
    except ValueError:
        return 4
