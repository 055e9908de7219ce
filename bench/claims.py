"""What it costs a worker to claim 50 e-mails: beside none that are held, and beside a million.

Run as a program of its own (`python -m bench.claims CLAIMS`), on a house's database, it claims so
often, gives all back, and prints the median in milliseconds.
"""

import sys
import time
from datetime import UTC, datetime, timedelta
from statistics import median

from bench.figures import Row
from bench.load import by_xsendmail, message_of
from bench.stage import Stage

CLAIM = 50
CLAIMS = 40
HELD = 1_000_000
ALONE = "Postfix's holds are files"
NONE = Row(f"a claim of {CLAIM}, none held", "ms", 2, alone=ALONE)
MANY = Row(f"a claim of {CLAIM} beside a million held (≤ 1.25 × that)", "ms", 2, alone=ALONE)


async def measure(stage: Stage) -> None:
    """Claim, fill the table with what is held, and claim again."""
    held = stage.mails(HELD)
    for kind, house in stage.houses().items():
        recipients = tuple(f"client{number}@example.org".encode() for number in range(CLAIM))
        with house.accepting():
            await by_xsendmail(house.socket, 2 * CLAIMS, 10, message_of(4000), recipients)
        for row in (NONE, MANY):
            if row is MANY:
                print(f"  Making {held:,} held e-mails on {kind}…", flush=True)
                house.manage(
                    *("filldatabase", "--add", "--accounts", "10"),
                    *("--recipients", str(held), "--held", str(held)),
                )
            for _ in stage.each_round():
                printed = await house.python("-m", "bench.claims", str(CLAIMS))
                stage.figures.note(row, kind, float(printed))
        runs = stage.figures.rows
        ratio = median(runs[MANY][kind]) / median(runs[NONE][kind])
        stage.figures.say(
            f"{kind}: a claim beside {held:,} held costs {ratio:.2f} × what it costs beside none."
        )


def main() -> None:
    """Claim as often as the argument says; print the median in milliseconds."""
    import django

    django.setup()
    from mailqueue import queue

    lease = timedelta(minutes=5)
    times, taken = [], []
    for _ in range(int(sys.argv[1])):
        began = time.perf_counter()
        claimed = queue.claim_due(datetime.now(UTC), CLAIM, lease)
        times.append(time.perf_counter() - began)
        if len(claimed) != CLAIM:
            raise SystemExit(f"only {len(claimed)} were due")
        taken += claimed
    queue.give_back(taken, datetime.now(UTC))
    print(1000 * median(times))


if __name__ == "__main__":
    main()
