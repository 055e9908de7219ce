"""What it costs a worker to have a message judged, step by step, beside a million e-mails.

Run as a program of its own (`python -m bench.judging BATCHES`), on a house's database, it claims
so many batches of messages, judges them as a worker does, and prints the median of each step in
milliseconds for one message. What is known of hosts is looked up, too; nothing is found out.
"""

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import ParamSpec, TypeVar

from bench.figures import Row
from bench.load import by_xsendmail, message_of
from bench.stage import Stage

P = ParamSpec("P")
T = TypeVar("T")

BATCH = 50
BATCHES = 20
BESIDE = 1_000_000
ALONE = "Postfix judges nothing"
STEPS = ("load", "read", "look up", "judge", "write")
ROWS = {step: Row(f"a message judged: {step}", "ms", 3, alone=ALONE) for step in STEPS}


async def measure(stage: Stage) -> None:
    """Fill the table, hand in messages, and judge them."""
    for kind, house in stage.houses().items():
        beside = stage.mails(BESIDE)
        print(f"  Making {beside:,} e-mails on {kind}…", flush=True)
        house.manage(*("filldatabase", "--add", "--accounts", "10"), *("--recipients", str(beside)))
        for _ in stage.each_round():
            with house.accepting():
                await by_xsendmail(house.socket, BATCH * BATCHES, 10, message_of(4000))
            printed = await house.python("-m", "bench.judging", str(BATCHES))
            for line in printed.splitlines():
                step, value = line.rsplit(maxsplit=1)
                stage.figures.note(ROWS[step], kind, float(value))


def main() -> None:
    """Judge as many batches as the argument says; print what each step took."""
    # Nothing leaves the machine: what is wanted is noted, and nobody finds it out.
    os.environ["FACTEUR_CHECK_LINKS"] = "yes"
    import django

    django.setup()
    from mailqueue import queue
    from relay import screener, unjudged

    times: dict[str, list[float]] = defaultdict(list)

    def timed(step: str, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        began = time.perf_counter()
        result = work(*args, **kwargs)
        times[step].append((time.perf_counter() - began) * 1000 / BATCH)
        return result

    for _ in range(int(sys.argv[1])):
        claimed = queue.claim_due(datetime.now(UTC), BATCH, timedelta(minutes=5))
        if len(claimed) != BATCH:
            raise SystemExit(f"only {len(claimed)} were due")
        loaded = timed("load", unjudged.load, [[item] for item in claimed])
        letters = timed("read", lambda found: [*map(unjudged.parse, found)], loaded)
        known = timed("look up", unjudged.look_up, letters, [], datetime.now(UTC))
        judged = timed("judge", lambda found: [*map(screener._judged, found)], known)
        timed("write", screener._settle, judged, claimed, datetime.now(UTC))
        # They are not due again in this run.
        now = datetime.now(UTC)
        queue.put_off([(item, now + timedelta(days=1)) for item in claimed], now)
    for step in STEPS:
        print(step, median(times[step]))


if __name__ == "__main__":
    main()
