"""Delivery: mails a second from the first MAIL FROM to the last final dot.

Each outcome is committed. Ours by a run like one of a worker's processes, with its connections as
they come; Postfix with its queue manager, and its settings as they come, unless the row says that
both have as many connections. Where both are compared ours does not look at what it sends, as
Postfix does not; a row of its own tells what screening makes of that.
"""

from dataclasses import dataclass

from bench.figures import POSTFIX, Row
from bench.house import House, has_routes
from bench.load import by_smtp, by_xsendmail, message_of
from bench.postfix import Postfix
from bench.sinks import Sink, sink
from bench.stage import Stage

MAILS = 1000
EQUAL = 10
LATENCY_S = 0.02
FAST = Row("delivery to a fast server, 1 destination", "mails/s", target="≥ 2")
MANY = Row("delivery to fast servers, 20 destinations", "mails/s", target="≥ 2")
FAR = Row(f"delivery to a server 20 ms away, {EQUAL} connections each", "mails/s", target="≥ 1.2")
SCREENED = Row(
    "delivery to a fast server, each message screened", "mails/s", alone="Postfix has no screening"
)
ONE = ("example.org",)
TWENTY = tuple(f"d{number}.example" for number in range(1, 21))


@dataclass(frozen=True, slots=True)
class _Race:
    """One row: where mail goes, how far that is, and with how many connections."""

    row: Row
    domains: tuple[str, ...]
    latency_s: float = 0
    connections: int | None = None
    # The setting SCREENING.
    screening: str = "off"


async def measure(stage: Stage) -> None:
    """Fill the queues and empty them, to one server, to twenty, and to a far one."""
    await _run(stage, _Race(FAST, ONE))
    await _run(stage, _Race(SCREENED, ONE, screening="hold"))
    if has_routes():
        await _run(stage, _Race(MANY, TWENTY))
    else:
        print("  20 destinations: mail of a domain cannot be given a route of its own yet")
    await _run(stage, _Race(FAR, ONE, LATENCY_S, EQUAL))


async def _run(stage: Stage, race: _Race) -> None:
    hosts = tuple(f"127.0.0.{number}" for number in range(1, len(race.domains) + 1))
    async with sink(hosts, race.latency_s) as server:
        routes = {
            domain: (host, server.port) for domain, host in zip(race.domains, hosts, strict=True)
        }
        settings = {"smarthost": f"127.0.0.1:{server.port}", "screening": race.screening}
        if len(routes) > 1:
            settings["routes"] = "; ".join(
                f"{domain} {host}:{port}" for domain, (host, port) in routes.items()
            )
        houses = stage.houses(**settings)
        postfix = None if race.row.alone else stage.postfix(routes)
        for _ in stage.each_round():
            for kind, house in houses.items():
                rate = await _of_house(stage, house, server, race)
                stage.figures.note(race.row, kind, rate)
            if postfix is not None:
                rate = await _of_postfix(stage, postfix, server, race)
                stage.figures.note(race.row, POSTFIX, rate)


async def _of_house(stage: Stage, house: House, server: Sink, race: _Race) -> float:
    each = stage.mails(MAILS) // len(race.domains)
    with house.accepting():
        for domain in race.domains:
            recipients = (f"client@{domain}".encode(),)
            await by_xsendmail(house.socket, each, 20, message_of(4000), recipients)
    server.expect(each * len(race.domains))
    await house.deliver(race.connections)
    return each * len(race.domains) / await server.elapsed()


async def _of_postfix(stage: Stage, postfix: Postfix, server: Sink, race: _Race) -> float:
    each = stage.mails(MAILS) // len(race.domains)
    with postfix.accepting():
        for domain in race.domains:
            recipient = f"client@{domain}".encode()
            await by_smtp(postfix.address, each, 20, message_of(4000), recipient, are_kept=True)
    server.expect(each * len(race.domains))
    with postfix.delivering(race.connections):
        return each * len(race.domains) / await server.elapsed()
