"""Who may connect and try tokens over the network, by the address that it comes from.

Owns counting, in memory: a restart forgives. Takes the time as a number of seconds and speaks no
SMTP. Addresses of one IPv6 network of 64 bits count as one, for a single machine has them all.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable
from ipaddress import IPv4Address, IPv6Address, ip_address

MOST_CONNECTIONS = 500
MOST_BY_SOURCE = 50
# So many wrong tokens within so many seconds are enough of one source.
MOST_FAILURES = 10
WITHIN_S = 600.0
# Beyond this the source that failed longest ago is forgotten.
MOST_SOURCES = 10_000


def source_of(address: str) -> str:
    """What connections from this address are counted under."""
    try:
        found = plain_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        return f"{IPv6Address(int(found) >> 64 << 64)}/64"
    return str(found)


def plain_address(address: str) -> IPv4Address | IPv6Address:
    """The address without its zone; an IPv4 one that came in by an IPv6 socket as what it is.

    Raises ValueError if it is none.
    """
    found = ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


class Throttle:
    """Counts the open connections and the wrong tokens of each source."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        # Who has not said whose he is, the oldest first, and how to cut him off.
        self._strangers: dict[Hashable, Callable[[], None]] = {}
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def enter(self, source: str) -> bool:
        """Count a connection in; False if there are too many already, and it is not counted.

        When all places are taken, the stranger that has been there longest makes room: many sources
        that connect and say nothing keep nobody out.
        """
        if self._open[source] >= MOST_BY_SOURCE:
            return False
        if self._open.total() >= MOST_CONNECTIONS and not self._make_room():
            return False
        self._open[source] += 1
        return True

    def _make_room(self) -> bool:
        oldest = next(iter(self._strangers), None)
        if oldest is None:
            return False
        # He is counted out when his connection is lost, in a moment.
        self._strangers.pop(oldest)()
        return True

    def note_stranger(self, one: Hashable, cut_off: Callable[[], None]) -> None:
        """Note a connection that was counted in, and may be cut off for another."""
        self._strangers[one] = cut_off

    def note_known(self, one: Hashable) -> None:
        """Note that a connection is no stranger's any more, or is lost."""
        self._strangers.pop(one, None)

    def leave(self, source: str) -> None:
        """Count a connection out that was counted in."""
        self._open[source] -= 1
        if not self._open[source]:
            del self._open[source]

    def fail(self, source: str, now_s: float) -> None:
        """Note a wrong token."""
        failures = self._failures.setdefault(source, deque(maxlen=MOST_FAILURES))
        failures.append(now_s)
        self._failures.move_to_end(source)
        if len(self._failures) > MOST_SOURCES:
            self._failures.popitem(last=False)

    def is_barred(self, source: str, now_s: float) -> bool:
        """Whether so many of its tokens were wrong that it is not heard for a while."""
        failures = self._failures.get(source)
        if failures is None:
            return False
        if failures[-1] <= now_s - WITHIN_S:
            del self._failures[source]
            return False
        return len(failures) == MOST_FAILURES and failures[0] > now_s - WITHIN_S
