"""A route: the servers to hand mail to, in their order, and what must hold on the way. Values only.

`mx` finds routes, `client` takes them. Equal routes share connections, however many domains have
them: nothing in one depends on the domain that it was found for.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path


class Level(StrEnum):
    """How much TLS a server must give."""

    NONE = "none"  # never asked for
    OPPORTUNISTIC = "opportunistic"  # if it can be had, from whomever
    REQUIRED = "required"  # encrypted, with whomever
    VERIFIED = "verified"  # with a certificate for the name of the server, by an authority
    DANE = "dane"  # with a certificate that a TLSA record vouches for


@dataclass(frozen=True, slots=True)
class Association:
    """A usable TLSA record (RFC 6698 §2.1): usage 2 or 3, selector 0 or 1, matching 0, 1 or 2."""

    usage: int
    selector: int
    matching: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Tls:
    """What is demanded of one server. `why` tells whose wish it is, for people."""

    level: Level = Level.OPPORTUNISTIC
    why: str = field(default="", compare=False)
    # TLS before the greeting (RFC 8314 §3.3) rather than after STARTTLS.
    is_implicit: bool = False
    associations: tuple[Association, ...] = ()
    # What the server is asked for, and its certificate named, where that is not its own name.
    name: str = ""

    @property
    def is_demanded(self) -> bool:
        """Whether mail must not go in the clear."""
        return self.is_implicit or self.level not in {Level.NONE, Level.OPPORTUNISTIC}


@dataclass(frozen=True, slots=True)
class Login:
    """What a server that wants AUTH gets; only over TLS or loopback, unless `may_be_plain`."""

    user: str
    password: str = field(repr=False)
    may_be_plain: bool = False


@dataclass(frozen=True, slots=True)
class Hop:
    """One server: its name, port and addresses; without addresses the system finds them.

    Of several, those of the lowest `rank` are tried first, in any order (RFC 5321 §5.1).
    """

    name: str
    port: int
    addresses: tuple[str, ...] = ()
    rank: int = 0
    tls: Tls = Tls()


@dataclass(frozen=True, slots=True)
class Route:
    """The way to a server: over one of the hops, or a Unix socket. `name` is for people."""

    name: str
    hops: tuple[Hop, ...] = ()
    socket: Path | None = None
    login: Login | None = None

    @classmethod
    def to(cls, name: str, address: tuple[str, int] | Path) -> "Route":
        """The route to one server, by host and port or by a Unix socket."""
        if isinstance(address, Path):
            return cls(name, socket=address)
        host, port = address
        return cls(name, (Hop(name, port, (host,)),))

    def __str__(self) -> str:
        return (
            self.name if self.socket else ", ".join(f"{hop.name}:{hop.port}" for hop in self.hops)
        )
