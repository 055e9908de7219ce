"""Where mail for a domain goes next.

Owns the choice of a server, from the settings; `client` talks to it.
"""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from mailqueue.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Route:
    """A server to hand mail to: its name for people, and a host with port or a Unix socket."""

    name: str
    address: tuple[str, int] | Path

    def __str__(self) -> str:
        return f"{self.name}:{self.address[1]}" if isinstance(self.address, tuple) else self.name


async def route_for(domain: str) -> Route | Outcome:
    """The server that takes mail for `domain`, or why none does: by the setting ROUTE."""
    if settings.ROUTE == "smarthost" and settings.SMARTHOST is not None:
        host, port = settings.SMARTHOST
        return Route(host, (host, port))
    return Route("simulator", Path(settings.SIMULATOR_SOCKET))
