"""`python -m bench`: what Facteur does in a second and what it weighs, beside Postfix.

    commands     the sendmail command, alone and eight at once, and PHP's mail() through it
    acceptance   mail in over SMTP and XSENDMAIL, 1 to 100 connections, 4 kB and 1 MB
    delivery     mail out to a fast server, to twenty, and to one that is 20 ms away
    memory       of each process, idle and at work; of a large message
    claims       a claim of 50 beside a million e-mails that are held
    judging      what it costs a worker to have a message judged, beside a million e-mails
    reports      reports of failures understood in a second
    returns      reports of failures kept and handled in a second
    signatures   what the two signatures of a message cost

Postfix does the same in turn, if it is installed and we are root, with its own queue. Each figure
is the median of the rounds, with the least and the most. The table at the end is Markdown, as
docs/performance.md has it. What pages cost is for `python -m bench.pages`.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import uvloop

from bench import claims, commands, judging, returns, sending, signing, taking, thinking, weights
from bench.figures import POSTGRESQL, SQLITE, machine
from bench.house import cluster
from bench.postfix import why_not
from bench.stage import Stage

ROUNDS = 5
MEASURES: dict[str, Callable[[Stage], Awaitable[None]]] = {
    "commands": commands.measure,
    "acceptance": taking.measure,
    "delivery": sending.measure,
    "memory": weights.measure,
    "claims": claims.measure,
    "judging": judging.measure,
    "reports": thinking.measure,
    "returns": returns.measure,
    "signatures": signing.measure,
}
QUICK_SHARE, QUICK_ROUNDS = 0.2, 3


def main() -> None:
    """Run it and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--rounds", type=int, help=f"of each measure; {ROUNDS} if not given")
    parser.add_argument("--quick", action="store_true", help="a fifth of the mail, 3 rounds")
    parser.add_argument(
        "--database", choices=("both", "sqlite", "postgresql"), default="both", help="ours"
    )
    options = parser.parse_args()
    rounds = options.rounds or (QUICK_ROUNDS if options.quick else ROUNDS)
    # Open to Postfix's own user.
    folder = Path(tempfile.mkdtemp(prefix="fb-"))
    folder.chmod(0o755)
    began = time.monotonic()
    try:
        with ExitStack() as stack:
            databases: dict[str, Callable[[], str]] = {}
            if options.database != "postgresql":
                databases[SQLITE] = lambda: ""
            if options.database != "sqlite":
                databases[POSTGRESQL] = stack.enter_context(cluster())
            stage = Stage(folder, rounds, QUICK_SHARE if options.quick else 1, databases)
            uvloop.run(_measure(stage, options.only))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\nMeasured in {time.monotonic() - began:.0f} s.\n\n{machine()}\n")
    for line in stage.figures.table():
        print(line)
    if reason := why_not():
        print(f"\n{reason}: there is nothing to compare with.")


async def _measure(stage: Stage, names: list[str]) -> None:
    for number, name in enumerate(names, 1):
        print(f"{name} ({number} of {len(names)})", flush=True)
        await MEASURES[name](stage)
        stage.clear()


if __name__ == "__main__":
    main()
