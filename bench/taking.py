"""Acceptance: mails a second, each answered after it is on disk.

Ours over the relay's Unix socket, with identity, counts and limits; Postfix's over TCP on the
loopback, which is the way it has. Postfix runs no queue manager, we no worker: nobody sends.
"""

from contextlib import ExitStack

from bench.figures import POSTFIX, Row
from bench.house import has_processes
from bench.load import Address, by_smtp, by_xsendmail, message_of
from bench.stage import Stage

CONNECTIONS = (1, 10, 50, 100)
_TARGETS = {10: "≥ 1.3 SQLite, ≥ 1.1 PostgreSQL", 50: "≥ 1.5", 100: ""}
PLAIN = {
    number: Row(
        f"acceptance by SMTP, {number} at once, a connection for each mail",
        "mails/s",
        target=_TARGETS.get(number, ""),
    )
    for number in CONNECTIONS
}
KEPT = Row("acceptance by SMTP, 10 connections that are kept", "mails/s")
LARGE = Row("acceptance by SMTP, 10 at once, 1 MB each", "mails/s", 1)
OURS = Row("acceptance by XSENDMAIL, 10 at once", "mails/s", alone="Postfix has no such verb")
TWO = {
    number: Row(f"acceptance by SMTP, {number} at once, 2 relay processes", "mails/s")
    for number in (10, 50)
}
SMALL_BYTES, LARGE_BYTES = 4000, 1_000_000


async def measure(stage: Stage) -> None:
    """Hand in mails over 1, 10, 50 and 100 connections, small and large ones."""
    small, large = message_of(SMALL_BYTES), message_of(LARGE_BYTES)
    houses = stage.houses()
    postfix = stage.postfix()
    with ExitStack() as stack:
        sides: dict[str, Address] = {}
        for kind, house in houses.items():
            stack.enter_context(house.accepting())
            sides[kind] = house.socket
        if postfix is not None:
            stack.enter_context(postfix.accepting())
            sides[POSTFIX] = postfix.address
        for _ in stage.each_round():
            for connections, row in PLAIN.items():
                mails = stage.mails(200 if connections == 1 else 600)
                for side, address in sides.items():
                    elapsed = await by_smtp(address, mails, connections, small)
                    stage.figures.note(row, side, mails / elapsed)
            mails = stage.mails(600)
            for side, address in sides.items():
                elapsed = await by_smtp(address, mails, 10, small, are_kept=True)
                stage.figures.note(KEPT, side, mails / elapsed)
            for side in houses:
                elapsed = await by_xsendmail(sides[side], mails, 10, small)
                stage.figures.note(OURS, side, mails / elapsed)
            mails = stage.mails(60)
            for side, address in sides.items():
                elapsed = await by_smtp(address, mails, 10, large)
                stage.figures.note(LARGE, side, mails / elapsed)
    if has_processes():
        await _two_processes(stage)


async def _two_processes(stage: Stage) -> None:
    """The same with two relay processes, and one Postfix."""
    small = message_of(SMALL_BYTES)
    houses = stage.houses()
    postfix = stage.postfix()
    with ExitStack() as stack:
        sides: dict[str, Address] = {}
        for kind, house in houses.items():
            stack.enter_context(house.accepting("--processes", "2"))
            sides[kind] = house.socket
        if postfix is not None:
            stack.enter_context(postfix.accepting())
            sides[POSTFIX] = postfix.address
        for _ in stage.each_round():
            for connections, row in TWO.items():
                mails = stage.mails(600)
                for side, address in sides.items():
                    elapsed = await by_smtp(address, mails, connections, small)
                    stage.figures.note(row, side, mails / elapsed)
