"""`python -m bench`: mails a second, taken in and sent on; and as a share of Postfix's.

    acceptance   through the real relay over its Unix socket, answered after the commit: by
                 XSENDMAIL as the sendmail command does it, and by plain SMTP, ten at once
    delivery     what was taken goes to a server that answers at once; each outcome is committed

What pages cost is for `python -m bench.pages`.

Postfix does the same in the same minutes, if it is installed and we are root, with its own queue
and its settings as they come. Each figure is the median of three runs, with the least and the most.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

import uvloop

from bench.house import House, database
from bench.load import Sink, by_smtp, by_xsendmail, sink
from bench.postfix import Postfix, why_not

RUNS = 3
MAILS = 1000
# A slow machine stops after the round that is under way, and says so.
ENOUGH_S = 120.0

XSENDMAIL = "acceptance, XSENDMAIL"
SMTP = "acceptance, SMTP"
DELIVERY = "delivery"
POSTFIX_SMTP = "Postfix: acceptance, SMTP"
POSTFIX_DELIVERY = "Postfix: delivery"

Figures = dict[str, list[float]]


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--mails", type=int, default=MAILS, help="mails in a run")
    parser.add_argument("--postgresql", action="store_true", help="on PostgreSQL, not on SQLite")
    options = parser.parse_args()
    # Open to Postfix's own user.
    folder = Path(tempfile.mkdtemp(prefix="fb-"))
    folder.chmod(0o755)
    try:
        with database(options.postgresql) as url:
            print(f"{os.cpu_count()} processors, {'PostgreSQL' if url else 'SQLite'}.", flush=True)
            figures = uvloop.run(_measure(folder, options.mails, url))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _report(figures)


async def _measure(folder: Path, mails: int, database_url: str) -> Figures:
    figures: Figures = {}
    async with sink() as server:
        house = House(folder / "facteur", server.port, database_url)
        postfix = None if why_not() else Postfix(folder / "postfix", server.port)
        until = time.monotonic() + ENOUGH_S
        for run in range(1, RUNS + 1):
            print(f"Run {run} of {RUNS}, {mails} mails each:", flush=True)
            await _run_house(figures, house, server, mails)
            if postfix is not None:
                await _run_postfix(figures, postfix, server, mails)
            if time.monotonic() > until:
                print("This machine is slow: no more runs.", flush=True)
                break
    return figures


async def _run_house(figures: Figures, house: House, server: Sink, mails: int) -> None:
    ways: dict[str, Callable[[Path, int], Awaitable[float]]] = {
        XSENDMAIL: by_xsendmail,
        SMTP: by_smtp,
    }
    for name, hand_in in ways.items():
        with house.accepting():
            _note(figures, name, mails, await hand_in(house.socket, mails))
        server.expect(mails)
        await house.deliver()
        _note(figures, DELIVERY, mails, await server.elapsed())


async def _run_postfix(figures: Figures, postfix: Postfix, server: Sink, mails: int) -> None:
    with postfix.accepting():
        _note(figures, POSTFIX_SMTP, mails, await by_smtp(postfix.address, mails))
    server.expect(mails)
    with postfix.delivering():
        _note(figures, POSTFIX_DELIVERY, mails, await server.elapsed())


def _note(figures: Figures, name: str, mails: int, elapsed_s: float) -> None:
    figures.setdefault(name, []).append(mails / elapsed_s)
    print(f"  {name:<26} {mails / elapsed_s:6.0f} a second", flush=True)


def _report(figures: Figures) -> None:
    print("\nMails a second: median (least to most)")
    for name, rates in figures.items():
        print(f"  {name:<26} {median(rates):6.0f} ({min(rates):.0f} to {max(rates):.0f})")
    if reason := why_not():
        print(f"\n{reason}: there is nothing to compare with.")
        return
    print("\nAs a share of Postfix in the same runs")
    for name, other in (
        (XSENDMAIL, POSTFIX_SMTP),
        (SMTP, POSTFIX_SMTP),
        (DELIVERY, POSTFIX_DELIVERY),
    ):
        print(f"  {name:<26} {median(figures[name]) / median(figures[other]):6.2f}")


if __name__ == "__main__":
    main()
