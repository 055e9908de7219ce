"""What each destination is given in this run, by what is known of it.

Owns the connections and the rate of a destination now, and what is learned of it on the way; the
rules are `mailqueue.pace`'s, and `mailqueue.destinations` keeps what was learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailqueue import destinations, pace
from mailqueue.outcomes import Outcome, Result
from mailqueue.pace import Limits, Pace
from mailqueue.providers import provider_of
from relay.database import in_database
from relay.mx import Route

SMTP = 25
# How far messages may come before their time, in seconds: bursts are short.
BURST_S = 2.0
# A rate is not known of a destination before so many messages were answered.
FEW = 20
# What waits here for a destination: as much as it takes in so many seconds, and at least so much.
ROOM_S = 10.0
ROOM = 400
LEAST_ROOM = 10
# How far ahead a message is put off at most: what was learned may be wrong.
FARTHEST = timedelta(minutes=10)
NEAREST = timedelta(seconds=2)


@dataclass(slots=True, eq=False)
class Destination:
    """A provider, or the servers of one route: its limits, its pace, and what it has now."""

    name: str
    limits: Limits
    pace: Pace
    runs: int = 1
    # Slots that work on it, over all its routes.
    hands: int = 0
    # What was put off or turned away in this run.
    waiting: int = 0
    # What the database knew of it last.
    _known: Pace = field(default_factory=Pace)
    _taken: int = 0
    _answered: int = 0
    _began_s: float = 0.0
    # When the next message has its time, by the loop's clock, and the next that is put off.
    _next_s: float = 0.0
    _put_off_until: datetime | None = None

    @property
    def allowed(self) -> Limits:
        """What it is given now."""
        return pace.allowed(self.limits, self.pace, self.runs)

    def may_begin(self, now_s: float) -> bool:
        """Whether another slot may begin to work on it."""
        return self.hands < self.allowed.connections and self.wait_s(now_s) <= 0

    def wait_s(self, now_s: float) -> float:
        """How long until its rate lets the next message go, in seconds."""
        return self._next_s - BURST_S - now_s if self.allowed.per_minute else 0.0

    def spend(self, now_s: float) -> None:
        """Count a message that goes now."""
        if per_minute := self.allowed.per_minute:
            self._next_s = max(self._next_s, now_s) + 60 / per_minute

    def room(self, now_s: float) -> int:
        """How many jobs may wait for it in memory."""
        if not self.allowed.per_minute:
            return ROOM
        return min(ROOM, max(LEAST_ROOM, int(ROOM_S * self._rate(now_s))))

    def learn(self, outcomes: Sequence[Outcome], now: datetime, now_s: float) -> bool:
        """Learn from what became of a message; whether it wants less from now on."""
        self._began_s = self._began_s or now_s
        self._answered += 1
        self._taken += any(outcome.result is Result.DELIVERED for outcome in outcomes)
        words = next((outcome.reply for outcome in outcomes if pace.wants_less(outcome)), None)
        if words is not None:
            self.pace, self._taken = pace.slower(self.pace, now, words), 0
        elif self._taken >= pace.MESSAGES_OF_STEP:
            self.pace, self._taken = pace.faster(self.pace, self._taken), 0
        return words is not None

    def is_away(self, trouble: Outcome, now: datetime) -> None:
        """Learn that it could not be reached."""
        self.pace = pace.away(self.pace, now, trouble.reply)

    def answers(self) -> None:
        """Learn that it can be reached again."""
        if self.pace.share == pace.USUAL and not self.pace.is_usual:
            self.pace = Pace()

    def slots(self, number: int, now: datetime, now_s: float) -> list[datetime]:
        """When so many jobs that find no room are to be due: spread out as it takes them.

        Twice as fast as it seems to take them: who comes too early is put off again, who comes too
        late leaves it idle.
        """
        start = max(now + NEAREST, self._put_off_until or now, self.pace.wait_until or now)
        step = timedelta(seconds=1 / (2 * self._rate(now_s)))
        self._put_off_until = min(start + number * step, max(start, now + FARTHEST))
        return [min(start + place * step, self._put_off_until) for place in range(number)]

    def changed(self) -> tuple[Pace, Pace] | None:
        """What the database knew, and what is known now, if that is another."""
        return (self._known, self.pace) if self._known != self.pace else None

    def is_kept(self, stored: Pace) -> None:
        """Go on from what is stored."""
        self.pace = self._known = stored

    def _rate(self, now_s: float) -> float:
        """Messages in a second, as it takes them or is given them."""
        if per_minute := self.allowed.per_minute:
            return per_minute / 60
        if self._answered < FEW:
            return float(FEW)
        return max(1.0, self._answered / max(0.1, now_s - self._began_s))


class Destinations:
    """All destinations of a run."""

    def __init__(self) -> None:
        self._by_name: dict[str, Destination] = {}
        self._paces: dict[str, Pace] = {}
        self._runs = 1

    def of(self, route: Route) -> tuple[Destination, Destination]:
        """The destination that a route belongs to, and the route's own server."""
        name = _name_of(route)
        servers = [hop.name for hop in route.hops]
        server = self._get(name, servers)
        provider = provider_of(servers)
        return (self._get(provider.name, servers) if provider else server), server

    async def refresh(self, now: datetime, runs: int | None = None) -> None:
        """Learn what other runs learned, and how many there are."""
        self._runs = runs or self._runs
        await self.keep()
        self._paces = await in_database(destinations.paces, now)
        for name, destination in self._by_name.items():
            destination.runs = self._runs
            # What was learned meanwhile is kept the next time.
            if destination.changed() is None:
                destination.is_kept(self._paces.get(name, Pace()))

    async def keep(self) -> None:
        """Write down what was learned since the last time."""
        changes = {
            name: change
            for name, one in self._by_name.items()
            if (change := one.changed()) is not None
        }
        if changes:
            waiting = {name: self._by_name[name].waiting for name in changes}
            for name, stored in (await in_database(destinations.keep, changes, waiting)).items():
                # What was learned while this was written is not lost: it is kept the next time.
                if self._by_name[name].pace == changes[name][1]:
                    self._by_name[name].is_kept(stored)

    def _get(self, name: str, servers: Sequence[str]) -> Destination:
        if name not in self._by_name:
            limits = destinations.limits_of(name, servers)
            known = self._paces.get(name, Pace())
            self._by_name[name] = Destination(name, limits, known, self._runs, _known=known)
        return self._by_name[name]


def _name_of(route: Route) -> str:
    """What a route is called where it is remembered; with the port, if that is a strange one."""
    ports = {hop.port for hop in route.hops} - {SMTP}
    return ":".join([route.name[:240], *map(str, sorted(ports)[:1])])
